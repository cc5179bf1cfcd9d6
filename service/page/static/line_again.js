// Speak one line again: other words, another voice, or the same once more. The rest is joined from what was spoken.

import { Away, Refused, call } from "./api.js";
import { ask, byId, say } from "./dom.js";
import { chooseVoice } from "./voices.js";
import { t } from "./words.js";

const dialog = byId("line-dialog");
const words = byId("line-text");
const voiceButton = byId("line-voice");

let open = null;

/** Asks what to change in a turn of a job. Goes to the new job if one comes of it. */
export async function speakAgain(job, turn) {
  const { voice_assignments: voices, provider, language } = job.input_params;
  const { voice_id: own } = turn;
  const voice = own ? { voice_id: own } : voices.find((one) => one.speaker === turn.speaker);
  open = { job, turn, voice, chosen: null, provider, language };
  say(byId("line-speaker"), t("again.line", { n: turn.index + 1, speaker: turn.speaker }));
  say(byId("line-wrong"), "");
  words.value = turn.text;
  showVoice();
  await ask(dialog);
}

function showVoice() {
  const voice = open.chosen ?? open.voice;
  say(voiceButton, voice?.voice_name ?? voice?.voice_id ?? "");
}

voiceButton.addEventListener("click", async () => {
  const picked = await chooseVoice({
    title: t("voice.for", { speaker: open.turn.speaker }),
    provider: open.provider,
    language: open.language,
    current: (open.chosen ?? open.voice)?.voice_id,
  });
  if (picked) open.chosen = picked;
  showVoice();
  voiceButton.focus();
});

byId("line-go").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  if (button.getAttribute("aria-busy") === "true") return;
  if (!words.value.trim()) {
    say(byId("line-wrong"), t("again.blank"));
    words.focus();
    return;
  }
  const change = { index: open.turn.index };
  if (words.value !== open.turn.text) change.text = words.value;
  if (open.chosen && open.chosen.voice_id !== open.voice?.voice_id) change.voice_id = open.chosen.voice_id;
  if (!("text" in change) && !("voice_id" in change)) change.speak_again = true;
  button.setAttribute("aria-busy", "true");
  try {
    const fresh = await call("POST", `/jobs/${open.job.id}/revise`, { body: { turns: [change] } });
    location.assign(`/jobs/${fresh.id}`);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Away)) throw error;
    const problem = error.details?.problems?.[0]?.message;
    const text = error.isUnknownAddress ? t("again.unknown") : error.message;
    say(byId("line-wrong"), problem ? t("error.field", { field: text, message: problem }) : text);
  } finally {
    button.removeAttribute("aria-busy");
  }
});
