// Lines with a voice of their own: shown below the cast, and kept with their line while the script around it changes.

import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { chooseVoice, voicesOf } from "./voices.js";
import { t } from "./words.js";

const list = byId("own-voices");

/**
 * The voices of single lines. `changed()` is called when one of them does.
 * @param {() => void} changed
 */
export function makeOwnVoices(changed) {
  /** @type {Scene} */
  let scene = { turns: [], speakers: [], provider: null, language: "" };
  /** For each turn its voices; undefined where it has none. @type {(LineVoices | undefined)[]} */
  let voices = [];
  /** What was taken out with its line, by the line: it comes back with it. @type {Map<string, LineVoices>} */
  let lost = new Map();
  /** What a draft had, until its lines are here. @type {Record<string, LineVoices> | null} */
  let waiting = null;

  /** @param {Scene} now */
  function set(now) {
    if (waiting && now.turns.length) {
      const known = waiting;
      voices = now.turns.map((_, place) => known[place]);
      waiting = null;
    } else {
      const moved = carried(scene.turns, voices, now.turns);
      scene.turns.forEach((turn, place) => {
        const voice = voices[place];
        if (voice && !moved.includes(voice)) lost.set(lineOf(turn), voice);
      });
      voices = now.turns.map((turn, place) => moved[place] ?? comeBack(lineOf(turn)));
    }
    scene = now;
    draw();
  }

  /** @param {string} line */
  function comeBack(line) {
    const voice = lost.get(line);
    lost.delete(line);
    return voice;
  }

  /** @param {number} place */
  const voiceAt = (place) => voices[place]?.[scene.provider ?? ""];

  function draw() {
    const places = scene.turns.map((_, place) => place).filter(voiceAt);
    show(byId("own-voices-part"), places.length > 0);
    keep(list, places, (place) => place, make);
  }

  /**
   * @param {number} place
   * @returns {Part<number>}
   */
  function make(place) {
    const n = place + 1;
    const name = h("bdi");
    const button = h("button", { type: "button", class: "voice-button", onclick: () => choose(place) }, name, icon("choose"));
    const drop = h("button", { type: "button", class: "quiet round", onclick: () => dropAt(place) }, icon("close"));
    drop.setAttribute("aria-label", t("own.drop", { n }));
    const element = h("li", {}, h("span", { class: "speaker" }, t("own.line", { n })), button, drop);
    return {
      element,
      fill() {
        const turn = scene.turns[place];
        const voice = voiceAt(place);
        if (!turn || !voice) return;
        element.className = castClass(scene.speakers.indexOf(turn.speaker));
        element.title = turn.text;
        const words = voice.voice_name ?? voice.voice_id;
        say(name, words);
        button.setAttribute("aria-label", t("own.voice-of", { n, speaker: turn.speaker, voice: words }));
        if (!voice.voice_name) findName(voice);
      },
    };
  }

  /**
   * A job knows no names of the voices of its lines.
   * @param {Voice} voice
   */
  async function findName(voice) {
    const all = await voicesOf(scene.provider ?? "").catch(() => []);
    voice.voice_name = all.find((one) => one.voice_id === voice.voice_id)?.voice_name ?? voice.voice_id;
    draw();
  }

  /** @param {number} place */
  async function choose(place) {
    const { provider, language } = scene;
    const turn = scene.turns[place];
    if (!provider || !turn) return;
    const title = t("own.for", { n: place + 1, speaker: turn.speaker });
    const picked = await chooseVoice({ title, provider, language, current: voiceAt(place)?.voice_id });
    if (!picked || !voices[place]) return;
    voices[place] = { ...voices[place], [provider]: picked };
    draw();
    changed();
  }

  /** @param {number} place */
  function dropAt(place) {
    const others = { ...voices[place] };
    delete others[scene.provider ?? ""];
    voices[place] = Object.keys(others).length ? others : undefined;
    draw();
    (list.querySelector("button") ?? byId("cast").querySelector("button"))?.focus();
    changed();
  }

  return {
    set,
    /**
     * Turns as POST /jobs takes them, each with its own voice if it has one.
     * @param {ParsedTurn[]} turns
     * @returns {JobTurnBody[]}
     */
    withVoices: (turns) =>
      turns.map((turn, place) => {
        const voice = voiceAt(place);
        return voice ? { ...turn, voice_id: voice.voice_id } : turn;
      }),
    /**
     * For the draft, and back from it: by the place of the line.
     * @returns {Record<string, LineVoices>}
     */
    entries: () => waiting ?? Object.fromEntries(voices.flatMap((voice, place) => (voice ? [[place, voice]] : []))),
    /** @param {Record<string, LineVoices>} entries */
    restore(entries) {
      scene = { ...scene, turns: [] };
      voices = [];
      lost = new Map();
      waiting = Object.keys(entries).length ? entries : null;
    },
  };
}

/** @param {ParsedTurn} turn */
const lineOf = ({ speaker, text }) => JSON.stringify([speaker, text]);

/**
 * The values of the turns of before, for those of now. A line that is the same keeps its own wherever it is now; so does
 * one that was rewritten where it stood, by half: other words of the same speaker, or the same words of another.
 * @template T
 * @param {ParsedTurn[]} before
 * @param {(T | undefined)[]} values
 * @param {ParsedTurn[]} now
 * @returns {(T | undefined)[]}
 */
function carried(before, values, now) {
  if (!values.some(Boolean)) return now.map(() => undefined);
  /** @type {Map<string, number[]>} */
  const places = new Map();
  before.forEach((turn, place) => places.set(lineOf(turn), [...(places.get(lineOf(turn)) ?? []), place]));
  const origins = now.map((turn) => places.get(lineOf(turn))?.shift());
  const rest = new Set([...places.values()].flat());
  // Each with the last line above it that is still there: what stood between two such lines was rewritten between them.
  const gone = new Map(
    [...rest].sort((a, b) => a - b).map((place) => [place, before.findLastIndex((_, at) => at < place && !rest.has(at))]),
  );
  let last = -1;
  return now.map((turn, place) => {
    const origin = origins[place];
    if (origin !== undefined) {
      last = origin;
      return values[origin];
    }
    /** @param {number} other */
    const isHalf = (other) => before[other]?.speaker === turn.speaker || before[other]?.text === turn.text;
    const rewritten = [...gone.keys()].find((other) => gone.get(other) === last && isHalf(other));
    if (rewritten === undefined) return undefined;
    gone.delete(rewritten);
    return values[rewritten];
  });
}
