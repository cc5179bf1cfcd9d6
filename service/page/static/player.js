// The player: plays, seeks, says where it is. Its audio is streamed.

import { byId, say } from "./dom.js";
import { clock, t } from "./words.js";

const STEP_S = 5;
const FAR_S = 30;

const audio = byId("audio", HTMLAudioElement);
const player = byId("player");
const slider = byId("seek");
const rate = byId("rate", HTMLSelectElement);
const playButton = byId("play");

/**
 * The player of one job. `turns` in order; `moved(turnPlace, isPlaying)` is called as it goes.
 * @param {{
 *   id: string,
 *   durationMs: number,
 *   turns: TurnTimingBody[],
 *   moved: (turnPlace: number | null, isPlaying: boolean) => void,
 * }} of
 */
export function makePlayer({ id, durationMs, turns, moved }) {
  const seconds = durationMs / 1000;
  /** Where to begin once there is something to play, in seconds. */
  let wanted = 0;

  /** @param {string} text */
  const state = (text) => say(byId("player-state"), text);

  function ready() {
    if (!audio.src) {
      audio.src = `/api/v1/jobs/${id}/download?disposition=inline`;
      audio.currentTime = wanted;
    }
  }

  async function play() {
    try {
      ready();
      audio.playbackRate = Number(rate.value);
      await audio.play();
    } catch (error) {
      // Whoever pauses before it has begun aborts it; what else can happen has been said.
      if (error instanceof DOMException && error.name === "NotSupportedError") state(t("player.failed"));
    }
  }

  const toggle = () => (audio.paused ? play() : audio.pause());

  /** @param {number} ms */
  function seek(ms) {
    wanted = Math.min(seconds, Math.max(0, ms / 1000));
    if (audio.src) audio.currentTime = wanted;
    tell();
  }

  const at = () => (audio.src && audio.readyState ? audio.currentTime : wanted) * 1000;

  /** @param {number} ms */
  function turnAt(ms) {
    const next = turns.findIndex((turn) => turn.start_ms > ms);
    return (next < 0 ? turns.length : next) - 1;
  }

  function tell() {
    const now = Math.min(durationMs, at());
    const isPlaying = !audio.paused;
    player.classList.toggle("is-playing", isPlaying);
    playButton.setAttribute("aria-label", t(isPlaying ? "player.pause" : "player.play"));
    player.style.setProperty("--played", `${durationMs ? (100 * now) / durationMs : 0}%`);
    say(byId("now"), clock(now));
    slider.setAttribute("aria-valuenow", String(Math.round(now / 1000)));
    slider.setAttribute("aria-valuetext", t("player.at", { now: clock(now), total: clock(durationMs) }));
    // Before the first sound nothing is marked, unless it plays.
    moved(isPlaying || now > 0 ? Math.max(0, turnAt(now)) : null, isPlaying);
  }

  function glide() {
    tell();
    if (!audio.paused) requestAnimationFrame(glide);
  }

  say(byId("total"), clock(durationMs));
  slider.setAttribute("aria-valuemax", String(Math.round(seconds)));
  audio.addEventListener("play", glide);
  for (const event of ["pause", "seeked", "ended", "loadedmetadata"]) audio.addEventListener(event, tell);
  audio.addEventListener("error", () => state(t("player.failed")));
  audio.addEventListener("waiting", () => player.classList.add("is-waiting"));
  audio.addEventListener("playing", () => {
    player.classList.remove("is-waiting");
    state("");
  });

  playButton.addEventListener("click", toggle);
  rate.addEventListener("change", () => (audio.playbackRate = Number(rate.value)));
  byId("previous-line").addEventListener("click", () => {
    // As on a player: first to the beginning of this line, then to the one before.
    const place = turnAt(at());
    const isAtStart = at() - (turns[place]?.start_ms ?? 0) < 1_500;
    seek(turns[Math.max(0, isAtStart ? place - 1 : place)]?.start_ms ?? 0);
  });
  byId("next-line").addEventListener("click", () => seek(turns[turnAt(at()) + 1]?.start_ms ?? durationMs));

  slider.addEventListener("keydown", (event) => {
    const now = at();
    /** @type {Record<string, number>} */
    const moves = {
      ArrowLeft: now - STEP_S * 1000,
      ArrowDown: now - STEP_S * 1000,
      ArrowRight: now + STEP_S * 1000,
      ArrowUp: now + STEP_S * 1000,
      PageDown: now - FAR_S * 1000,
      PageUp: now + FAR_S * 1000,
      Home: 0,
      End: durationMs,
    };
    const move = moves[event.key];
    if (move !== undefined) seek(move);
    else if (event.key === " " || event.key === "Enter") toggle();
    else return;
    event.preventDefault();
  });

  /** @param {PointerEvent} event */
  const toPointer = (event) => {
    const { left, width } = slider.getBoundingClientRect();
    seek(((event.clientX - left) / width) * durationMs);
  };
  slider.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    slider.setPointerCapture(event.pointerId);
    toPointer(event);
  });
  slider.addEventListener("pointermove", (event) => slider.hasPointerCapture(event.pointerId) && toPointer(event));

  tell();
  ready();
  return {
    /** @param {number} ms */
    playFrom(ms) {
      seek(ms);
      return play();
    },
  };
}
