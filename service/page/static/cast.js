// The cast: each speaker with a colour and a voice. A voice nobody chose is chosen by itself, no two alike if possible.

import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { chooseVoice, listenButton, nameListenButton, voicesOf } from "./voices.js";
import { t } from "./words.js";

const list = byId("cast");

/** The cast. `changed()` is called when somebody gets another voice. */
export function makeCast(changed) {
  let speakers = [];
  /** By provider, then by speaker: {voice_id, voice_name, by_hand}. */
  let voices = new Map();
  /** Those of the provider of now. */
  let chosen = new Map();
  let provider = null;
  let language = "zh-TW";
  let turn = 0;

  /** Who speaks, with which provider, in which language. */
  async function set(now) {
    ({ speakers, provider, language } = now);
    if (provider && !voices.has(provider)) voices.set(provider, new Map());
    chosen = voices.get(provider) ?? new Map();
    const mine = ++turn;
    draw();
    if (!provider) return;
    try {
      const suitable = await voicesOf(provider, language);
      const all = suitable.length ? suitable : await voicesOf(provider);
      if (mine !== turn) return;
      say(byId("cast-state"), "");
      assign(byFit(all));
    } catch (error) {
      if (mine === turn) say(byId("cast-state"), error.message);
    }
    draw();
    changed();
  }

  /** Voices of exactly this language come first, then those of no special script or kind. */
  function byFit(all) {
    const fit = (tag) => (tag === language ? 0 : /^[a-z]{2,3}(-[A-Z]{2})?$/.test(tag) ? 1 : 2);
    return [...all].sort((a, b) => fit(a.language) - fit(b.language));
  }

  /** Gives a voice to those who have none of their own choice: women and men in turn, each other's only when out. */
  function assign(suitable) {
    const suits = new Set(suitable.map((voice) => voice.voice_id));
    const taken = new Set(speakers.map((name) => chosen.get(name)).filter((v) => v?.by_hand).map((v) => v.voice_id));
    speakers.forEach((name, place) => {
      const now = chosen.get(name);
      if (now?.by_hand) return;
      if (now && suits.has(now.voice_id) && !taken.has(now.voice_id)) {
        taken.add(now.voice_id);
        return;
      }
      const wanted = place % 2 ? "male" : "female";
      const free = suitable.filter((voice) => !taken.has(voice.voice_id));
      const voice = free.find((one) => one.gender === wanted) ?? free[0] ?? suitable[place % Math.max(1, suitable.length)];
      if (!voice) return;
      taken.add(voice.voice_id);
      chosen.set(name, { voice_id: voice.voice_id, voice_name: voice.voice_name, by_hand: false });
    });
  }

  function draw() {
    show(byId("cast-empty"), speakers.length === 0);
    keep(list, speakers, (name) => name, make, fill);
  }

  function make(name) {
    const listen = listenButton(() => chosen.has(name) && { ...chosen.get(name), provider, language });
    const button = h("button", { type: "button", class: "voice-button", onclick: () => choose(name) });
    button.append(h("bdi"), icon("choose"));
    return h("li", {}, h("span", { class: "speaker" }, h("bdi", {}, name)), button, listen);
  }

  function fill(element, name, place) {
    element.className = castClass(place);
    const voice = chosen.get(name);
    const button = element.querySelector(".voice-button");
    say(button.firstElementChild, voice?.voice_name ?? voice?.voice_id ?? t("cast.none"));
    button.setAttribute("aria-label", t("cast.voice-of", { speaker: name, voice: button.firstElementChild.textContent }));
    nameListenButton(element.querySelector(".listen"));
  }

  async function choose(name) {
    const picked = await chooseVoice({
      title: t("voice.for", { speaker: name }),
      provider,
      language,
      current: chosen.get(name)?.voice_id,
    });
    if (!picked) return;
    chosen.set(name, { ...picked, by_hand: true });
    draw();
    changed();
  }

  return {
    set,
    /** For the draft, and back from it: by provider, [speaker, voice] each. */
    entries: () => Object.fromEntries([...voices].map(([name, ofIt]) => [name, [...ofIt]])),
    restore(entries) {
      voices = new Map(Object.entries(entries).map(([name, ofIt]) => [name, new Map(ofIt)]));
    },
    /** As POST /jobs wants them; null where a speaker has no voice. */
    assignments() {
      if (speakers.some((name) => !chosen.has(name))) return null;
      return speakers.map((speaker) => ({
        speaker,
        voice_id: chosen.get(speaker).voice_id,
        voice_name: chosen.get(speaker).voice_name ?? null,
      }));
    },
  };
}
