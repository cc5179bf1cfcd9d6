// A job in words: its title, its state, why it failed and what helps.

import { castClass, h, say } from "./dom.js";
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
 * The names of the cast, each in its colour.
 * @param {JobDetail} detail
 */
export const castNames = (detail) =>
  speakersOf(detail).map((name, place) => h("bdi", { class: `name ${castClass(place)}` }, name));

/**
 * Sets a chip to a status.
 * @param {HTMLElement} chip
 * @param {JobStatus} status
 */
export function fillStatus(chip, status) {
  chip.className = `chip is-${status}`;
  say(chip, t(`status.${status}`));
}

/**
 * What helps when a job has failed so.
 * @param {string | null} code
 */
export const adviceFor = (code) => t(knows(`advice.${code}`) ? `advice.${code}` : "advice.internal");
