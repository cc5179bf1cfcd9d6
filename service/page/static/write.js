// The view that writes: script or rows, cast, provider, settings; hands the job in and confirms it.

import "./frame.js";
import { Away, Refused, call, getJob } from "./api.js";
import { makeCast } from "./cast.js";
import { announce, byId, h, say, show, toast } from "./dom.js";
import { dropDraft, keepDraft, readDraft } from "./draft.js";
import { makeOwnVoices } from "./own_voices.js";
import { fillProgress, makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { makeRows } from "./rows.js";
import { goToLine, lineOf, makeScript, mistakesOf } from "./script.js";
import { voicesOf } from "./voices.js";
import { knows, language, languageName, t } from "./words.js";

const AWAY_MS = 3_000;
const COMMON_LANGUAGES = ["zh-TW", "zh-CN", "zh-HK", "en-US", "en-GB", "ja-JP", "ko-KR", "fr-FR", "de-DE", "es-ES", "vi-VN"];
const FORMATS = ["mp3", "wav"];
/** Beside the provider's own limit, a job has at most so many lines. */
const MAX_LINES = 1000;

const form = byId("write");
const fields = {
  language: byId("language-of-script"),
  format: byId("format"),
  gap: byId("gap"),
  crossfade: byId("crossfade"),
  normalize: byId("normalize"),
};

let providers = [];
let provider = null;
let mode = "script";
let languageByHand = false;
/** One for each content: the same job sent twice is one job. */
let handIn = { body: null, key: null };

const saveDraft = keepDraft(readForm);
const script = makeScript({ typed: saveDraft, changed: contentChanged });
const rows = makeRows(contentChanged);
const cast = makeCast(changed);
const ownVoices = makeOwnVoices(changed);

// What is in the form

function dialogue() {
  if (mode === "script") return { turns: script.parsed.turns, speakers: script.parsed.speakers };
  const turns = rows.turns().map(({ speaker, text }, index) => ({ speaker, text, index }));
  return { turns, speakers: [...new Set(turns.map((turn) => turn.speaker).filter(Boolean))] };
}

function readForm() {
  const hasWords = mode === "script" ? script.text.trim() : rows.turns().length;
  if (!hasWords) return null;
  return {
    mode,
    text: script.text,
    rows: mode === "rows" ? rows.all() : [],
    provider: provider?.name ?? null,
    language: fields.language.value,
    languageByHand,
    voices: cast.entries(),
    ownVoices: ownVoices.entries(),
    format: fields.format.value,
    gap: fields.gap.value,
    crossfade: fields.crossfade.value,
    normalize: fields.normalize.checked,
  };
}

/** Fills the form with a draft. */
async function fillForm(draft) {
  languageByHand = draft.languageByHand ?? false;
  setLanguage(draft.language ?? language);
  // Drafts of before know one provider only.
  cast.restore(Array.isArray(draft.voices) ? { [draft.provider]: draft.voices } : (draft.voices ?? {}));
  ownVoices.restore(draft.ownVoices ?? {});
  const wanted = providers.find((one) => one.name === draft.provider && one.configured);
  if (wanted) chooseProvider(wanted);
  if (draft.format) setOption(fields.format, draft.format, draft.format.toUpperCase());
  for (const name of ["gap", "crossfade"]) if (draft[name] != null) fields[name].value = draft[name];
  fields.normalize.checked = draft.normalize ?? true;
  showSettings();
  rows.set(draft.rows ?? []);
  setMode(draft.mode ?? "script");
  await script.set(draft.text ?? "");
  contentChanged();
}

// What follows from it

function contentChanged() {
  const { turns, speakers } = dialogue();
  if (!languageByHand && turns.length) setLanguage(languageOf(turns));
  const now = { speakers, provider: provider?.name ?? null, language: fields.language.value };
  ownVoices.set({ ...now, turns });
  cast.set(now);
  changed();
}

function changed() {
  const { turns, speakers } = dialogue();
  const characters = turns.reduce((sum, turn) => sum + [...turn.text].length, 0);
  const limit = provider?.character_limit;
  const most = provider?.max_speakers ?? 6;
  count("count-lines", t("count.lines", { n: turns.length }), turns.length > MAX_LINES);
  count("count-speakers", t("count.speakers", { n: speakers.length, limit: most }), speakers.length > most);
  const text = limit ? t("count.characters", { n: characters, limit }) : t("count.characters.only", { n: characters });
  count("count-characters", text, characters > limit);
  showMistakes();
  if (!byId("refused").hidden) show(byId("refused"), false);
  saveDraft();
}

function count(id, text, isTooMany) {
  say(byId(id), isTooMany ? t("count.too-many", { what: text }) : text);
  byId(id).classList.toggle("is-wrong", isTooMany);
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

/** Han is Chinese here unless kana or hangul stand beside it; otherwise the page's own language decides. */
function languageOf(turns) {
  const text = turns.map((turn) => turn.text).join("");
  if (/[\u3040-\u30ff]/.test(text)) return "ja-JP";
  if (/[\uac00-\ud7af]/.test(text)) return "ko-KR";
  if (/\p{Script=Han}/u.test(text)) return "zh-TW";
  return /[A-Za-z]/.test(text) ? "en-US" : fields.language.value;
}

function setLanguage(tag) {
  setOption(fields.language, tag, languageName(tag));
}

function setOption(select, value, text) {
  if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, text));
  select.value = value;
}

// Script or rows

for (const radio of form.elements.mode) {
  radio.addEventListener("change", async () => {
    if (radio.value === "rows") {
      const parsed = await script.settled();
      if (script.text.trim() && !parsed?.is_valid) {
        setMode("script");
        return toast(parsed ? t("rows.mend-first") : t("away.text"));
      }
      rows.set(script.text.trim() ? parsed.turns : []);
      setMode("rows");
    } else {
      const { turns } = dialogue();
      setMode("script");
      if (!(await putIntoScript(turns))) {
        setMode("rows");
        toast(t("rows.no-script"));
      }
    }
    contentChanged();
    return undefined;
  });
}

/** Writes turns as a script; false when they would not be read as they are: names in brackets, lines within lines. */
async function putIntoScript(turns) {
  await script.set(turns.map(lineOf).join("\n"));
  const parsed = await script.settled();
  const same = (a, b) => a.speaker === b.speaker && a.text.trim() === b.text.trim();
  return !parsed || (parsed.turns.length === turns.length && parsed.turns.every((turn, place) => same(turn, turns[place])));
}

function setMode(now) {
  mode = now;
  form.elements.mode.value = now;
  show(byId("script-pane"), now === "script");
  show(byId("rows-pane"), now === "rows");
}

// The sample

byId("sample").addEventListener("click", async () => {
  const before = readForm();
  setMode("script");
  languageByHand = false;
  await script.set(t("write.sample.text"));
  contentChanged();
  script.focus();
  if (before && before.text !== t("write.sample.text")) offerUndo(before, t("write.sample.put"));
});

function offerUndo(before, text) {
  toast(text, { text: t("draft.undo"), do: () => fillForm(before) });
}

// Provider and settings

async function loadProviders() {
  for (;;) {
    try {
      providers = (await call("GET", "/providers")).items;
      break;
    } catch (error) {
      if (!(error instanceof Away)) return say(byId("cast-state"), error.message);
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    }
  }
  byId("providers").replaceChildren(...providers.map(providerCard));
  const usable = providers.find((one) => one.configured);
  if (usable) chooseProvider(usable);
  return undefined;
}

function providerCard(one) {
  const radio = h("input", { type: "radio", name: "provider", value: one.name, disabled: !one.configured });
  radio.addEventListener("change", () => {
    chooseProvider(one);
    contentChanged();
  });
  const can = [
    t(`mode.${one.synthesis_mode}`),
    t("provider.speakers", { n: one.max_speakers }),
    t("provider.characters", { n: one.character_limit }),
    ...one.advanced_features.map((feature) => (knows(`feature.${feature}`) ? t(`feature.${feature}`) : feature)),
  ];
  const state = h("small", {}, one.configured ? can.join(" · ") : t("provider.not-configured"));
  if (!one.configured) {
    voicesOf(one.name).catch((error) => {
      const missing = error.details?.missing_settings;
      if (missing) say(state, t("provider.missing", { names: missing.join(", ") }));
    });
  }
  const key = `provider.${one.name}`;
  const name = h("span", { class: "provider-words" }, h("b", {}, knows(key) ? t(key) : one.name), state);
  return h("label", { class: "provider" }, radio, name);
}

function chooseProvider(one) {
  provider = one;
  for (const radio of byId("providers").querySelectorAll("input")) radio.checked = radio.value === one.name;
  const formats = one.output_formats?.length ? one.output_formats : FORMATS;
  const now = fields.format.value;
  const words = (format) => (knows(`format.${format}`) ? t(`format.${format}`) : format.toUpperCase());
  fields.format.replaceChildren(...formats.map((format) => h("option", { value: format }, words(format))));
  fields.format.value = formats.includes(now) ? now : formats[0];
}

function showSettings() {
  say(byId("gap-out"), t("time.ms", { n: Number(fields.gap.value) }));
  say(byId("crossfade-out"), t("time.ms", { n: Number(fields.crossfade.value) }));
  show(byId("crossfade-field"), Number(fields.gap.value) === 0);
}

for (const field of Object.values(fields)) {
  field.addEventListener("input", () => {
    if (field === fields.language) {
      languageByHand = true;
      contentChanged();
    }
    showSettings();
    saveDraft();
  });
}

// Handing in

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = byId("submit");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  show(byId("refused"), false);
  try {
    const body = await bodyOfJob();
    if (body) confirmed(await call("POST", "/jobs", { body, headers: { "Idempotency-Key": keyFor(body) } }));
  } catch (error) {
    if (error instanceof Refused) explain(error);
    else if (error instanceof Away) refuse(t("submit.away"));
    else throw error;
  } finally {
    button.removeAttribute("aria-busy");
  }
});

/** What POST /jobs takes, or null when the form is not ready: then the page says why. */
async function bodyOfJob() {
  if (mode === "script") {
    const parsed = await script.settled();
    if (!parsed) return refuse(t("submit.away"));
    if (!script.text.trim()) return refuse(t("submit.empty"), () => script.focus());
    if (!parsed.is_valid) {
      const [first] = mistakesOf(parsed.error);
      return refuse(t("submit.mistakes"), () => goToLine(first?.line ?? 1));
    }
  } else {
    if (!rows.turns().length) return refuse(t("submit.empty"), () => rows.focus());
    const wrong = rows.check();
    if (wrong) return refuse(t("submit.rows"), () => wrong.focus());
  }
  const assignments = provider && cast.assignments();
  if (!assignments) return refuse(t(provider ? "submit.voices" : "submit.provider"));
  const body = {
    provider: provider.name,
    turns: ownVoices.withVoices(dialogue().turns),
    voice_assignments: assignments,
    language: fields.language.value,
    output_format: fields.format.value,
    gap_ms: Number(fields.gap.value),
    crossfade_ms: Number(fields.crossfade.value),
  };
  // Levelling is what a server does by itself.
  return fields.normalize.checked ? body : { ...body, normalize: false };
}

function keyFor(body) {
  const text = JSON.stringify(body);
  if (handIn.body !== text) {
    const random = crypto.getRandomValues(new Uint8Array(16));
    handIn = { body: text, key: Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("") };
  }
  return handIn.key;
}

function refuse(text, go = null, more = []) {
  const place = byId("refused");
  place.replaceChildren(h("p", {}, text), ...more);
  show(place, true);
  if (go) go();
  else place.focus();
  return null;
}

/** Says why a job was not taken. */
function explain(error) {
  if (error.code === "JOB_LIMIT_EXCEEDED") {
    const { current_jobs: current, max_jobs: most } = error.details;
    const list = h("a", { class: "button", href: "/jobs" }, t("submit.limit.list"));
    refuse(error.message, null, [h("p", {}, t("submit.limit", { current, most })), list]);
    return;
  }
  const problems = (error.details?.problems ?? []).slice(0, 20);
  const items = problems.map(({ field, message }) => h("li", {}, t("error.field", { field: nameOf(field), message })));
  refuse(error.message, null, items.length ? [h("ul", {}, ...items)] : []);
}

/** A field's path in the words of the page. */
function nameOf(field) {
  const [, turn] = /^turns\[(\d+)\]/.exec(field) ?? [];
  if (turn) return t("error.turn", { n: Number(turn) + 1, speaker: dialogue().turns[turn]?.speaker ?? "" });
  const [, voice] = /^voice_assignments\[(\d+)\]/.exec(field) ?? [];
  if (voice) return t("error.voice", { speaker: dialogue().speakers[voice] ?? "" });
  return knows(`field.${field}`) ? t(`field.${field}`) : field;
}

function confirmed(job) {
  show(form, false);
  show(byId("submitted"), true);
  say(byId("submitted-id"), job.id);
  byId("submitted-job").href = `/jobs/${job.id}`;
  handIn = { body: null, key: null };
  window.scrollTo(0, 0);
  byId("submitted-title").focus();
  dropDraft();
  follow(job.id);
}

/** Shows how the job gets on, for those who stay. */
function follow(id) {
  const progress = makeProgress();
  byId("submitted-progress").replaceChildren(progress);
  keepLooking(async () => {
    const job = await getJob(id);
    fillProgress(progress, job);
    const isActive = job.status === "pending" || job.status === "processing";
    if (!isActive) {
      byId("submitted-progress").replaceChildren(h("p", { class: `chip is-${job.status}` }, t(`status.${job.status}`)));
      announce(t(`status.${job.status}`));
    }
    return isActive;
  }, 2_000);
}

byId("another").addEventListener("click", () => {
  show(byId("submitted"), false);
  show(form, true);
  setMode("script");
  rows.set([]);
  cast.restore({});
  ownVoices.restore({});
  script.set("").then(contentChanged);
  script.focus();
});

// The beginning

/** The form as a job was: `/?from=<id>`. */
async function fillFromJob(id) {
  const before = readDraft();
  const { input_params: asked } = await getJob(id);
  const fits = await putIntoScript(asked.turns);
  await fillForm({
    mode: fits ? "script" : "rows",
    text: fits ? script.text : "",
    rows: asked.turns,
    provider: asked.provider,
    language: asked.language,
    languageByHand: true,
    voices: { [asked.provider]: asked.voice_assignments.map(({ speaker, ...voice }) => [speaker, { ...voice, by_hand: true }]) },
    ownVoices: Object.fromEntries(
      asked.turns.flatMap(({ voice_id: own }, place) => (own ? [[place, { [asked.provider]: { voice_id: own } }]] : [])),
    ),
    format: asked.output_format,
    gap: asked.gap_ms,
    crossfade: asked.crossfade_ms,
    normalize: asked.normalize,
  });
  history.replaceState(null, "", "/");
  if (before) offerUndo(before, t("draft.replaced"));
}

async function begin() {
  fields.language.replaceChildren(...COMMON_LANGUAGES.map((tag) => h("option", { value: tag }, languageName(tag))));
  setLanguage(language === "en" ? "en-US" : "zh-TW");
  showSettings();
  rows.set([]);
  const draft = readDraft();
  const from = new URLSearchParams(location.search).get("from");
  // The words come first: they must be there even when the server is away.
  if (draft && !from) {
    setMode(draft.mode);
    if (draft.mode === "rows") rows.set(draft.rows);
    else script.set(draft.text);
    say(byId("saved"), t("draft.restored"));
  }
  await loadProviders();
  if (from) await fillFromJob(from).catch((error) => toast(error.message));
  else if (draft) await fillForm({ ...draft, text: script.text, rows: rows.all() });
  else contentChanged();
  document.body.dataset.ready = "true";
}

await begin();
