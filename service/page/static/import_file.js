// A script from a file: by the button or dropped on the page. It is read here, in the browser; only its text is sent.

import { decoded } from "./charsets.js";
import { textOfDocx } from "./docx.js";
import { byId, h, say, show, toast } from "./dom.js";
import { t } from "./words.js";

const MOST_BYTES = 10 * 1024 * 1024;
/** As many as the server reads, in UTF-16 units. */
const MOST_UNITS = 400_000;
/** What a name says of the format; of others it is found out. @type {Record<string, string>} */
const FORMATS = { md: "markdown", markdown: "markdown", fountain: "fountain", srt: "srt", vtt: "vtt" };

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
    if (file.size > MOST_BYTES) return toast(t("import.too-large", { name: file.name }));
    const bytes = new Uint8Array(await file.arrayBuffer());
    const ending = file.name.split(".").at(-1)?.toLowerCase() ?? "";
    if (ending === "docx") {
      const text = await textOfDocx(bytes);
      return text === null ? toast(t("import.no-document", { name: file.name })) : use(file.name, text, "auto");
    }
    return useText(file.name, bytes, FORMATS[ending] ?? "auto");
  }

  /**
   * @param {string} name
   * @param {Uint8Array} bytes
   * @param {string} format
   * @param {string} [charset]
   * @returns {unknown}
   */
  function useText(name, bytes, format, charset) {
    const found = decoded(bytes, charset);
    if (!found) return toast(t("import.no-text", { name }));
    const other = charset ? null : found.orElse;
    const again = other ? () => useText(name, bytes, format, other) : null;
    return use(name, found.text, format, found.charset, again, other ?? "");
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {string} format
   * @param {string} [charset]
   * @param {(() => unknown) | null} [again]
   * @param {string} [other]
   */
  function use(name, text, format, charset, again, other = "") {
    if (text.length > MOST_UNITS) return toast(t("import.too-large", { name }));
    put(text.replaceAll("\0", "").replace(/^\ufeff/, ""), format, name);
    const what = charset ? t("import.done-in", { name, charset }) : t("import.done", { name });
    note.replaceChildren(h("span", {}, what));
    if (again) note.append(" ", h("button", { type: "button", onclick: again }, t("import.instead", { charset: other })));
    show(note, true);
    return undefined;
  }

  return {
    /** The text is another now. */
    forget() {
      say(note, "");
      show(note, false);
    },
  };
}
