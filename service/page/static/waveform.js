// The waveform: bars from the peaks of the audio, each in the colour of whoever speaks there.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
/** Room for a bar and the gap beside it, in pixels. */
const BAR_PX = 4;
/** A bar where nothing is heard still shows. */
const SMALLEST = 3;

/**
 * Draws into both layers of the wave. `peaks`: [min, max] pairs over the whole, or null when they cannot be had: then
 * the turns are blocks. `castAt(ms)`: the class of who speaks there, or "" between the turns.
 * @param {SVGElement[]} layers
 * @param {{ peaks: Peaks["peaks"] | null, durationMs: number, castAt: (ms: number) => string, widthPx: number }} wave
 */
export function drawWave(layers, { peaks, durationMs, castAt, widthPx }) {
  const bars = Math.max(40, Math.floor(widthPx / BAR_PX));
  /** @type {Map<string, string>} */
  const paths = new Map();
  for (let bar = 0; bar < bars; bar += 1) {
    const speaker = castAt(((bar + 0.5) / bars) * durationMs);
    const height = Math.max(SMALLEST, heightOf(peaks, bar, bars, speaker) * (HEIGHT - 4));
    const x = ((bar + 0.5) * BAR_PX).toFixed(1);
    const top = ((HEIGHT - height) / 2).toFixed(1);
    paths.set(speaker, `${paths.get(speaker) ?? ""}M${x} ${top}v${height.toFixed(1)}`);
  }
  for (const layer of layers) {
    layer.setAttribute("viewBox", `0 0 ${bars * BAR_PX} ${HEIGHT}`);
    layer.setAttribute("preserveAspectRatio", "none");
    layer.replaceChildren(
      ...[...paths].map(([speaker, d]) => {
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", d);
        path.setAttribute("class", speaker);
        return path;
      }),
    );
  }
}

/**
 * The loudest that is heard in a bar, 0 to 1.
 * @param {Peaks["peaks"] | null} peaks
 * @param {number} bar
 * @param {number} bars
 * @param {string} speaker
 */
function heightOf(peaks, bar, bars, speaker) {
  if (!peaks?.length) return speaker ? 0.55 : 0;
  const first = Math.floor((bar / bars) * peaks.length);
  const last = Math.max(first + 1, Math.ceil(((bar + 1) / bars) * peaks.length));
  let loudest = 0;
  for (const [low, high] of peaks.slice(first, last)) loudest = Math.max(loudest, Math.abs(low), Math.abs(high));
  // Speech is mostly quiet: the root makes it visible.
  return Math.sqrt(Math.min(1, loudest));
}
