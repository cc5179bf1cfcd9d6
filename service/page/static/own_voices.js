// Lines with a voice of their own: shown below the cast, and kept with their line while the script around it changes.

import { byId, castClass, h, icon, keep, say, show } from "./dom.js";
import { chooseVoice, voicesOf } from "./voices.js";
import { t } from "./words.js";

const list = byId("own-voices");

/** The voices of single lines. `changed()` is called when one of them does. */
export function makeOwnVoices(changed) {
  let turns = [];
  let speakers = [];
  /** For each turn its voices by provider, {voice_id, voice_name}; undefined where it has none. */
  let voices = [];
  /** What was taken out with its line, by the line: it comes back with it. */
  let lost = new Map();
  /** What a draft had, until its lines are here. */
  let waiting = null;
  let provider = null;
  let language = null;

  /** The turns, speakers, provider and language of now. */
  function set(now) {
    if (waiting && now.turns.length) {
      voices = now.turns.map((_, place) => waiting[place]);
      waiting = null;
    } else {
      const moved = carried(turns, voices, now.turns);
      turns.forEach((turn, place) => voices[place] && !moved.includes(voices[place]) && lost.set(lineOf(turn), voices[place]));
      voices = moved.map((voice, place) => voice ?? comeBack(lineOf(now.turns[place])));
    }
    ({ turns, speakers, provider, language } = now);
    draw();
  }

  function comeBack(line) {
    const voice = lost.get(line);
    lost.delete(line);
    return voice;
  }

  const voiceAt = (place) => voices[place]?.[provider];

  function draw() {
    const places = turns.map((_, place) => place).filter(voiceAt);
    show(byId("own-voices-part"), places.length > 0);
    keep(list, places, (place) => place, make, fill);
  }

  function make(place) {
    const voice = h("button", { type: "button", class: "voice-button", onclick: () => choose(place) }, h("bdi"), icon("choose"));
    const drop = h("button", { type: "button", class: "quiet round", onclick: () => dropAt(place) }, icon("close"));
    drop.setAttribute("aria-label", t("own.drop", { n: place + 1 }));
    return h("li", {}, h("span", { class: "speaker" }, t("own.line", { n: place + 1 })), voice, drop);
  }

  function fill(element, place) {
    element.className = castClass(speakers.indexOf(turns[place].speaker));
    element.title = turns[place].text;
    const voice = voiceAt(place);
    const button = element.querySelector(".voice-button");
    say(button.firstElementChild, voice.voice_name ?? voice.voice_id);
    const said = { n: place + 1, speaker: turns[place].speaker, voice: button.firstElementChild.textContent };
    button.setAttribute("aria-label", t("own.voice-of", said));
    if (!voice.voice_name) findName(voice);
  }

  async function findName(voice) {
    const all = await voicesOf(provider).catch(() => []);
    voice.voice_name = all.find((one) => one.voice_id === voice.voice_id)?.voice_name ?? voice.voice_id;
    draw();
  }

  async function choose(place) {
    const title = t("own.for", { n: place + 1, speaker: turns[place].speaker });
    const picked = await chooseVoice({ title, provider, language, current: voiceAt(place)?.voice_id });
    if (!picked || !voices[place]) return;
    voices[place] = { ...voices[place], [provider]: picked };
    draw();
    changed();
  }

  function dropAt(place) {
    const { [provider]: _, ...others } = voices[place];
    voices[place] = Object.keys(others).length ? others : undefined;
    draw();
    (list.querySelector("button") ?? byId("cast").querySelector("button"))?.focus();
    changed();
  }

  return {
    set,
    /** Turns as POST /jobs takes them, each with its own voice if it has one. */
    withVoices: (all) => all.map((turn, place) => (voiceAt(place) ? { ...turn, voice_id: voiceAt(place).voice_id } : turn)),
    /** For the draft, and back from it: by turn, then by provider. */
    entries: () => waiting ?? Object.fromEntries(Object.entries(voices).filter(([, voice]) => voice)),
    restore(entries) {
      [turns, voices, lost, waiting] = [[], [], new Map(), Object.keys(entries).length ? entries : null];
    },
  };
}

const lineOf = ({ speaker, text }) => JSON.stringify([speaker, text]);

/**
 * The values of the turns of before, for those of now. A line that is the same keeps its own wherever it is now; so does
 * one that was rewritten where it stood, by half: other words of the same speaker, or the same words of another.
 */
function carried(before, values, now) {
  if (!values.some(Boolean)) return now.map(() => undefined);
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
    const isHalf = (other) => before[other].speaker === turn.speaker || before[other].text === turn.text;
    const rewritten = [...gone.keys()].find((other) => gone.get(other) === last && isHalf(other));
    gone.delete(rewritten);
    return values[rewritten];
  });
}
