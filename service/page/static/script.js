// The box for the script: sent to be parsed as one types, mistakes marked at their line, lines in their speaker's colour.

import { Away, Refused, call, isAborted } from "./api.js";
import { byId, calm, castClass, h, say } from "./dom.js";
import { t } from "./words.js";

/** A pause in typing of so long, in milliseconds, and the script is parsed. */
const PAUSE_MS = 250;
const AWAY_MS = 3_000;

/** What other programs end a line with: the server counts a line there, a textarea shows none. */
const FOREIGN_LINE_END = /[\u2028\u2029]/g;
/** Keys that move the caret. */
const MOVES = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);
/** @type {ParsedDialogue} */
const NOTHING = { turns: [], speakers: [], is_valid: false, error: null, warnings: [], changes: [], suggestions: [] };

const box = byId("script", HTMLTextAreaElement);
const scroller = byId("script-box");
const mirror = byId("script-mirror");
const readAs = byId("read-as", HTMLSelectElement);

/**
 * The parts of `error`, each with the line that it is about (1-based), or null.
 * @param {string | null} error
 */
export function mistakesOf(error) {
  return (error ?? "").split("\n").filter(Boolean).map((text) => {
    const found = /第 (\d+) 行|line (\d+)/.exec(text);
    return { line: found ? Number(found[1] ?? found[2]) : null, text };
  });
}

/**
 * The line of a turn for the script box: a name that would not be read as one is put in brackets.
 * @param {Row} turn
 */
export function lineOf({ speaker, text }) {
  const isBare = /^\p{L}[\p{L}\p{N} .'’·・&-]*$/u.test(speaker) && !/\d$/.test(speaker);
  return `${isBare ? speaker : `[${speaker}]`}: ${text.replace(/\n\s*\n/g, "\n")}`;
}

/**
 * The box. `changed()` is called when what was found in it changes; `typed()` at every key.
 * @param {{ typed: () => void, changed: () => void }} tell
 */
export function makeScript({ typed, changed }) {
  let parsed = NOTHING;
  let parsedText = "";
  let parsedAs = "";
  /** @type {AbortController | null} */
  let asked = null;
  /** @type {Promise<void> | undefined} */
  let running;

  /** The lines that were parsed, and how each looks. @type {string[]} */
  let knownLines = [];
  /** @type {string[]} */
  let known = [];

  const later = calm(() => (running = parse()), PAUSE_MS);

  box.addEventListener("input", () => {
    endLinesHere();
    draw();
    showCaret();
    typed();
    later();
  });

  readAs.addEventListener("change", () => {
    typed();
    later();
    later.now();
  });

  const isParsed = () => parsedText === box.value && parsedAs === readAs.value;

  async function parse() {
    const [text, format] = [box.value, readAs.value];
    asked?.abort();
    asked = new AbortController();
    try {
      const body = { dialogue_text: text, format };
      settle(text, format, text.trim() ? await call("POST", "/dialogues/parse", { body, signal: asked.signal }) : NOTHING);
    } catch (error) {
      if (error instanceof Away) setTimeout(later, AWAY_MS);
      else if (error instanceof Refused) settle(text, format, { ...NOTHING, error: reasonOf(error) });
      else if (!isAborted(error)) throw error;
    }
  }

  /**
   * @param {string} text
   * @param {string} format
   * @param {ParsedDialogue} found
   */
  function settle(text, format, found) {
    if (text !== box.value || format !== readAs.value) return;
    [parsed, parsedText, parsedAs] = [found, text, format];
    known = lookOfLines(parsed, text.split("\n"));
    knownLines = text.split("\n");
    draw();
    changed();
  }

  /** The mirror lies under the text with the same words: it carries numbers, colours and marks, and makes the height. */
  function draw() {
    const wrong = new Set(parsedText === box.value ? mistakesOf(parsed.error).map((mistake) => mistake.line) : []);
    const lines = box.value.split("\n");
    const looks = carriedOver(lines);
    lines.forEach((line, place) => {
      const element = mirror.children[place] ?? mirror.appendChild(h("div"));
      const name = `${looks[place] ?? ""}${wrong.has(place + 1) ? " is-wrong" : ""}`.trim();
      if (element.className !== name) element.className = name;
      say(element, line || "\u200b");
    });
    while (mirror.children.length > lines.length) mirror.lastElementChild?.remove();
    box.setAttribute("aria-invalid", String(wrong.size > 0));
  }

  /**
   * How lines look that are not parsed yet: as they did where they are the same from the beginning or from the end,
   * between by the name that stands before them.
   * @param {string[]} lines
   */
  function carriedOver(lines) {
    if (parsedText === box.value) return known;
    const shorter = Math.min(lines.length, knownLines.length);
    let head = 0;
    while (head < shorter && lines[head] === knownLines[head]) head += 1;
    let tail = 0;
    while (tail < shorter - head && lines[lines.length - 1 - tail] === knownLines[knownLines.length - 1 - tail]) tail += 1;
    let look = known[head - 1] ?? "";
    const between = lines.slice(head, lines.length - tail).map((line) => {
      const named = speakerOf(line, parsed.speakers);
      look = !line.trim() ? "" : named === null ? look : castClass(named);
      return look;
    });
    return [...known.slice(0, head), ...between, ...known.slice(knownLines.length - tail)];
  }

  return {
    get parsed() {
      return parsed;
    },
    get text() {
      return box.value;
    },
    /**
     * Puts a text in; answers when it is parsed.
     * @param {string} text
     */
    set(text) {
      box.value = text;
      endLinesHere();
      draw();
      later();
      return later.now();
    },
    /** What the text is read as, by the choice of a person. */
    get format() {
      return readAs.value;
    },
    /** @param {string} format */
    readAs(format) {
      readAs.value = format;
      later();
      return later.now();
    },
    /**
     * A line, 1-based.
     * @param {number} line
     */
    lineAt: (line) => box.value.split("\n")[line - 1] ?? "",
    /** What is in the box now, as parsed; undefined when the server is away. */
    async settled() {
      await (later.now() ?? running);
      if (!isParsed()) await parse();
      return isParsed() ? parsed : undefined;
    },
    focus: () => box.focus(),
  };
}

/**
 * The class of each line: the colour of who speaks, or that it is left out.
 * @param {ParsedDialogue} parsed
 * @param {string[]} lines
 */
function lookOfLines({ turns, speakers, changes }, lines) {
  const leftOut = new Set(changes.filter(({ kind, to }) => kind !== "format" && !to).map(({ line }) => line));
  const begins = new Map(turns.map(({ line, speaker }) => [line, castClass(speakers.indexOf(speaker))]));
  let look = "";
  return lines.map((line, place) => {
    if (!line.trim()) look = "";
    look = begins.get(place + 1) ?? look;
    return leftOut.has(place + 1) ? "is-left-out" : look;
  });
}

/** Makes a line of our own of each that another program has ended, so that both sides count the same lines. */
function endLinesHere() {
  if (box.value.search(FOREIGN_LINE_END) < 0) return;
  const { selectionStart, selectionEnd } = box;
  box.value = box.value.replace(FOREIGN_LINE_END, "\n");
  box.setSelectionRange(selectionStart, selectionEnd);
}

/**
 * Selects a line (1-based) and brings it into sight, with some lines around it.
 * @param {number} line
 */
export function goToLine(line) {
  const lines = box.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  box.focus({ preventScroll: true });
  box.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const element = mirror.children[line - 1];
  if (element instanceof HTMLElement) scroller.scrollTop = element.offsetTop - (scroller.clientHeight - element.offsetHeight) / 2;
  showLine(line);
}

/**
 * Scrolls as far as a line (1-based) needs to be seen.
 * @param {number} line
 */
function showLine(line) {
  mirror.children[line - 1]?.scrollIntoView({ block: "nearest" });
}

/** The browser looks after the caret by itself, but before the sheet has grown, and not where something covers it. */
function showCaret() {
  const caret = box.selectionDirection === "backward" ? box.selectionStart : box.selectionEnd;
  showLine(box.value.slice(0, caret).split("\n").length);
}

box.addEventListener("keyup", (event) => MOVES.has(event.key) && showCaret());

/**
 * The place among the speakers of the one that a line names, or null.
 * @param {string} line
 * @param {string[]} speakers
 */
function speakerOf(line, speakers) {
  const found = /^[\s\u3000\ufeff]*(?:[[［【]([^[\]［］【】]*)[\]］】]|([^:：]*?))[\s\u3000]*[:：]/.exec(line);
  const place = speakers.indexOf((found?.[1] ?? found?.[2] ?? "").trim());
  return place < 0 ? null : place;
}

/** @param {Refused} error */
function reasonOf(error) {
  const [problem] = error.problems;
  return problem ? t("error.field", { field: problem.field, message: problem.message }) : error.message;
}
