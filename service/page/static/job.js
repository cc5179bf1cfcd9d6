// One job: its state while it is active, its audio and transcript when it is done, why it failed, and what was asked.

import "./frame.js";
import { Away, Refused, call, getJob, hasKey, send, serverNow } from "./api.js";
import { announce, byId, castClass, copy, h, say, show, toast } from "./dom.js";
import { cancel, resubmit, told } from "./job_actions.js";
import { adviceFor, fillStatus, isActive, speakersOf, titleOf } from "./job_words.js";
import { speakAgain } from "./line_again.js";
import { makePlayer } from "./player.js";
import { fillProgress, makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { makeTranscript } from "./transcript.js";
import { drawWave } from "./waveform.js";
import { clock, duration, exactly, knows, languageName, number, t } from "./words.js";

const EVERY_MS = 2_000;

const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const progress = makeProgress();
byId("progress").append(progress);

let job = null;
let player = null;
let isGone = false;

const transcript = makeTranscript({
  play: (ms) => player?.playFrom(ms),
  again: (turn) => speakAgain(job, turn),
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
  const before = job;
  job = now;
  if (before && before.status !== job.status) announce(t(`status.${job.status}`));
  if (job.status === "completed" && !player && !isGone) await openAudio();
  draw();
  return isActive(job);
}

function showMissing(error) {
  show(byId("job-loading"), false);
  const place = byId("job-missing");
  if (error.code !== "JOB_NOT_FOUND" && error.code !== "NOT_FOUND") say(place.querySelector("h1"), error.message);
  show(place, true);
  document.title = `${place.querySelector("h1").textContent} · Readthrough`;
}

function draw() {
  const speakers = speakersOf(job);
  const title = titleOf(job);
  document.title = `${title} · Readthrough`;
  say(byId("job-title"), title);
  say(byId("job-id"), job.id);
  fillStatus(byId("status"), job.status);
  drawOrigin();
  const ended = job.status === "failed" || job.status === "cancelled";
  const isHeard = player !== null && !isGone;
  show(byId("job-active"), isActive(job));
  if (isActive(job)) fillProgress(progress, job);
  show(byId("job-ended"), ended);
  say(byId("ended-title"), t(job.status === "failed" ? "failed.title" : "cancelled.title"));
  say(byId("ended-reason"), job.error_message ?? "");
  show(byId("ended-reason"), Boolean(job.error_message));
  say(byId("ended-advice"), job.status === "failed" ? adviceFor(job.error_code) : t("cancelled.text"));
  show(byId("player"), isHeard);
  show(byId("gone"), isGone);
  for (const name of ["download", "captions-vtt", "captions-srt", "link"]) show(byId(name), isHeard);
  show(byId("resubmit"), ended);
  show(byId("cancel"), isActive(job));
  byId("cancel").setAttribute("aria-disabled", String(job.status !== "pending"));
  byId("edit").href = `/?from=${job.id}`;
  const timings = isHeard ? timingsOf(job) : null;
  transcript.fill({
    turns: job.input_params.turns,
    speakers,
    timings,
    canSpeakAgain: job.status === "completed" || job.status === "failed",
  });
  drawDetails(speakers);
  show(byId("job-loading"), false);
  show(byId("job"), true);
}

function drawOrigin() {
  const [key, origin] = job.revised_from ? ["job.revised-from", job.revised_from] : ["job.resubmitted-from", job.resubmitted_from];
  const place = byId("job-from");
  show(place, Boolean(origin));
  if (origin && !place.childElementCount) place.append(h("a", { href: `/jobs/${origin}` }, t(key)));
}

const timingsOf = (detail) => {
  const timings = detail.result_metadata?.turn_timings;
  return timings?.length ? new Map(timings.map((one) => [one.turn_index, one])) : null;
};

// The audio

async function openAudio() {
  try {
    await (await send("GET", `/jobs/${id}/download`, { headers: { Range: "bytes=0-0" } })).blob();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    isGone = error.code === "AUDIO_EXPIRED" || error.code === "JOB_NOT_FOUND";
    if (isGone) return;
    toast(error.message);
  }
  const { duration_ms: durationMs } = job.result_metadata;
  const timings = timingsOf(job);
  const turns = job.input_params.turns.map((turn) => timings?.get(turn.index)).filter(Boolean);
  player = makePlayer({ id, durationMs, turns, moved: transcript.follow });
  byId("download").href = `/api/v1/jobs/${id}/download`;
  drawWaveform(durationMs, timings);
}

async function drawWaveform(durationMs, timings) {
  const speakers = speakersOf(job);
  const parts = job.input_params.turns
    .map((turn) => ({ ...timings?.get(turn.index), name: castClass(speakers.indexOf(turn.speaker)) }))
    .filter((part) => part.start_ms !== undefined);
  const castAt = (ms) => parts.find((part) => part.start_ms <= ms && ms < part.end_ms)?.name ?? "";
  let peaks = null;
  const layers = [byId("wave"), byId("wave-played")];
  const redraw = () => drawWave(layers, { peaks, durationMs, castAt, widthPx: byId("seek").clientWidth });
  new ResizeObserver(redraw).observe(byId("seek"));
  try {
    ({ peaks } = await call("GET", `/jobs/${id}/peaks`));
  } catch (error) {
    // Without peaks the turns are drawn as blocks.
    if (!(error instanceof Refused || error instanceof Away)) throw error;
  }
  redraw();
}

// What can be done

byId("download").addEventListener("click", (event) => {
  // A link cannot send a key: what the player has fetched is saved instead.
  if (!hasKey()) return;
  event.preventDefault();
  told(async () => save(await player.load(), `readthrough-${id}.${job.input_params.output_format}`));
});

for (const format of ["vtt", "srt"]) {
  byId(`captions-${format}`).addEventListener("click", () =>
    told(async () => {
      try {
        const captions = await (await send("GET", `/jobs/${id}/captions?format=${format}`)).blob();
        save(URL.createObjectURL(captions), `readthrough-${id}.${format}`);
      } catch (error) {
        if (!error.isUnknownAddress) throw error;
        toast(t("job.captions.unknown"));
      }
    }),
  );
}

function save(url, name) {
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

byId("link").addEventListener("click", () =>
  told(async () => {
    const { url, expires_at: until } = await call("GET", `/jobs/${id}/download-link`);
    show(byId("link-place"), true);
    byId("link-text").value = url;
    const minutes = Math.round((Date.parse(until) - serverNow()) / 60_000);
    const copied = await copy(url);
    say(byId("link-until"), `${copied ? t("job.link.copied") : ""}${t("job.link.until", { n: minutes })}`);
    byId("link-text").focus();
    byId("link-text").select();
  }),
);
byId("link-copy").addEventListener("click", async () => {
  const copied = await copy(byId("link-text").value);
  byId("link-text").select();
  if (copied) toast(t("job.link.copied"));
});

byId("resubmit").addEventListener("click", async () => {
  const fresh = await resubmit(job);
  if (fresh) location.assign(`/jobs/${fresh.id}`);
});
byId("cancel").addEventListener("click", async () => {
  if (await cancel(job, titleOf(job))) looking.now();
});

// What was asked, and what came of it

function drawDetails(speakers) {
  const { input_params: asked, result_metadata: result } = job;
  facts("times", [
    ["created", exactly(job.created_at)],
    ["started", job.started_at && exactly(job.started_at)],
    ["completed", job.completed_at && exactly(job.completed_at)],
    ["elapsed", job.elapsed_ms != null && duration(job.elapsed_ms)],
    ["duration", result && clock(result.duration_ms)],
    ["billed", result && t("fact.characters", { n: result.billed_characters })],
    ["cached", result && t("fact.characters", { n: result.cached_characters })],
    ["retries", job.retry_count > 0 && number(job.retry_count)],
    ["expires", job.expires_at && exactly(job.expires_at)],
  ]);
  const key = `provider.${asked.provider}`;
  facts("parameters", [
    ["provider", knows(key) ? t(key) : asked.provider],
    ["mode", result && t(`mode.${result.synthesis_mode}`)],
    ["language", languageName(asked.language)],
    ["format", asked.output_format.toUpperCase()],
    ["gap", t("time.ms", { n: asked.gap_ms })],
    ["crossfade", asked.gap_ms === 0 && t("time.ms", { n: asked.crossfade_ms })],
    ["normalize", asked.normalize !== undefined && t(asked.normalize ? "fact.yes" : "fact.no")],
  ]);
  const voices = byId("voices");
  if (voices.childElementCount) return;
  for (const voice of asked.voice_assignments) {
    const name = h("bdi", { class: `name ${castClass(speakers.indexOf(voice.speaker))}` }, voice.speaker);
    const words = h("bdi", {}, voice.voice_name ?? voice.voice_id);
    voices.append(h("div", {}, h("dt", {}, name), h("dd", {}, words)));
  }
}

function facts(place, entries) {
  const list = byId(place);
  for (const [name, value] of entries) {
    let row = list.querySelector(`[data-fact=${name}]`);
    if (!value) continue;
    if (!row) {
      row = h("div", { "data-fact": name }, h("dt", {}, t(`fact.${name}`)), h("dd"));
      list.append(row);
    }
    say(row.querySelector("dd"), value);
  }
}

const looking = keepLooking(look, EVERY_MS);
