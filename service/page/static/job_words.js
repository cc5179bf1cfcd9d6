// A job in words: its title, its state, why it failed and what helps.

import { say } from "./dom.js";
import { knows, t } from "./words.js";

/** @param {JobResponse} job */
export const isActive = (job) => job.status === "pending" || job.status === "processing";

const TITLE_LENGTH = 90;

/**
 * What a job is about: the beginning of its first line.
 * @param {JobDetail} detail
 */
export function titleOf(detail) {
  const text = (detail.input_params.turns[0]?.text ?? "").replace(/\s+/g, " ").trim();
  return text.length > TITLE_LENGTH ? `${text.slice(0, TITLE_LENGTH)}…` : text;
}

/**
 * Who speaks, in the order of their first lines.
 * @param {JobDetail} detail
 */
export const speakersOf = (detail) => [...new Set(detail.input_params.turns.map((turn) => turn.speaker))];

/**
 * Sets a chip to a status.
 * @param {HTMLElement} chip
 * @param {JobStatus} status
 */
export function fillStatus(chip, status) {
  chip.className = `chip is-${status}`;
  say(chip, t(`status.${status}`));
}

/** What a vendor says when it is not the words that it refuses: a key, a right, a quota, a bill. */
const ACCOUNT = /\banswered 40[123]\b|quota|billing|credit|balance|payment|api[ _-]?key|unauthori[sz]ed|permission/i;

/**
 * What helps when a job has failed, and whether that is to hand it in once more as it is.
 * @param {{ error_code: string | null, error_message?: string | null }} job
 */
export function adviceFor({ error_code: code, error_message: words }) {
  if (code === "provider_rejected" && ACCOUNT.test(words ?? "")) return { text: t("advice.account"), isToResubmit: true };
  const key = `advice.${code}`;
  return { text: t(knows(key) ? key : "advice.internal"), isToResubmit: code !== "provider_rejected" };
}
