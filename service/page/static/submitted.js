// What stands in the form's place once a job is handed in: its id, where to find it, and how it gets on.

import { getJob } from "./api.js";
import { announce, byId, h, say, show } from "./dom.js";
import { isActive } from "./job_words.js";
import { makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { t } from "./words.js";

const EVERY_MS = 2_000;

const form = byId("write");
const place = byId("submitted");

/**
 * Shows that a job was taken, and follows it for those who stay.
 * @param {JobResponse} taken
 */
export function showSubmitted({ id }) {
  show(form, false);
  show(place, true);
  say(byId("submitted-id"), id);
  byId("submitted-job", HTMLAnchorElement).href = `/jobs/${id}`;
  window.scrollTo(0, 0);
  byId("submitted-title").focus();
  const progress = makeProgress();
  byId("submitted-progress").replaceChildren(progress.element);
  keepLooking(async () => {
    const job = await getJob(id);
    progress.fill(job);
    if (!isActive(job)) {
      byId("submitted-progress").replaceChildren(h("p", { class: `chip is-${job.status}` }, t(`status.${job.status}`)));
      announce(t(`status.${job.status}`));
    }
    return isActive(job);
  }, EVERY_MS);
}

/**
 * Calls `again()` when a person wants to write another one; the form is there again.
 * @param {() => void} again
 */
export function onAnother(again) {
  byId("another").addEventListener("click", () => {
    show(place, false);
    show(form, true);
    again();
  });
}
