// What the reading of a script tells: warnings, what was done, each undone by one press, and speakers who may be one.

import { byId, h, keep, say, show } from "./dom.js";
import { goToLine } from "./script.js";
import { t } from "./words.js";

/** Of one kind so many are shown; the button of the kind undoes all. */
const SHOWN = 100;
/** What undoes a change: the reader takes a line that begins with it as it stands. */
const ESCAPE = "\\";
/** What a line without words is offered to be. */
const PAUSE = "[pause 1s]";

/**
 * The part below the script. `edit(lines)` puts the text of some lines (by number, 1-based) in the place of what they
 * are; `readAs(format)` has the whole read as another format.
 * @param {{ edit: (lines: Map<number, string>) => void, readAs: (format: string) => void, lineAt: (line: number) => string }} script
 */
export function makeChanges({ edit, readAs, lineAt }) {
  const part = byId("changes", HTMLDetailsElement);
  /** What is said in the turn that begins at a line. @type {Map<number, string>} */
  let texts = new Map();

  /** @param {ParsedDialogue} parsed */
  function set({ warnings, changes, suggestions, turns }) {
    texts = new Map(turns.map(({ line = 0, text }) => [line, text]));
    keep(byId("warnings"), warnings, ({ line, message }) => `${line} ${message}`, makeWarning);
    /** @type {Map<string, ParseChange[]>} */
    const kinds = new Map();
    for (const change of changes) kinds.set(change.kind, [...(kinds.get(change.kind) ?? []), change]);
    show(part, changes.length > 0);
    say(byId("changes-count"), changes.length ? t("changes.count", { n: changes.length }) : "");
    keep(byId("changes-list"), [...kinds], ([kind]) => kind, makeKind);
    show(byId("alike"), suggestions.length > 0);
    const pairs = suggestions.flatMap(({ speakers: [name = "", ...others] }) => others.map((other) => ({ name, other, turns })));
    keep(byId("alike"), pairs, ({ name, other }) => JSON.stringify([name, other]), makePair);
  }

  /**
   * @param {ParseWarning} warning
   * @returns {Part<ParseWarning>}
   */
  function makeWarning({ line, kind, message }) {
    const place = h("button", { type: "button", onclick: () => goToLine(line) }, message);
    const pause = () => edit(new Map([[line, lineAt(line).replace(texts.get(line) ?? "", PAUSE)]]));
    const isOffered = kind === "nothing_to_say" && lineAt(line).includes(texts.get(line) ?? "\n");
    const button = isOffered ? h("button", { type: "button", class: "small", onclick: pause }, t("warnings.pause")) : null;
    return { element: h("li", {}, place, button), fill() {} };
  }

  /** @returns {Part<[string, ParseChange[]]>} */
  function makeKind() {
    /** @type {ParseChange[]} */
    let all = [];
    const what = h("span");
    const undoAll = h("button", { type: "button", class: "quiet", onclick: () => undo(all) }, t("changes.undo-all"));
    const list = h("ol", { class: "plain" });
    const more = h("p", { class: "note" });
    return {
      element: h("li", {}, h("p", { class: "change-kind" }, what, undoAll), list, more),
      fill([kind, changes]) {
        all = changes;
        say(what, t("changes.kind", { what: t(`change.${kind}`), n: changes.length }));
        show(undoAll, changes.length > 1);
        keep(list, changes.slice(0, SHOWN), ({ line, from }) => `${line} ${from}`, makeChange);
        show(more, changes.length > SHOWN);
        say(more, t("changes.more", { n: changes.length - SHOWN }));
      },
    };
  }

  /** @returns {Part<ParseChange>} */
  function makeChange() {
    /** @type {ParseChange} */
    let change = { line: 1, kind: "", from: "", to: "" };
    const before = h("del", {}, "");
    const after = h("ins", {}, "");
    const line = h("button", { type: "button", class: "quiet", onclick: () => goToLine(change.line) });
    const undoIt = h("button", { type: "button", class: "quiet", onclick: () => undo([change]) }, t("changes.undo"));
    return {
      element: h("li", { class: "change" }, line, h("span", { class: "change-words" }, before, " ", after), undoIt),
      fill(now) {
        change = now;
        say(line, t("changes.line", { n: now.line }));
        say(before, now.from);
        say(after, now.kind === "format" ? t(`format.${now.to}`) : now.to || t("changes.left-out"));
        after.classList.toggle("is-left-out", !now.to);
        undoIt.setAttribute("aria-label", t("changes.undo-of", { n: now.line, what: t(`change.${now.kind}`) }));
      },
    };
  }

  /** @returns {Part<{ name: string, other: string, turns: ParsedTurn[] }>} */
  function makePair() {
    /** @type {() => void} */
    let merge = () => {};
    const question = h("span");
    const button = h("button", { type: "button", onclick: () => merge() });
    return {
      element: h("li", {}, question, button),
      fill({ name, other, turns }) {
        say(question, t("alike.question", { name, other }));
        say(button, t("alike.merge", { name }));
        merge = () => edit(new Map(turns.filter((turn) => turn.speaker === other).map(({ line = 0 }) => [line, renamed(line, other, name)])));
      },
    };
  }

  /**
   * @param {number} line
   * @param {string} from
   * @param {string} to
   */
  const renamed = (line, from, to) => lineAt(line).replace(from, () => to);

  /** @param {ParseChange[]} changes */
  function undo(changes) {
    if (changes.some((change) => change.kind === "format")) readAs("script");
    else edit(new Map(changes.map(({ line, kind }) => [line, kind === "escape" ? lineAt(line).replace(ESCAPE, "") : ESCAPE + lineAt(line)])));
  }

  return { set };
}
