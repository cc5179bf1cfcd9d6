// What can be done to a job from the list and from its own page: cancel, resubmit.

import { Refused, call, messageOf } from "./api.js";
import { ask, byId, say, toast } from "./dom.js";
import { t } from "./words.js";

/**
 * Asks, then cancels. Answers whether the job may have changed.
 * @param {JobResponse} job
 * @param {string} title
 */
export async function cancel(job, title) {
  if (job.status !== "pending") {
    toast(t("cancel.too-late"));
    return false;
  }
  say(byId("cancel-what"), title);
  if ((await ask(byId("cancel-dialog", HTMLDialogElement))) !== "yes") return false;
  await told(async () => {
    await call("DELETE", `/jobs/${job.id}`);
    toast(t("cancel.done"));
  });
  return true;
}

/**
 * Hands a job in once more. Answers the new one, or null.
 * @param {JobResponse} job
 * @returns {Promise<JobResponse | null>}
 */
export const resubmit = (job) => told(() => call("POST", `/jobs/${job.id}/resubmit`));

/**
 * Does something and says why if it is refused. Answers null then.
 * @template T
 * @param {() => Promise<T>} action
 */
export async function told(action) {
  try {
    return await action();
  } catch (error) {
    const isLate = error instanceof Refused && error.code === "JOB_CANNOT_CANCEL";
    toast(isLate ? t("cancel.too-late") : messageOf(error));
    return null;
  }
}
