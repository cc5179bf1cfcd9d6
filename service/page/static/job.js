// One job: its state while it is active, its audio and transcript when it is done, why it failed, and what was asked.

import "./frame.js";
import { Away, Refused, call, getJob, send, serverNow } from "./api.js";
import { announce, byId, castClass, copy, h, say, show, toast, within } from "./dom.js";
import { cancel, resubmit, told } from "./job_actions.js";
import { drawDetails } from "./job_details.js";
import { adviceFor, fillStatus, isActive, speakersOf, titleOf } from "./job_words.js";
import { speakAgain } from "./line_again.js";
import { makePlayer } from "./player.js";
import { makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { makeTranscript } from "./transcript.js";
import { drawWave } from "./waveform.js";
import { t } from "./words.js";

const EVERY_MS = 2_000;

const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const progress = makeProgress();
byId("progress").append(progress.element);
const download = byId("download", HTMLAnchorElement);
const edit = byId("edit", HTMLAnchorElement);
const linkText = byId("link-text", HTMLInputElement);

/** @type {JobDetail | null} */
let job = null;
/** @type {ReturnType<typeof makePlayer> | null} */
let player = null;
let isGone = false;

const transcript = makeTranscript({
  play: (ms) => player?.playFrom(ms),
  again: (turn) => job && speakAgain(job, turn),
});

/** One look; answers whether the job is still active. */
async function look() {
  let now;
  try {
    now = await getJob(id);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showMissing(error);
    return false;
  }
  if (job && job.status !== now.status) announce(t(`status.${now.status}`));
  job = now;
  if (now.status === "completed" && !player && !isGone) await openAudio(now);
  draw(now);
  return isActive(now);
}

/** @param {Refused} error */
function showMissing(error) {
  show(byId("job-loading"), false);
  const place = byId("job-missing");
  const heading = within(place, "h1");
  if (error.code !== "JOB_NOT_FOUND" && error.code !== "NOT_FOUND") say(heading, error.message);
  show(place, true);
  document.title = `${heading.textContent} · Readthrough`;
}

/** @param {JobDetail} now */
function draw(now) {
  const speakers = speakersOf(now);
  const title = titleOf(now);
  document.title = `${title} · Readthrough`;
  say(byId("job-title"), title);
  say(byId("job-id"), now.id);
  fillStatus(byId("status"), now.status);
  drawOrigin(now);
  const isHeard = player !== null && !isGone;
  show(byId("job-active"), isActive(now));
  if (isActive(now)) progress.fill(now);
  drawEnd(now);
  show(byId("player"), isHeard);
  show(byId("gone"), isGone);
  for (const name of ["download", "captions-vtt", "captions-srt", "link"]) show(byId(name), isHeard);
  show(byId("cancel"), isActive(now));
  byId("cancel").setAttribute("aria-disabled", String(now.status !== "pending"));
  edit.href = `/?from=${now.id}`;
  transcript.fill({
    turns: now.input_params.turns,
    speakers,
    timings: isHeard ? timingsOf(now) : null,
    canSpeakAgain: now.status === "completed" || now.status === "failed",
  });
  drawDetails(now, speakers);
  show(byId("job-loading"), false);
  show(byId("job"), true);
}

/**
 * Why a job has ended without audio, and what helps. What helps is the first thing to press.
 * @param {JobDetail} now
 */
function drawEnd(now) {
  const hasFailed = now.status === "failed";
  const ended = hasFailed || now.status === "cancelled";
  show(byId("job-ended"), ended);
  show(byId("resubmit"), ended);
  if (!ended) return;
  const advice = hasFailed ? adviceFor(now) : { text: t("cancelled.text"), isToResubmit: true };
  say(byId("ended-title"), t(hasFailed ? "failed.title" : "cancelled.title"));
  say(byId("ended-reason"), now.error_message ?? "");
  show(byId("ended-reason"), Boolean(now.error_message));
  say(byId("ended-advice"), advice.text);
  byId("resubmit").classList.toggle("primary", advice.isToResubmit);
  edit.classList.toggle("primary", !advice.isToResubmit);
  const failed = now.input_params.turns.find((turn) => turn.index === now.failed_turn);
  const { turns_done: done, turns_total: total } = now.progress;
  say(byId("ended-line"), failed ? t("failed.line", { n: failed.index + 1, speaker: failed.speaker, text: failed.text }) : "");
  show(byId("ended-line"), Boolean(failed));
  say(byId("ended-done"), t("failed.done", { done, total }));
  show(byId("ended-done"), hasFailed && done > 0);
}

/** @param {JobDetail} now */
function drawOrigin(now) {
  const origin = now.revised_from ?? now.resubmitted_from;
  const place = byId("job-from");
  show(place, Boolean(origin));
  if (!origin || place.childElementCount) return;
  place.append(h("a", { href: `/jobs/${origin}` }, t(now.revised_from ? "job.revised-from" : "job.resubmitted-from")));
}

/** @param {JobDetail} detail */
function timingsOf(detail) {
  const timings = detail.result_metadata?.turn_timings;
  return timings?.length ? new Map(timings.map((one) => [one.turn_index, one])) : null;
}

// The audio

/** @param {JobDetail} now */
async function openAudio(now) {
  try {
    await (await send("GET", `/jobs/${id}/download`, { headers: { Range: "bytes=0-0" } })).blob();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    isGone = error.code === "AUDIO_EXPIRED" || error.code === "JOB_NOT_FOUND";
    if (isGone) return;
    toast(error.message);
  }
  const durationMs = now.result_metadata?.duration_ms ?? 0;
  const timings = timingsOf(now);
  const turns = now.input_params.turns.flatMap((turn) => timings?.get(turn.index) ?? []);
  player = makePlayer({ id, durationMs, turns, moved: transcript.follow });
  download.href = `/api/v1/jobs/${id}/download`;
  drawWaveform(now, durationMs, timings);
}

/**
 * @param {JobDetail} now
 * @param {number} durationMs
 * @param {ReturnType<typeof timingsOf>} timings
 */
async function drawWaveform(now, durationMs, timings) {
  const speakers = speakersOf(now);
  const parts = now.input_params.turns.flatMap((turn) => {
    const timing = timings?.get(turn.index);
    return timing ? [{ ...timing, name: castClass(speakers.indexOf(turn.speaker)) }] : [];
  });
  /** @param {number} ms */
  const castAt = (ms) => parts.find((part) => part.start_ms <= ms && ms < part.end_ms)?.name ?? "";
  /** @type {Peaks["peaks"] | null} */
  let peaks = null;
  const layers = [byId("wave", SVGElement), byId("wave-played", SVGElement)];
  const redraw = () => drawWave(layers, { peaks, durationMs, castAt, widthPx: byId("seek").clientWidth });
  new ResizeObserver(redraw).observe(byId("seek"));
  try {
    /** @type {Peaks} */
    const found = await call("GET", `/jobs/${id}/peaks`);
    peaks = found.peaks;
  } catch (error) {
    // Without peaks the turns are drawn as blocks.
    if (!(error instanceof Refused || error instanceof Away)) throw error;
  }
  redraw();
}

// What can be done

for (const format of ["vtt", "srt"]) {
  byId(`captions-${format}`).addEventListener("click", () =>
    told(async () => {
      try {
        const captions = await (await send("GET", `/jobs/${id}/captions?format=${format}`)).blob();
        save(URL.createObjectURL(captions), format);
      } catch (error) {
        if (!(error instanceof Refused && error.isUnknownAddress)) throw error;
        toast(t("job.captions.unknown"));
      }
    }),
  );
}

/**
 * @param {string} url
 * @param {string} ending
 */
function save(url, ending) {
  const link = h("a", { href: url, download: `readthrough-${id}.${ending}` });
  document.body.append(link);
  link.click();
  link.remove();
}

byId("link").addEventListener("click", () =>
  told(async () => {
    /** @type {DownloadLink} */
    const { url, expires_at: until } = await call("GET", `/jobs/${id}/download-link`);
    show(byId("link-place"), true);
    linkText.value = url;
    const minutes = Math.round((Date.parse(until) - serverNow()) / 60_000);
    const copied = await copy(url);
    say(byId("link-until"), `${copied ? t("job.link.copied") : ""}${t("job.link.until", { n: minutes })}`);
    linkText.focus();
    linkText.select();
  }),
);
byId("link-copy").addEventListener("click", async () => {
  const copied = await copy(linkText.value);
  linkText.select();
  if (copied) toast(t("job.link.copied"));
});

byId("resubmit").addEventListener("click", async () => {
  const fresh = job && (await resubmit(job));
  if (fresh) location.assign(`/jobs/${fresh.id}`);
});
byId("cancel").addEventListener("click", async () => {
  if (job && (await cancel(job, titleOf(job)))) looking.now();
});

const looking = keepLooking(look, EVERY_MS);
