// Handing a job in: the same job sent twice is one job; what is refused is told beside the button, in the page's words.

import { Away, Refused, call } from "./api.js";
import { byId, h, show } from "./dom.js";
import { knows, t } from "./words.js";

const form = byId("write", HTMLFormElement);
const button = byId("submit", HTMLButtonElement);
const place = byId("refused");

/**
 * What happens on submit. `bodyOf()` answers what POST /jobs takes, or null when it has refused; `done(job)` is called
 * with the new job; `turns()` and `speakers()` are what the form holds, for the names of what is wrong.
 * @param {{
 *   bodyOf: () => Promise<JobRequest | null>,
 *   done: (job: JobResponse) => void,
 *   turns: () => ParsedTurn[],
 *   speakers: () => string[],
 * }} of
 */
export function makeHandIn({ bodyOf, done, turns, speakers }) {
  /** One key for each content. @type {{ body: string | null, key: string }} */
  let sent = { body: null, key: "" };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    show(place, false);
    try {
      const body = await bodyOf();
      if (!body) return;
      const job = await call("POST", "/jobs", { body, headers: { "Idempotency-Key": keyFor(body) } });
      sent = { body: null, key: "" };
      done(job);
    } catch (error) {
      if (error instanceof Refused) explain(error);
      else if (error instanceof Away) refuse(t("submit.away"));
      else throw error;
    } finally {
      button.removeAttribute("aria-busy");
    }
  });

  /** @param {JobRequest} body */
  function keyFor(body) {
    const text = JSON.stringify(body);
    if (sent.body !== text) {
      const random = crypto.getRandomValues(new Uint8Array(16));
      sent = { body: text, key: Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("") };
    }
    return sent.key;
  }

  /**
   * Says why a job was not taken.
   * @param {Refused} error
   */
  function explain(error) {
    if (error.code === "JOB_LIMIT_EXCEEDED") {
      const { current_jobs: current, max_jobs: most } = error.details ?? {};
      const list = h("a", { class: "button", href: "/jobs" }, t("submit.limit.list"));
      refuse(error.message, null, [h("p", {}, t("submit.limit", { current, most })), list]);
      return;
    }
    const items = error.problems
      .slice(0, 20)
      .map(({ field, message }) => h("li", {}, t("error.field", { field: nameOf(field), message })));
    refuse(error.message, null, items.length ? [h("ul", {}, ...items)] : []);
  }

  /**
   * A field's path in the words of the page.
   * @param {string} field
   */
  function nameOf(field) {
    const [, turn] = /^turns\[(\d+)\]/.exec(field) ?? [];
    if (turn) return t("error.turn", { n: Number(turn) + 1, speaker: turns()[Number(turn)]?.speaker ?? "" });
    const [, voice] = /^voice_assignments\[(\d+)\]/.exec(field) ?? [];
    if (voice) return t("error.voice", { speaker: speakers()[Number(voice)] ?? "" });
    return knows(`field.${field}`) ? t(`field.${field}`) : field;
  }
}

/**
 * Says beside the button why nothing was handed in, and goes to where it can be mended.
 * @param {string} text
 * @param {(() => void) | null} [go]
 * @param {Node[]} [more]
 * @returns {null}
 */
export function refuse(text, go = null, more = []) {
  place.replaceChildren(h("p", {}, text), ...more);
  show(place, true);
  if (go) go();
  else place.focus();
  return null;
}

/** What was refused may be right by now. */
export const forgetRefusal = () => show(place, false);
