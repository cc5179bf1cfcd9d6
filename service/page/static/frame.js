// What surrounds every view: the language switch, the key, and the line that says that the server is away.

import { isSignedIn, signOut } from "./api.js";
import { announce, byId, say, show } from "./dom.js";
import { t } from "./words.js";

const YEAR_S = 31_536_000;

const language = byId("language");
language.addEventListener("click", () => {
  document.cookie = `readthrough-language=${language.dataset.language}; path=/; max-age=${YEAR_S}; samesite=lax`;
  location.reload();
});

const leave = byId("sign-out");
const showLeave = () => show(leave, isSignedIn());
leave.addEventListener("click", async () => {
  await signOut();
  location.reload();
});
document.addEventListener("signed-in", showLeave);
showLeave();

const away = byId("away");
document.addEventListener("server-away", (event) => {
  if (event instanceof CustomEvent) say(byId("away-text"), event.detail);
  show(away, true);
});
document.addEventListener("server-back", () => {
  if (away.hidden) return;
  show(away, false);
  announce(t("away.back"));
});
