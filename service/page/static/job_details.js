// What was asked of a job, and what came of it: times and use, parameters, the cast with its voices.

import { byId, castClass, h, say } from "./dom.js";
import { clock, duration, exactly, languageName, number, t, tOr } from "./words.js";

/**
 * @param {JobDetail} job
 * @param {string[]} speakers
 */
export function drawDetails(job, speakers) {
  const { input_params: asked, result_metadata: result } = job;
  facts("times", {
    created: exactly(job.created_at),
    started: job.started_at && exactly(job.started_at),
    completed: job.completed_at && exactly(job.completed_at),
    elapsed: job.elapsed_ms != null && duration(job.elapsed_ms),
    duration: result && clock(result.duration_ms),
    billed: result && t("fact.characters", { n: result.billed_characters }),
    cached: result && t("fact.characters", { n: result.cached_characters }),
    retries: job.retry_count > 0 && number(job.retry_count),
    expires: job.expires_at && exactly(job.expires_at),
  });
  facts("parameters", {
    provider: tOr(`provider.${asked.provider}`, asked.provider),
    mode: result && t(`mode.${result.synthesis_mode}`),
    language: languageName(asked.language),
    format: asked.output_format.toUpperCase(),
    gap: t("time.ms", { n: asked.gap_ms }),
    crossfade: asked.gap_ms === 0 && t("time.ms", { n: asked.crossfade_ms }),
    normalize: asked.normalize !== undefined && t(asked.normalize ? "fact.yes" : "fact.no"),
  });
  const voices = byId("voices");
  if (voices.childElementCount) return;
  for (const voice of asked.voice_assignments) {
    const name = h("bdi", { class: `name ${castClass(speakers.indexOf(voice.speaker))}` }, voice.speaker);
    const words = h("bdi", {}, voice.voice_name ?? voice.voice_id);
    voices.append(h("div", {}, h("dt", {}, name), h("dd", {}, words)));
  }
}

/**
 * Fills a list of facts; those without a value are not shown.
 * @param {string} id
 * @param {Record<string, string | false | null>} entries
 */
function facts(id, entries) {
  const list = byId(id);
  for (const [name, value] of Object.entries(entries)) {
    if (!value) continue;
    let row = list.querySelector(`[data-fact=${name}]`);
    if (!row) {
      row = h("div", { "data-fact": name }, h("dt", {}, t(`fact.${name}`)), h("dd"));
      list.append(row);
    }
    if (row.lastElementChild) say(row.lastElementChild, value);
  }
}
