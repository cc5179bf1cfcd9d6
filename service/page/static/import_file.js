// A script from a file: by the button or dropped on the page. What reads it is fetched when there is one.

import { byId, say, show, toast } from "./dom.js";
import { t } from "./words.js";

const input = byId("import-file", HTMLInputElement);
const note = byId("imported");

/**
 * The button, and the page as a place to drop a file. `put(text, format, name)` takes what was read.
 * @param {(text: string, format: string, name: string) => unknown} put
 */
export function makeImport(put) {
  byId("import").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files?.[0]) take(input.files[0]);
    input.value = ""; // The same file may be chosen again.
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    take(file);
  });

  /** @param {File} file */
  async function take(file) {
    const reader = await import("./read_file.js").catch(() => null);
    if (reader) await reader.readFile(file, put);
    else toast(t("away.text"));
  }

  return {
    /** The text is another now. */
    forget() {
      say(note, "");
      show(note, false);
    },
  };
}
