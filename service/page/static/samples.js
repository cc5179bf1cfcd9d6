// Samples of voices: a button beside a voice plays one, and stops it. One is heard at a time.

import { Refused, isAborted, send } from "./api.js";
import { h, icon, show, toast } from "./dom.js";
import { t } from "./words.js";

/** @typedef {Voice & { provider: string, language: string }} Sample */

const sound = new Audio();
/** @type {SampleButton | null} */
let playing = null;
let canSample = true;

class SampleButton {
  /** @param {() => Sample | null} voice */
  constructor(voice) {
    this.voice = voice;
    this.element = h("button", { type: "button", class: "quiet round listen", onclick: () => listen(this) }, icon("play"));
    this.isPlaying = false;
    this.name();
    show(this.element, canSample);
  }

  /** Says whose sample it plays, or stops. */
  name() {
    const voice = this.voice()?.voice_name ?? "";
    this.element.setAttribute("aria-label", t(this.isPlaying ? "voice.stop" : "voice.listen", { voice }));
  }

  /** @param {boolean} isPlaying */
  set(isPlaying) {
    this.isPlaying = isPlaying;
    this.element.classList.toggle("is-loading", isPlaying);
    this.element.replaceChildren(icon(isPlaying ? "stop" : "play"));
    this.name();
  }
}

/**
 * A button for the voice that `voice()` is when it is pressed.
 * @param {() => Sample | null} voice
 */
export const listenButton = (voice) => new SampleButton(voice);

/** @param {SampleButton} button */
async function listen(button) {
  const wasPlaying = playing === button;
  stopSample();
  const voice = button.voice();
  if (wasPlaying || !voice) return;
  playing = button;
  button.set(true);
  try {
    const path = `/providers/${encodeURIComponent(voice.provider)}/voices/${encodeURIComponent(voice.voice_id)}/preview?language=${encodeURIComponent(voice.language)}`;
    const audio = await (await send("POST", path)).blob();
    if (playing !== button) return;
    sound.src = URL.createObjectURL(audio);
    await sound.play();
    button.element.classList.remove("is-loading");
  } catch (error) {
    if (playing === button) stopSample();
    if (!isAborted(error)) tell(error);
  }
}

/** @param {unknown} error */
function tell(error) {
  if (error instanceof Refused && error.isUnknownAddress) {
    canSample = false;
    for (const one of document.querySelectorAll(".listen")) show(/** @type {HTMLElement} */ (one), false);
    toast(t("voice.no-samples"));
  } else toast(error instanceof Refused ? error.message : t("voice.sample-failed"));
}

/** Ends the sample that is heard, if one is. */
export function stopSample() {
  sound.pause();
  if (sound.src) URL.revokeObjectURL(sound.src);
  playing?.set(false);
  playing = null;
}
sound.addEventListener("ended", stopSample);
