// How a job is to sound: language, format, pauses, loudness. The language follows the script until a person chooses one.

import { byId, h, say, show } from "./dom.js";
import { language, languageName, t, tOr } from "./words.js";

const COMMON_LANGUAGES = ["zh-TW", "zh-CN", "zh-HK", "en-US", "en-GB", "ja-JP", "ko-KR", "fr-FR", "de-DE", "es-ES", "vi-VN"];
const FORMATS = ["mp3", "wav"];

const languages = byId("language-of-script", HTMLSelectElement);
const format = byId("format", HTMLSelectElement);
const gap = byId("gap", HTMLInputElement);
const crossfade = byId("crossfade", HTMLInputElement);
const normalize = byId("normalize", HTMLInputElement);

/**
 * The settings. `changed()` is called when a person changes one; `languageChanged()` when it is the language.
 * @param {{ changed: () => void, languageChanged: () => void }} tell
 */
export function makeSettings({ changed, languageChanged }) {
  let byHand = false;

  languages.replaceChildren(...COMMON_LANGUAGES.map((tag) => h("option", { value: tag }, languageName(tag))));
  setLanguage(language === "en" ? "en-US" : "zh-TW");
  draw();

  languages.addEventListener("input", () => {
    byHand = true;
    languageChanged();
    changed();
  });
  for (const field of [format, gap, crossfade, normalize]) {
    field.addEventListener("input", () => {
      draw();
      changed();
    });
  }

  function draw() {
    say(byId("gap-out"), t("time.ms", { n: Number(gap.value) }));
    say(byId("crossfade-out"), t("time.ms", { n: Number(crossfade.value) }));
    show(byId("crossfade-field"), Number(gap.value) === 0);
  }

  return {
    get language() {
      return languages.value;
    },
    /** Lets the language follow the script again. */
    forgetLanguage() {
      byHand = false;
    },
    /**
     * Takes the language of the script, unless a person has chosen one.
     * @param {ParsedTurn[]} turns
     */
    follow(turns) {
      if (!byHand && turns.length) setLanguage(languageOf(turns));
    },
    /**
     * Offers the formats of a provider.
     * @param {string[]} formats
     */
    offer(formats) {
      const all = formats.length ? formats : FORMATS;
      const now = format.value;
      format.replaceChildren(
        ...all.map((one) => h("option", { value: one }, tOr(`format.${one}`, one.toUpperCase()))),
      );
      format.value = all.includes(now) ? now : (all[0] ?? "");
    },
    /** @returns {VoiceSettings} */
    read: () => ({
      language: languages.value,
      languageByHand: byHand,
      format: format.value,
      gap: Number(gap.value),
      crossfade: Number(crossfade.value),
      normalize: normalize.checked,
    }),
    /** @param {Partial<VoiceSettings>} draft */
    restore(draft) {
      byHand = draft.languageByHand ?? false;
      setLanguage(draft.language ?? language);
      if (draft.format) setOption(format, draft.format, draft.format.toUpperCase());
      if (draft.gap != null) gap.value = String(draft.gap);
      if (draft.crossfade != null) crossfade.value = String(draft.crossfade);
      normalize.checked = draft.normalize ?? true;
      draw();
    },
  };
}

/**
 * Han is Chinese here unless kana or hangul stand beside it; otherwise what is chosen stays.
 * @param {ParsedTurn[]} turns
 */
function languageOf(turns) {
  const text = turns.map((turn) => turn.text).join("");
  if (/[\u3040-\u30ff]/.test(text)) return "ja-JP";
  if (/[\uac00-\ud7af]/.test(text)) return "ko-KR";
  if (/\p{Script=Han}/u.test(text)) return "zh-TW";
  return /[A-Za-z]/.test(text) ? "en-US" : languages.value;
}

/** @param {string} tag */
function setLanguage(tag) {
  setOption(languages, tag, languageName(tag));
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} text
 */
function setOption(select, value, text) {
  if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, text));
  select.value = value;
}
