// Voices: the lists of the providers, a sample to listen to, and the dialog to choose one by name, language and ear.

import { Refused, call, send } from "./api.js";
import { ask, byId, h, icon, say, show, toast } from "./dom.js";
import { languageName, t } from "./words.js";

/** So many are shown; a search finds the others. */
const SHOWN = 60;

const lists = new Map();

/** A provider's voices, those that suit a language ("" is all), asked for once. */
export function voicesOf(provider, language = "") {
  const path = `/providers/${encodeURIComponent(provider)}/voices${language ? `?language=${encodeURIComponent(language)}` : ""}`;
  if (!lists.has(path)) {
    const asked = call("GET", path).then((answer) => answer.items);
    asked.catch(() => lists.delete(path));
    lists.set(path, asked);
  }
  return lists.get(path);
}

export const describeVoice = (voice) =>
  [languageName(voice.language), voice.gender && t(`gender.${voice.gender}`)].filter(Boolean).join(" · ");

const sound = new Audio();
let playing = null;
let canSample = true;

/** A button that plays a sample of a voice, and stops it. `voice()`: {provider, language, voice_id, voice_name}. */
export function listenButton(voice) {
  const button = h("button", { type: "button", class: "quiet round listen", onclick: () => listen(button, voice()) }, icon("play"));
  label(button, "voice.listen");
  button.nameOf = () => voice()?.voice_name ?? "";
  show(button, canSample);
  return button;
}

/** Says again whose sample a button plays. */
export function nameListenButton(button) {
  button.setAttribute("aria-label", t(button.dataset.label, { voice: button.nameOf() }));
}

function label(button, key) {
  button.dataset.label = key;
  if (button.nameOf) nameListenButton(button);
}

async function listen(button, voice) {
  const wasPlaying = playing === button;
  stop();
  if (wasPlaying || !voice) return;
  playing = button;
  button.classList.add("is-loading");
  label(button, "voice.stop");
  button.replaceChildren(icon("stop"));
  try {
    const path = `/providers/${encodeURIComponent(voice.provider)}/voices/${encodeURIComponent(voice.voice_id)}/preview?language=${encodeURIComponent(voice.language)}`;
    const audio = await (await send("POST", path)).blob();
    if (playing !== button) return;
    sound.src = URL.createObjectURL(audio);
    await sound.play();
    button.classList.remove("is-loading");
  } catch (error) {
    if (playing === button) stop();
    if (error.name === "AbortError") return;
    if (error instanceof Refused && error.isUnknownAddress) {
      canSample = false;
      for (const one of document.querySelectorAll(".listen")) show(one, false);
      toast(t("voice.no-samples"));
    } else toast(error instanceof Refused ? error.message : t("voice.sample-failed"));
  }
}

function stop() {
  sound.pause();
  if (sound.src) URL.revokeObjectURL(sound.src);
  if (!playing) return;
  playing.classList.remove("is-loading");
  playing.replaceChildren(icon("play"));
  label(playing, "voice.listen");
  playing = null;
}
sound.addEventListener("ended", stop);

const dialog = byId("voice-dialog");
const search = byId("voice-search");
const languages = byId("voice-language");
const list = byId("voice-list");

let open = null;

/**
 * Lets a person choose. Answers {voice_id, voice_name}, or null when they leave it.
 * `current` is the voice_id of now, `language` the one of the script.
 */
export async function chooseVoice({ title, provider, language, current }) {
  open = { provider, language, current, filter: 0 };
  say(byId("voice-title"), title);
  search.value = "";
  list.replaceChildren();
  languages.replaceChildren(h("option", { value: language }, languageName(language)));
  const closed = ask(dialog);
  await Promise.all([fillLanguages(provider, language), draw()]);
  (list.querySelector(":checked") ?? search).focus();
  const used = (await closed) === "use";
  stop();
  return used ? open.chosen ?? null : null;
}

async function fillLanguages(provider, language) {
  const all = await voicesOf(provider).catch(() => []);
  const tags = [...new Set(all.map((voice) => voice.language))].filter((tag) => tag !== language);
  const named = tags.map((tag) => [tag, languageName(tag)]).sort((a, b) => a[1].localeCompare(b[1]));
  languages.append(h("option", { value: "" }, t("voice.all")));
  languages.append(...named.map(([tag, name]) => h("option", { value: tag }, name)));
}

async function draw() {
  const mine = ++open.filter;
  const state = byId("voice-state");
  let voices;
  say(state, t("state.loading"));
  try {
    voices = await voicesOf(open.provider, languages.value);
  } catch (error) {
    say(state, error.message);
    return;
  }
  if (mine !== open.filter) return;
  const wanted = search.value.trim().toLowerCase();
  const found = voices.filter((voice) =>
    `${voice.voice_name} ${voice.voice_id} ${describeVoice(voice)}`.toLowerCase().includes(wanted),
  );
  // The one that is in use stays in sight.
  found.sort((a, b) => (b.voice_id === open.current) - (a.voice_id === open.current));
  list.replaceChildren(...found.slice(0, SHOWN).map(voiceRow));
  const more = found.length - SHOWN;
  say(state, more > 0 ? t("voice.more", { shown: SHOWN, n: found.length }) : t("voice.found", { n: found.length }));
  mark();
}

function voiceRow(voice) {
  const checked = voice.voice_id === (open.chosen?.voice_id ?? open.current);
  const radio = h("input", { type: "radio", name: "voice", value: voice.voice_id, checked });
  radio.addEventListener("change", () => {
    open.chosen = { voice_id: voice.voice_id, voice_name: voice.voice_name };
    mark();
  });
  const button = listenButton(() => ({ ...voice, provider: open.provider, language: voice.language === "mul" ? open.language : voice.language }));
  nameListenButton(button);
  const words = h("span", { class: "voice-words" }, h("bdi", {}, voice.voice_name), h("small", {}, describeVoice(voice)));
  return h("li", {}, h("label", {}, radio, words), button);
}

function mark() {
  byId("voice-use").disabled = !list.querySelector(":checked");
}

search.addEventListener("input", draw);
languages.addEventListener("change", draw);
// Enter in the search is no choice yet.
search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
list.addEventListener("dblclick", (event) => event.target.closest("label") && dialog.close("use"));
byId("voice-use").value = "use";
