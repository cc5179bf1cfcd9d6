// The cast: each speaker with a colour and a voice. A voice nobody chose is chosen by itself, no two alike if possible.

import { messageOf } from "./api.js";
import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { listenButton } from "./samples.js";
import { chooseVoice, voicesOf } from "./voices.js";
import { t } from "./words.js";

const list = byId("cast");

/**
 * The cast. `changed()` is called when somebody gets another voice.
 * @param {() => void} changed
 */
export function makeCast(changed) {
  /** @type {string[]} */
  let speakers = [];
  /**
   * By provider, then by speaker.
   * @type {Map<string, Map<string, CastVoice>>}
   */
  let voices = new Map();
  /** Those of the provider of now. @type {Map<string, CastVoice>} */
  let chosen = new Map();
  let provider = "";
  let language = "zh-TW";
  let turn = 0;

  /**
   * Who speaks, with which provider, in which language.
   * @param {Scene} now
   */
  async function set(now) {
    speakers = now.speakers;
    provider = now.provider ?? "";
    language = now.language;
    chosen = voices.get(provider) ?? new Map();
    voices.set(provider, chosen);
    turn += 1;
    const mine = turn;
    draw();
    if (!provider) return;
    try {
      const suitable = await voicesOf(provider, language);
      const all = suitable.length ? suitable : await voicesOf(provider);
      if (mine !== turn) return;
      say(byId("cast-state"), "");
      assign(byFit(all));
    } catch (error) {
      if (mine === turn) say(byId("cast-state"), messageOf(error));
    }
    draw();
    changed();
  }

  /**
   * Voices of exactly this language come first, then those of no special script or kind.
   * @param {VoiceBody[]} all
   */
  function byFit(all) {
    /** @param {string} tag */
    const fit = (tag) => (tag === language ? 0 : /^[a-z]{2,3}(-[A-Z]{2})?$/.test(tag) ? 1 : 2);
    return [...all].sort((a, b) => fit(a.language) - fit(b.language));
  }

  /**
   * Gives a voice to those who have none of their own choice, so that a listener tells neighbours apart: a woman's
   * beside a man's, the same one twice only when there is no other.
   * @param {VoiceBody[]} suitable
   */
  function assign(suitable) {
    const suits = new Set(suitable.map((voice) => voice.voice_id));
    const taken = new Set(speakers.flatMap((name) => (chosen.get(name)?.by_hand ? [chosen.get(name)?.voice_id] : [])));
    /** @param {string | undefined} neighbour */
    const unlike = (neighbour) => {
      const voice = neighbour && chosen.get(neighbour);
      const gender = voice && suitable.find((one) => one.voice_id === voice.voice_id)?.gender;
      return gender === "female" ? "male" : gender === "male" ? "female" : null;
    };
    speakers.forEach((name, place) => {
      const now = chosen.get(name);
      if (now?.by_hand) return;
      if (now && suits.has(now.voice_id) && !taken.has(now.voice_id)) {
        taken.add(now.voice_id);
        return;
      }
      const wanted = unlike(speakers[place - 1]) ?? unlike(speakers[place + 1]) ?? "female";
      const free = suitable.filter((voice) => !taken.has(voice.voice_id));
      const voice = free.find((one) => one.gender === wanted) ?? free[0] ?? suitable[place % Math.max(1, suitable.length)];
      if (!voice) return;
      taken.add(voice.voice_id);
      chosen.set(name, { voice_id: voice.voice_id, voice_name: voice.voice_name, by_hand: false });
    });
  }

  function draw() {
    show(byId("cast-empty"), speakers.length === 0);
    keep(list, speakers, (name) => name, make);
  }

  /**
   * @param {string} name
   * @returns {Part<string>}
   */
  function make(name) {
    const voiceName = h("bdi");
    const button = h("button", { type: "button", class: "voice-button", onclick: () => choose(name) }, voiceName, icon("choose"));
    const sample = listenButton(() => {
      const voice = chosen.get(name);
      return voice ? { ...voice, provider, language } : null;
    });
    return {
      element: h("li", {}, h("span", { class: "speaker" }, h("bdi", {}, name)), button, sample.element),
      fill(_, place) {
        button.parentElement?.setAttribute("class", castClass(place));
        const voice = chosen.get(name);
        const words = voice?.voice_name ?? voice?.voice_id ?? t("cast.none");
        say(voiceName, words);
        button.setAttribute("aria-label", t("cast.voice-of", { speaker: name, voice: words }));
        sample.name();
      },
    };
  }

  /** @param {string} name */
  async function choose(name) {
    const title = t("voice.for", { speaker: name });
    const picked = await chooseVoice({ title, provider, language, current: chosen.get(name)?.voice_id });
    if (!picked) return;
    chosen.set(name, { ...picked, by_hand: true });
    draw();
    changed();
  }

  return {
    set,
    /**
     * For the draft, and back from it: by provider, speaker and voice.
     * @returns {Record<string, [string, CastVoice][]>}
     */
    entries: () => Object.fromEntries([...voices].map(([name, ofIt]) => [name, [...ofIt]])),
    /** @param {Record<string, [string, CastVoice][]>} entries */
    restore(entries) {
      voices = new Map(Object.entries(entries).map(([name, ofIt]) => [name, new Map(ofIt)]));
    },
    /**
     * As POST /jobs wants them; null where a speaker has no voice.
     * @returns {VoiceAssignmentBody[] | null}
     */
    assignments() {
      const all = speakers.flatMap((speaker) => {
        const voice = chosen.get(speaker);
        return voice ? [{ speaker, voice_id: voice.voice_id, voice_name: voice.voice_name ?? null }] : [];
      });
      return all.length === speakers.length ? all : null;
    },
  };
}
