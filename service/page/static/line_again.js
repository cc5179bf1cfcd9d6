// Speak one line again: other words, another voice, or the same once more. The rest is joined from what was spoken.

import { Away, Refused, call } from "./api.js";
import { ask, byId, say } from "./dom.js";
import { chooseVoice } from "./voices.js";
import { t } from "./words.js";

const dialog = byId("line-dialog", HTMLDialogElement);
const words = byId("line-text", HTMLTextAreaElement);
const voiceButton = byId("line-voice");
const go = byId("line-go");

/** @type {{ job: JobDetail, turn: JobTurnBody, voice: Voice | undefined, chosen: Voice | null } | null} */
let open = null;

/**
 * Asks what to change in a turn of a job. Goes to the new job if one comes of it.
 * @param {JobDetail} job
 * @param {JobTurnBody} turn
 */
export async function speakAgain(job, turn) {
  const voice = turn.voice_id
    ? { voice_id: turn.voice_id }
    : job.input_params.voice_assignments.find((one) => one.speaker === turn.speaker);
  open = { job, turn, voice, chosen: null };
  say(byId("line-speaker"), t("again.line", { n: turn.index + 1, speaker: turn.speaker }));
  say(byId("line-wrong"), "");
  words.value = turn.text;
  showVoice();
  await ask(dialog);
}

function showVoice() {
  const voice = open?.chosen ?? open?.voice;
  say(voiceButton, voice?.voice_name ?? voice?.voice_id ?? "");
}

voiceButton.addEventListener("click", async () => {
  if (!open) return;
  const now = open;
  const { provider, language } = now.job.input_params;
  const picked = await chooseVoice({
    title: t("voice.for", { speaker: now.turn.speaker }),
    provider,
    language,
    current: (now.chosen ?? now.voice)?.voice_id,
  });
  if (picked) now.chosen = picked;
  showVoice();
  voiceButton.focus();
});

go.addEventListener("click", async () => {
  if (!open || go.getAttribute("aria-busy") === "true") return;
  if (!words.value.trim()) {
    say(byId("line-wrong"), t("again.blank"));
    words.focus();
    return;
  }
  go.setAttribute("aria-busy", "true");
  try {
    const fresh = await call("POST", `/jobs/${open.job.id}/revise`, { body: { turns: [changeOf(open)] } });
    location.assign(`/jobs/${fresh.id}`);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Away)) throw error;
    say(byId("line-wrong"), reasonOf(error));
  } finally {
    go.removeAttribute("aria-busy");
  }
});

/**
 * What POST /jobs/{id}/revise takes for the turn.
 * @param {NonNullable<typeof open>} of
 */
function changeOf({ turn, voice, chosen }) {
  const text = words.value === turn.text ? undefined : words.value;
  const voiceId = chosen && chosen.voice_id !== voice?.voice_id ? chosen.voice_id : undefined;
  const isSame = text === undefined && voiceId === undefined;
  return { index: turn.index, text, voice_id: voiceId, speak_again: isSame || undefined };
}

/** @param {Refused | Away} error */
function reasonOf(error) {
  if (!(error instanceof Refused)) return error.message;
  const text = error.isUnknownAddress ? t("again.unknown") : error.message;
  const [problem] = error.problems;
  return problem ? t("error.field", { field: text, message: problem.message }) : text;
}
