// How far an active job is: a bar, the lines done of all, the countdown to the next try.

import { serverNow } from "./api.js";
import { h, say, show } from "./dom.js";
import { t } from "./words.js";

/** An element for `fill`. */
export function makeProgress() {
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("progress.label") });
  return h("div", { class: "progress" }, bar, h("p", {}, h("span", { class: "stage" }), h("span", { class: "countdown" })));
}

/** Shows a job's detail in an element of `makeProgress`. */
export function fillProgress(element, job) {
  const { stage, turns_done: done, turns_total: total, next_retry_at: next } = job.progress;
  const bar = element.querySelector("progress");
  bar.max = total + 1; // the joining is a step of its own
  bar.value = stage === "done" ? total + 1 : done;
  say(element.querySelector(".stage"), t(`stage.${stage}`, { done, total }));
  const countdown = element.querySelector(".countdown");
  element.dataset.next = next ?? "";
  show(countdown, Boolean(next));
  tick(element);
}

function tick(element) {
  const next = element.dataset.next;
  if (!next) return;
  const seconds = Math.max(0, Math.ceil((Date.parse(next) - serverNow()) / 1000));
  say(element.querySelector(".countdown"), t("progress.retry", { n: seconds }));
}

setInterval(() => document.querySelectorAll(".progress[data-next]").forEach(tick), 1_000);
