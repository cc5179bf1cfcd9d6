// Looking again: only while something is going on, and only while somebody sees the page.

import { Away } from "./api.js";

/** How soon the server is asked again when it was away, in milliseconds. */
const AWAY_MS = 3_000;

/**
 * Calls `look` now, and again after `everyMs` as long as it answers true and the tab is visible.
 * A hidden tab that becomes visible looks at once. `look` that throws Away is called again soon.
 * @param {() => Promise<boolean>} look
 * @param {number} everyMs
 */
export function keepLooking(look, everyMs) {
  /** @type {number | undefined} */
  let timer;
  let due = true;
  /** @type {Promise<void> | null} */
  let running = null;

  async function turn() {
    clearTimeout(timer);
    due = false;
    let wait = everyMs;
    let again = true;
    try {
      again = await look();
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      wait = AWAY_MS;
    }
    due = again;
    if (again && !document.hidden) timer = setTimeout(now, wait);
  }

  function now() {
    // A look that is under way may have begun before what it is asked for: one more follows it.
    running = running ? running.then(turn) : turn();
    const mine = running;
    return mine.finally(() => {
      if (running === mine) running = null;
    });
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && due) now();
  });
  now();
  return { now };
}
