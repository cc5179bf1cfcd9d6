// What surrounds every view: the language switch, the key, and the line that says that the server is away.

import { forgetKey, hasKey } from "./api.js";
import { announce, byId, say, show } from "./dom.js";
import { t } from "./words.js";

const YEAR_S = 31_536_000;

const language = byId("language");
language.addEventListener("click", () => {
  document.cookie = `readthrough-language=${language.dataset.language}; path=/; max-age=${YEAR_S}; samesite=lax`;
  location.reload();
});

const forget = byId("forget-key");
const showForget = () => show(forget, hasKey());
forget.addEventListener("click", () => {
  forgetKey();
  location.reload();
});
document.addEventListener("key-given", showForget);
showForget();

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
