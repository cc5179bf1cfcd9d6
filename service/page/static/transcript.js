// The transcript: the lines as in a script. With timings it follows the sound, and a line that is pressed plays.

import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { clock, t } from "./words.js";

/** After a person has scrolled, the transcript does not for so long, in milliseconds. */
const HANDS_OFF_MS = 4_000;

const list = byId("lines");

/** `play(ms)` and `again(turn)` are what a line can do. */
export function makeTranscript({ play, again }) {
  let current = null;
  let scrolledAt = 0;
  for (const event of ["wheel", "touchmove", "keydown"]) {
    window.addEventListener(event, () => (scrolledAt = Date.now()), { passive: true });
  }

  /** Shows the turns; `timings` by turn index, or null; `canSpeakAgain` gives each line its button. */
  function fill({ turns, speakers, timings, canSpeakAgain }) {
    show(byId("transcript-hint"), timings !== null);
    keep(list, turns, (turn) => turn.index, make, (element, turn) => {
      const timing = timings?.get(turn.index);
      element.start = timing?.start_ms ?? null;
      element.className = castClass(speakers.indexOf(turn.speaker));
      const button = element.querySelector(".line");
      button.disabled = !timing;
      say(element.querySelector("time"), timing ? clock(timing.start_ms) : "");
      show(element.querySelector(".again"), canSpeakAgain);
    });
  }

  function make(turn) {
    const line = h(
      "button",
      { type: "button", class: "line" },
      h("span", { class: "speaker" }, h("bdi", {}, turn.speaker)),
      h("span", { class: "said", dir: "auto" }, turn.text, turn.voice_id ? h("small", {}, turn.voice_id) : null),
      h("time"),
    );
    const label = t("again.of", { n: turn.index + 1, speaker: turn.speaker });
    const button = h("button", { type: "button", class: "quiet round again", "aria-label": label, title: t("again.title") }, icon("again"));
    const element = h("li", {}, line, button);
    line.addEventListener("click", () => play(element.start));
    button.addEventListener("click", () => again(turn));
    return element;
  }

  /** Marks the turn that is heard now (or none), and keeps it in sight while it plays. */
  function follow(index, isPlaying) {
    const element = index === null ? null : list.children[index];
    if (element === current) return;
    current?.removeAttribute("aria-current");
    current = element;
    current?.setAttribute("aria-current", "true");
    if (current && isPlaying && Date.now() - scrolledAt > HANDS_OFF_MS) current.scrollIntoView({ block: "nearest" });
  }

  return { fill, follow };
}
