// How far an active job is: a bar, the lines done of all, the countdown to the next try.

import { serverNow } from "./api.js";
import { h, say, show } from "./dom.js";
import { t } from "./words.js";

/** What counts down in an element, a second at a time. @type {WeakMap<Element, () => void>} */
const ticks = new WeakMap();

/** An element that shows a job's progress, and what fills it. */
export function makeProgress() {
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("progress.label") });
  const stageOf = h("span", { class: "stage" });
  const countdown = h("span", { class: "countdown" });
  const element = h("div", { class: "progress" }, bar, h("p", {}, stageOf, countdown));

  /** @type {string | null} */
  let next = null;
  function tick() {
    if (!next) return;
    const seconds = Math.max(0, Math.ceil((Date.parse(next) - serverNow()) / 1000));
    say(countdown, t("progress.retry", { n: seconds }));
  }
  ticks.set(element, tick);

  return {
    element,
    /** @param {{ progress: Progress }} job */
    fill(job) {
      const { stage, turns_done: done, turns_total: total } = job.progress;
      bar.max = total + 1; // the joining is a step of its own
      bar.value = stage === "done" ? total + 1 : done;
      say(stageOf, t(`stage.${stage}`, { done, total }));
      next = job.progress.next_retry_at;
      show(countdown, next !== null);
      tick();
    },
  };
}

setInterval(() => document.querySelectorAll(".progress").forEach((element) => ticks.get(element)?.()), 1_000);
