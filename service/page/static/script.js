// The box for the script: sent to be parsed as one types, mistakes marked at their line, lines in their speaker's colour.

import { Away, Refused, call } from "./api.js";
import { byId, calm, castClass, h, say } from "./dom.js";
import { t } from "./words.js";

/** A pause in typing of so long, in milliseconds, and the script is parsed. */
const PAUSE_MS = 250;
const AWAY_MS = 3_000;

/** What other programs end a line with: the server counts a line there, a textarea shows none. */
const FOREIGN_LINE_END = /[\u2028\u2029]/g;
/** Keys that move the caret. */
const MOVES = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);
const NOTHING = { turns: [], speakers: [], total_characters: 0, is_valid: false, error: null };

const box = byId("script");
const scroller = byId("script-box");
const mirror = byId("script-mirror");

/** The parts of `error`, each with the line that it is about (1-based), or null. */
export function mistakesOf(error) {
  return (error ?? "").split("\n").filter(Boolean).map((text) => {
    const found = /第 (\d+) 行|line (\d+)/.exec(text);
    return { line: found ? Number(found[1] ?? found[2]) : null, text };
  });
}

/** The line of a turn for the script box: a name that would not be read as one is put in brackets. */
export function lineOf({ speaker, text }) {
  const isBare = speaker && !/[:：，。！？；、,!?;「」『』“”"[\]［］【】]|\d$/.test(speaker);
  return `${isBare ? speaker : `[${speaker}]`}: ${text.replace(/\n\s*\n/g, "\n")}`;
}

/** The box. `changed(parsed)` is called when what was found in it changes; `typed()` at every key. */
export function makeScript({ typed, changed }) {
  let parsed = NOTHING;
  let parsedText = "";
  let asked = null;
  let running = null;

  const later = calm(() => (running = parse()), PAUSE_MS);

  box.addEventListener("input", () => {
    endLinesHere();
    draw();
    showCaret();
    typed();
    later();
  });

  async function parse() {
    const text = box.value;
    asked?.abort();
    if (!text.trim()) return settle(text, NOTHING);
    const mine = (asked = new AbortController());
    try {
      return settle(text, await call("POST", "/dialogues/parse", { body: { dialogue_text: text }, signal: mine.signal }));
    } catch (error) {
      if (error instanceof Away) setTimeout(later, AWAY_MS);
      else if (error instanceof Refused) return settle(text, { ...NOTHING, error: reasonOf(error) });
      else if (error.name !== "AbortError") throw error;
      return undefined;
    }
  }

  function settle(text, found) {
    if (text !== box.value) return;
    [parsed, parsedText] = [found, text];
    draw();
    changed(parsed);
  }

  /** The mirror lies under the text with the same words: it carries numbers, colours and marks, and makes the height. */
  function draw() {
    const wrong = new Set(parsedText === box.value ? mistakesOf(parsed.error).map((mistake) => mistake.line) : []);
    let speaker = -1;
    const lines = box.value.split("\n");
    lines.forEach((line, place) => {
      if (!line.trim()) speaker = -1;
      const named = speakerOf(line, parsed.speakers);
      if (named !== null) speaker = named;
      const element = mirror.children[place] ?? mirror.appendChild(h("div"));
      const name = `${speaker < 0 ? "" : castClass(speaker)}${wrong.has(place + 1) ? " is-wrong" : ""}`;
      if (element.className !== name) element.className = name;
      say(element, line || "\u200b");
    });
    while (mirror.children.length > lines.length) mirror.lastElementChild.remove();
    box.setAttribute("aria-invalid", String(wrong.size > 0));
  }

  return {
    get parsed() {
      return parsed;
    },
    get text() {
      return box.value;
    },
    /** Puts a text in; answers when it is parsed. */
    set(text) {
      box.value = text;
      endLinesHere();
      draw();
      later();
      return later.now();
    },
    /** What is in the box now, as parsed; undefined when the server is away. */
    async settled() {
      await (later.now() ?? running);
      if (parsedText !== box.value) await parse();
      return parsedText === box.value ? parsed : undefined;
    },
    focus: () => box.focus(),
  };
}

/** Makes a line of our own of each that another program has ended, so that both sides count the same lines. */
function endLinesHere() {
  if (box.value.search(FOREIGN_LINE_END) < 0) return;
  const { selectionStart, selectionEnd } = box;
  box.value = box.value.replace(FOREIGN_LINE_END, "\n");
  box.setSelectionRange(selectionStart, selectionEnd);
}

/** Selects a line (1-based) and brings it into sight, with some lines around it. */
export function goToLine(line) {
  const lines = box.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  box.focus({ preventScroll: true });
  box.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const element = mirror.children[line - 1];
  if (element) scroller.scrollTop = element.offsetTop - (scroller.clientHeight - element.offsetHeight) / 2;
  showLine(line);
}

/** Scrolls as far as a line (1-based) needs to be seen. */
function showLine(line) {
  mirror.children[line - 1]?.scrollIntoView({ block: "nearest" });
}

/** The browser looks after the caret by itself, but before the sheet has grown, and not where something covers it. */
function showCaret() {
  const caret = box.selectionDirection === "backward" ? box.selectionStart : box.selectionEnd;
  showLine(box.value.slice(0, caret).split("\n").length);
}

box.addEventListener("keyup", (event) => MOVES.has(event.key) && showCaret());

function speakerOf(line, speakers) {
  const found = /^[\s\u3000\ufeff]*(?:[[［【]([^[\]［］【】]*)[\]］】]|([^:：]*?))[\s\u3000]*[:：]/.exec(line);
  const place = found ? speakers.indexOf((found[1] ?? found[2]).trim()) : -1;
  return place < 0 ? null : place;
}

function reasonOf(error) {
  const problem = error.details?.problems?.[0];
  return problem ? t("error.field", { field: problem.field, message: problem.message }) : error.message;
}
