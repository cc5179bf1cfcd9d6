// The transcript: the lines as in a script. With timings it follows the sound, and a line that is pressed plays.

import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { clock, t } from "./words.js";

/** After a person has scrolled, the transcript does not for so long, in milliseconds. */
const HANDS_OFF_MS = 4_000;

const list = byId("lines");

/**
 * `play(ms)` and `again(turn)` are what a line can do.
 * @param {{ play: (ms: number) => void, again: (turn: JobTurnBody) => void }} does
 */
export function makeTranscript({ play, again }) {
  /** @type {Element | null} */
  let current = null;
  let scrolledAt = 0;
  for (const event of ["wheel", "touchmove", "keydown"]) {
    window.addEventListener(event, () => (scrolledAt = Date.now()), { passive: true });
  }

  /** @typedef {{ turn: JobTurnBody, name: string, timing: TurnTimingBody | null, canSpeakAgain: boolean }} Line */

  /**
   * Shows the turns; `timings` by turn index, or null; `canSpeakAgain` gives each line its button.
   * @param {{ turns: JobTurnBody[], speakers: string[], timings: Map<number, TurnTimingBody> | null, canSpeakAgain: boolean }} now
   */
  function fill({ turns, speakers, timings, canSpeakAgain }) {
    show(byId("transcript-hint"), timings !== null);
    /** @type {Line[]} */
    const lines = turns.map((turn) => ({
      turn,
      name: castClass(speakers.indexOf(turn.speaker)),
      timing: timings?.get(turn.index) ?? null,
      canSpeakAgain,
    }));
    keep(list, lines, ({ turn }) => turn.index, make);
  }

  /**
   * @param {Line} line
   * @returns {Part<Line>}
   */
  function make({ turn }) {
    let start = 0;
    const time = h("time");
    const line = h(
      "button",
      { type: "button", class: "line", onclick: () => play(start) },
      h("span", { class: "speaker" }, h("bdi", {}, turn.speaker)),
      h("span", { class: "said", dir: "auto" }, turn.text, turn.voice_id ? h("small", {}, turn.voice_id) : null),
      time,
    );
    const label = t("again.of", { n: turn.index + 1, speaker: turn.speaker });
    const button = h("button", { type: "button", class: "quiet round again", "aria-label": label, title: t("again.title") }, icon("again"));
    button.addEventListener("click", () => again(turn));
    const element = h("li", {}, line, button);
    return {
      element,
      fill({ name, timing, canSpeakAgain }) {
        start = timing?.start_ms ?? 0;
        element.className = name;
        line.disabled = !timing;
        say(time, timing ? clock(timing.start_ms) : "");
        show(button, canSpeakAgain);
      },
    };
  }

  /**
   * Marks the turn that is heard now (or none), and keeps it in sight while it plays.
   * @param {number | null} index
   * @param {boolean} isPlaying
   */
  function follow(index, isPlaying) {
    const element = index === null ? null : (list.children[index] ?? null);
    if (element === current) return;
    current?.removeAttribute("aria-current");
    current = element;
    current?.setAttribute("aria-current", "true");
    if (current && isPlaying && Date.now() - scrolledAt > HANDS_OFF_MS) current.scrollIntoView({ block: "nearest" });
  }

  return { fill, follow };
}
