// The cast: each speaker with a colour and a voice. A voice nobody chose is chosen by itself, no two alike if possible.

import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { chooseVoice, listenButton, nameListenButton, voicesOf } from "./voices.js";
import { t } from "./words.js";

const list = byId("cast");

/** The cast. `changed()` is called when somebody gets another voice. */
export function makeCast(changed) {
  let speakers = [];
  /** By speaker: {voice_id, voice_name, by_hand}. */
  let chosen = new Map();
  let provider = null;
  let language = "zh-TW";
  let turn = 0;

  /** Who speaks, with which provider, in which language. */
  async function set(now) {
    const moved = provider !== null && provider !== now.provider;
    ({ speakers, provider, language } = now);
    const mine = ++turn;
    draw();
    if (!provider) return;
    try {
      const suitable = await voicesOf(provider, language);
      const all = suitable.length ? suitable : await voicesOf(provider);
      const known = moved ? new Set((await voicesOf(provider)).map((voice) => voice.voice_id)) : null;
      if (mine !== turn) return;
      if (known) chosen = new Map([...chosen].filter(([, voice]) => known.has(voice.voice_id)));
      say(byId("cast-state"), "");
      assign(byFit(all));
    } catch (error) {
      if (mine === turn) say(byId("cast-state"), error.message);
    }
    draw();
    changed();
  }

  /** Voices of exactly this language come first, then those of no special script or kind. */
  function byFit(voices) {
    const fit = (tag) => (tag === language ? 0 : /^[a-z]{2,3}(-[A-Z]{2})?$/.test(tag) ? 1 : 2);
    return [...voices].sort((a, b) => fit(a.language) - fit(b.language));
  }

  /** Gives a voice to those who have none of their own choice: women and men in turn, each other's only when out. */
  function assign(voices) {
    const suits = new Set(voices.map((voice) => voice.voice_id));
    const taken = new Set(speakers.map((name) => chosen.get(name)).filter((v) => v?.by_hand).map((v) => v.voice_id));
    speakers.forEach((name, place) => {
      const now = chosen.get(name);
      if (now?.by_hand) return;
      if (now && suits.has(now.voice_id) && !taken.has(now.voice_id)) {
        taken.add(now.voice_id);
        return;
      }
      const wanted = place % 2 ? "male" : "female";
      const free = voices.filter((voice) => !taken.has(voice.voice_id));
      const voice = free.find((one) => one.gender === wanted) ?? free[0] ?? voices[place % Math.max(1, voices.length)];
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
    /** For the draft, and back from it: [speaker, voice] each. */
    entries: () => [...chosen],
    restore(entries) {
      chosen = new Map(entries);
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
