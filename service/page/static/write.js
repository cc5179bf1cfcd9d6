// The view that writes: script or rows, cast, provider, settings, and what is handed in.

import "./frame.js";
import { getJob, messageOf } from "./api.js";
import { makeCast } from "./cast.js";
import { makeChanges } from "./changes.js";
import { byId, h, say, show, toast } from "./dom.js";
import { dropDraft, keepDraft, readDraft } from "./draft.js";
import { forgetRefusal, makeHandIn, refuse } from "./hand_in.js";
import { makeImport } from "./import_file.js";
import { makeOwnVoices } from "./own_voices.js";
import { makeProviders } from "./providers.js";
import { makeRows } from "./rows.js";
import { goToLine, lineOf, makeScript, mistakesOf } from "./script.js";
import { makeSettings } from "./settings.js";
import { onAnother, showSubmitted } from "./submitted.js";
import { t } from "./words.js";

/** Beside the provider's own limit, a job has at most so many lines. */
const MAX_LINES = 1000;
/** A limit is near from this part of it on. */
const NEAR = 0.8;

/** @type {"script" | "rows"} */
let mode = "script";

const saveDraft = keepDraft(readForm);
const script = makeScript({ typed: saveDraft, changed: contentChanged });
const changes = makeChanges({ edit: editLines, readAs: script.readAs, lineAt: script.lineAt });
const rows = makeRows(contentChanged);
const cast = makeCast(changed);
const ownVoices = makeOwnVoices(changed);
const settings = makeSettings({ changed: saveDraft, languageChanged: contentChanged });
const providers = makeProviders({ chosen: (one) => settings.offer(one.output_formats), byHand: contentChanged });
makeHandIn({ bodyOf: bodyOfJob, done: handedIn, turns: () => dialogue().turns, speakers: () => dialogue().speakers });

// What is in the form

function dialogue() {
  if (mode === "script") {
    return { turns: script.parsed.turns.map(({ speaker, text, index }) => ({ speaker, text, index })), speakers: script.parsed.speakers };
  }
  const turns = rows.turns().map(({ speaker, text }, index) => ({ speaker, text, index }));
  return { turns, speakers: [...new Set(turns.map((turn) => turn.speaker).filter(Boolean))] };
}

/** @returns {Draft | null} */
function readForm() {
  const hasWords = mode === "script" ? script.text.trim() : rows.turns().length;
  if (!hasWords) return null;
  return {
    mode,
    text: script.text,
    readAs: script.format,
    rows: mode === "rows" ? rows.all() : [],
    provider: providers.now?.name ?? null,
    voices: cast.entries(),
    ownVoices: ownVoices.entries(),
    ...settings.read(),
  };
}

/**
 * Fills the form with a draft.
 * @param {Draft} draft
 */
async function fillForm(draft) {
  const { voices = {}, provider } = draft;
  cast.restore(Array.isArray(voices) ? { [provider ?? ""]: voices } : voices);
  ownVoices.restore(draft.ownVoices ?? {});
  providers.prefer(provider);
  settings.restore(draft);
  rows.set(draft.rows ?? []);
  setMode(draft.mode ?? "script");
  script.readAs(draft.readAs ?? "auto");
  await script.set(draft.text ?? "");
  contentChanged();
}

/** What POST /jobs takes, or null when the form is not ready: then the page says why. */
async function bodyOfJob() {
  if (mode === "script") {
    const parsed = await script.settled();
    if (!parsed) return refuse(t("submit.away"));
    if (!script.text.trim()) return refuse(t("submit.empty"), script.focus);
    if (!parsed.is_valid) {
      const [first] = mistakesOf(parsed.error);
      return refuse(t("submit.mistakes"), () => goToLine(first?.line ?? 1));
    }
  } else {
    if (!rows.turns().length) return refuse(t("submit.empty"), rows.focus);
    const wrong = rows.check();
    if (wrong) return refuse(t("submit.rows"), () => wrong.focus());
  }
  const provider = providers.now;
  if (!provider) return refuse(t("submit.provider"));
  const assignments = cast.assignments();
  if (!assignments) return refuse(t("submit.voices"));
  const { language, format, gap, crossfade, normalize } = settings.read();
  /** @type {JobRequest} */
  const body = {
    provider: provider.name,
    turns: ownVoices.withVoices(dialogue().turns),
    voice_assignments: assignments,
    language,
    output_format: format,
    gap_ms: gap,
    crossfade_ms: crossfade,
  };
  // Levelling is what a server does by itself.
  return normalize ? body : { ...body, normalize };
}

/** @param {JobResponse} job */
function handedIn(job) {
  dropDraft();
  showSubmitted(job);
}

onAnother(() => {
  setMode("script");
  rows.set([]);
  cast.restore({});
  ownVoices.restore({});
  script.set("")?.then(contentChanged);
  script.focus();
});

// What follows from it

function contentChanged() {
  const { turns, speakers } = dialogue();
  settings.follow(turns);
  const now = { turns, speakers, provider: providers.now?.name ?? null, language: settings.language };
  ownVoices.set(now);
  cast.set(now);
  changed();
}

function changed() {
  const { turns, speakers } = dialogue();
  const characters = turns.reduce((sum, turn) => sum + [...turn.text].length, 0);
  const { character_limit: limit = Infinity, max_speakers: most = 6 } = providers.now ?? {};
  count("count-lines", t("count.lines", { n: turns.length }), turns.length, MAX_LINES);
  count("count-speakers", t("count.speakers", { n: speakers.length, limit: most }), speakers.length, most);
  const known = Number.isFinite(limit);
  const text = known ? t("count.characters", { n: characters, limit }) : t("count.characters.only", { n: characters });
  count("count-characters", text, characters, limit);
  showMistakes();
  changes.set(script.parsed);
  forgetRefusal();
  saveDraft();
}

/**
 * @param {string} id
 * @param {string} text
 * @param {number} number
 * @param {number} limit
 */
function count(id, text, number, limit) {
  const isTooMany = number > limit;
  const isNear = !isTooMany && number >= NEAR * limit && limit > 10;
  say(byId(id), isTooMany ? t("count.too-many", { what: text }) : isNear ? t("count.near", { what: text }) : text);
  byId(id).classList.toggle("is-wrong", isTooMany);
  byId(id).classList.toggle("is-near", isNear);
}

function showMistakes() {
  const mistakes = mode === "script" && script.text.trim() ? mistakesOf(script.parsed.error) : [];
  const text = mistakes.map((mistake) => mistake.text).join("\n");
  const list = byId("mistakes");
  if (list.dataset.text === text) return;
  list.dataset.text = text;
  list.replaceChildren(
    ...mistakes.map(({ line, text: what }) =>
      h("li", {}, line ? h("button", { type: "button", onclick: () => goToLine(line) }, what) : what),
    ),
  );
}

// Script or rows

/** @param {"script" | "rows"} now */
function setMode(now) {
  mode = now;
  for (const radio of modes) radio.checked = radio.value === now;
  show(byId("script-pane"), now === "script");
  show(byId("rows-pane"), now === "rows");
}

const modes = [...byId("write").querySelectorAll("input")].filter((input) => input.name === "mode");
for (const radio of modes) {
  radio.addEventListener("change", async () => {
    await (radio.value === "rows" ? toRows() : toScript());
    contentChanged();
  });
}

async function toRows() {
  const parsed = await script.settled();
  if (script.text.trim() && !parsed?.is_valid) {
    setMode("script");
    toast(parsed ? t("rows.mend-first") : t("away.text"));
    return;
  }
  rows.set(parsed?.turns ?? []);
  setMode("rows");
}

async function toScript() {
  const { turns } = dialogue();
  setMode("script");
  if (await putIntoScript(turns)) return;
  setMode("rows");
  toast(t("rows.no-script"));
}

/**
 * Writes turns as a script; false when they would not be read as they are: names in brackets, lines within lines.
 * @param {ParsedTurn[]} turns
 */
async function putIntoScript(turns) {
  await script.set(turns.map(lineOf).join("\n"));
  const parsed = await script.settled();
  if (!parsed) return true;
  return (
    parsed.turns.length === turns.length &&
    parsed.turns.every((turn, place) => turn.speaker === turns[place]?.speaker && turn.text.trim() === turns[place]?.text.trim())
  );
}

// The sample

byId("sample").addEventListener("click", async () => {
  const before = readForm();
  setMode("script");
  settings.forgetLanguage();
  await script.set(t("write.sample.text"));
  contentChanged();
  script.focus();
  if (before && before.text !== t("write.sample.text")) offerUndo(before, t("write.sample.put"));
});

/**
 * Writes some lines anew; a press brings back what they were.
 * @param {Map<number, string>} lines
 */
function editLines(lines) {
  const before = readForm();
  script.set(script.text.split("\n").map((line, place) => lines.get(place + 1) ?? line).join("\n"));
  saveDraft();
  if (before) offerUndo(before, t("changes.done", { n: lines.size }));
}

/**
 * @param {Draft} before
 * @param {string} text
 * @param {() => void} [also]
 */
function offerUndo(before, text, also) {
  const undo = () => {
    also?.();
    return fillForm(before);
  };
  toast(text, { text: t("draft.undo"), do: undo });
}

// A file

const imported = makeImport(async (text, format, name) => {
  const before = readForm();
  setMode("script");
  settings.forgetLanguage();
  script.readAs(format);
  await script.set(text);
  contentChanged();
  script.focus();
  if (before) offerUndo(before, t("import.put", { name }), imported.forget);
});

// The beginning

/**
 * The form as a job was: `/?from=<id>`.
 * @param {string} id
 */
async function fillFromJob(id) {
  const before = readDraft();
  const { input_params: asked } = await getJob(id);
  const fits = await putIntoScript(asked.turns);
  const { provider } = asked;
  await fillForm({
    mode: fits ? "script" : "rows",
    text: fits ? script.text : "",
    rows: asked.turns,
    provider,
    language: asked.language,
    languageByHand: true,
    voices: { [provider]: asked.voice_assignments.map(({ speaker, ...voice }) => [speaker, { ...voice, by_hand: true }]) },
    ownVoices: Object.fromEntries(
      asked.turns.flatMap(({ voice_id: own }, place) => (own ? [[place, { [provider]: { voice_id: own } }]] : [])),
    ),
    format: asked.output_format,
    gap: asked.gap_ms,
    crossfade: asked.crossfade_ms,
    normalize: asked.normalize ?? true,
  });
  history.replaceState(null, "", "/");
  if (before) offerUndo(before, t("draft.replaced"));
}

async function begin() {
  rows.set([]);
  const draft = readDraft();
  const from = new URLSearchParams(location.search).get("from");
  // The words come first: they must be there even when the server is away.
  if (draft && !from) {
    setMode(draft.mode ?? "script");
    if (draft.mode === "rows") rows.set(draft.rows ?? []);
    else script.set(draft.text ?? "");
    say(byId("saved"), t("draft.restored"));
  }
  await providers.load().catch((error) => say(byId("cast-state"), messageOf(error)));
  if (from) await fillFromJob(from).catch((error) => toast(messageOf(error)));
  else if (draft) await fillForm({ ...draft, text: script.text, rows: rows.all() });
  else contentChanged();
  document.body.dataset.ready = "true";
}

await begin();
