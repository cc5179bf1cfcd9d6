// The draft: what was written survives a reload, in this browser only.

import { calm } from "./dom.js";

const KEY = "readthrough.draft";

/**
 * The draft of before, or null.
 * @returns {Draft | null}
 */
export function readDraft() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Keeps what `read()` gives, soon after the answer is called, and when the page is left.
 * @param {() => Draft | null} read
 */
export function keepDraft(read) {
  const later = calm(() => {
    try {
      const draft = read();
      if (draft === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, JSON.stringify(draft));
    } catch {
      // No room, or no storage at all: the draft is a convenience.
    }
  }, 300);
  window.addEventListener("pagehide", later.now);
  return later;
}

/** Forgets it. */
export const dropDraft = () => localStorage.removeItem(KEY);
