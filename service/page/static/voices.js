// Voices: the lists of the providers, and the dialog to choose one by name, language and ear.

import { call, messageOf } from "./api.js";
import { ask, byId, h, say, touched } from "./dom.js";
import { listenButton, stopSample } from "./samples.js";
import { languageName, t } from "./words.js";

/** So many are shown; a search finds the others. */
const SHOWN = 60;

/** @type {Map<string, Promise<VoiceBody[]>>} */
const lists = new Map();

/**
 * A provider's voices, those that suit a language ("" is all), asked for once.
 * @param {string} provider
 * @param {string} [language]
 */
export function voicesOf(provider, language = "") {
  const path = `/providers/${encodeURIComponent(provider)}/voices${language ? `?language=${encodeURIComponent(language)}` : ""}`;
  const known = lists.get(path);
  if (known) return known;
  const asked = call("GET", path).then((/** @type {VoiceList} */ answer) => answer.items);
  asked.catch(() => lists.delete(path));
  lists.set(path, asked);
  return asked;
}

/** @param {VoiceBody} voice */
const describeVoice = (voice) =>
  [languageName(voice.language), voice.gender && t(`gender.${voice.gender}`)].filter(Boolean).join(" · ");

const dialog = byId("voice-dialog", HTMLDialogElement);
const search = byId("voice-search", HTMLInputElement);
const languages = byId("voice-language", HTMLSelectElement);
const list = byId("voice-list");
const use = byId("voice-use", HTMLButtonElement);

/** @typedef {{ title: string, provider: string, language: string, current?: string }} Wish */

/** What is being chosen; of several answers to one search the last one counts. */
/** @type {Wish & { chosen: Voice | null, turn: number }} */
let open = { title: "", provider: "", language: "", chosen: null, turn: 0 };

/**
 * Lets a person choose. Answers a voice, or null when they leave it.
 * `current` is the voice_id of now, `language` the one of the script.
 * @param {Wish} wish
 * @returns {Promise<Voice | null>}
 */
export async function chooseVoice(wish) {
  const mine = { ...wish, chosen: null, turn: 0 };
  open = mine;
  say(byId("voice-title"), wish.title);
  search.value = "";
  list.replaceChildren();
  languages.replaceChildren(h("option", { value: wish.language }, languageName(wish.language)));
  const closed = ask(dialog);
  await Promise.all([fillLanguages(wish), draw()]);
  const focused = list.querySelector(":checked");
  (focused instanceof HTMLElement ? focused : search).focus();
  const used = (await closed) === "use";
  stopSample();
  return used ? mine.chosen : null;
}

/** @param {Wish} wish */
async function fillLanguages({ provider, language }) {
  const all = await voicesOf(provider).catch(() => []);
  const tags = [...new Set(all.map((voice) => voice.language))].filter((tag) => tag !== language);
  const named = tags.map((tag) => ({ tag, name: languageName(tag) })).sort((a, b) => a.name.localeCompare(b.name));
  languages.append(h("option", { value: "" }, t("voice.all")));
  languages.append(...named.map(({ tag, name }) => h("option", { value: tag }, name)));
}

async function draw() {
  const of = open;
  of.turn += 1;
  const mine = of.turn;
  const state = byId("voice-state");
  let voices;
  say(state, t("state.loading"));
  try {
    voices = await voicesOf(of.provider, languages.value);
  } catch (error) {
    say(state, messageOf(error));
    return;
  }
  if (of !== open || mine !== of.turn) return;
  const wanted = search.value.trim().toLowerCase();
  const found = voices.filter((voice) =>
    `${voice.voice_name} ${voice.voice_id} ${describeVoice(voice)}`.toLowerCase().includes(wanted),
  );
  // The one that is in use stays in sight.
  found.sort((a, b) => Number(b.voice_id === of.current) - Number(a.voice_id === of.current));
  list.replaceChildren(...found.slice(0, SHOWN).map(voiceRow));
  const more = found.length - SHOWN;
  say(state, more > 0 ? t("voice.more", { shown: SHOWN, n: found.length }) : t("voice.found", { n: found.length }));
  mark();
}

/** @param {VoiceBody} voice */
function voiceRow(voice) {
  const { provider, language } = open;
  const checked = voice.voice_id === (open.chosen?.voice_id ?? open.current);
  const radio = h("input", { type: "radio", name: "voice", value: voice.voice_id, checked });
  radio.addEventListener("change", () => {
    open.chosen = { voice_id: voice.voice_id, voice_name: voice.voice_name };
    mark();
  });
  const sample = listenButton(() => ({ ...voice, provider, language: voice.language === "mul" ? language : voice.language }));
  const words = h("span", { class: "voice-words" }, h("bdi", {}, voice.voice_name), h("small", {}, describeVoice(voice)));
  return h("li", {}, h("label", {}, radio, words), sample.element);
}

function mark() {
  use.disabled = !list.querySelector(":checked");
}

search.addEventListener("input", draw);
languages.addEventListener("change", draw);
// Enter in the search is no choice yet.
search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
list.addEventListener("dblclick", (event) => touched(event, "label") && dialog.close("use"));
use.value = "use";
