// The words of the page in its language, and how times, sizes and languages are written in it.

export const language = document.documentElement.lang;

const answer = await fetch(new URL(`words/${language}.json`, import.meta.url));
/** @type {Record<string, string>} */
const catalogue = await answer.json();

/**
 * A sentence with its `{blanks}` filled in; `{n|line|lines}` is one of two words, as n is 1 or not.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const sentence = catalogue[key] ?? key;
  return sentence.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
    const value = values[name];
    if (one !== undefined) return value === 1 ? one : many;
    return typeof value === "number" ? number(value) : String(value);
  });
}

/**
 * Whether there is such a sentence: for names that a server may have and we do not know.
 * @param {string} key
 */
export const knows = (key) => key in catalogue;

/**
 * The sentence of a key that may be unknown, or else something in its place.
 * @param {string} key
 * @param {string} otherwise
 */
export const tOr = (key, otherwise) => (knows(key) ? t(key) : otherwise);

/** @param {number} value */
export const number = (value) => value.toLocaleString(language);

/**
 * A place in the audio: `1:05`, `1:02:05`.
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (!parts[0]) parts.shift();
  return parts.map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
}

/**
 * How long something took, in words: `3.4 s`, `2 min 5 s`.
 * @param {number} ms
 */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 0.1) return t("time.ms", { n: Math.round(ms) });
  if (seconds < 10) return t("time.seconds", { n: Math.round(seconds * 10) / 10 });
  if (seconds < 60) return t("time.seconds", { n: Math.round(seconds) });
  const whole = Math.round(seconds);
  if (whole < 3600) return t("time.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
  return t("time.hours", { h: Math.floor(whole / 3600), m: Math.floor(whole / 60) % 60 });
}

const toTheMinute = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const toTheSecond = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });

/** @param {string} iso */
export const when = (iso) => toTheMinute.format(new Date(iso));
/** @param {string} iso */
export const exactly = (iso) => toTheSecond.format(new Date(iso));

const languages = new Intl.DisplayNames(language, { type: "language" });

/**
 * What a BCP 47 tag is called.
 * @param {string} tag
 */
export function languageName(tag) {
  if (tag === "mul") return t("voice.every-language");
  try {
    return languages.of(tag) ?? tag;
  } catch {
    return tag;
  }
}
