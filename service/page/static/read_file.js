// A file as a text in the script box, once somebody brings one: it is read here, in the browser; only its text is sent.

import { decoded } from "./charsets.js";
import { textOfDocx } from "./docx.js";
import { byId, h, show, toast } from "./dom.js";
import { t } from "./words.js";

const MOST_BYTES = 10 * 1024 * 1024;
/** As many as the server reads, in UTF-16 units. */
const MOST_UNITS = 400_000;
/** What a name says of the format; of others it is found out. @type {Record<string, string>} */
const FORMATS = { md: "markdown", markdown: "markdown", fountain: "fountain", srt: "srt", vtt: "vtt" };

const note = byId("imported");

/**
 * Reads a file. `put(text, format, name)` takes what is in it; what is wrong with it is said.
 * @param {File} file
 * @param {(text: string, format: string, name: string) => unknown} put
 */
export async function readFile(file, put) {
  const { name } = file;
  if (file.size > MOST_BYTES) return toast(t("import.too-large", { name }));
  const bytes = new Uint8Array(await file.arrayBuffer());
  const ending = name.split(".").at(-1)?.toLowerCase() ?? "";
  if (ending === "docx") {
    const text = await textOfDocx(bytes);
    return text === null ? toast(t("import.no-document", { name })) : use(text, "auto");
  }
  return useText(FORMATS[ending] ?? "auto");

  /**
   * @param {string} format
   * @param {string} [charset]
   * @returns {unknown}
   */
  function useText(format, charset) {
    const found = decoded(bytes, charset);
    if (!found) return toast(t("import.no-text", { name }));
    const other = charset ? null : found.orElse;
    const again = other ? () => useText(format, other) : null;
    return use(found.text, format, found.charset, again, other ?? "");
  }

  /**
   * @param {string} text
   * @param {string} format
   * @param {string} [charset]
   * @param {(() => unknown) | null} [again]
   * @param {string} [other]
   */
  function use(text, format, charset, again, other = "") {
    if (text.length > MOST_UNITS) return toast(t("import.too-large", { name }));
    put(text.replaceAll("\0", "").replace(/^\ufeff/, ""), format, name);
    const what = charset ? t("import.done-in", { name, charset }) : t("import.done", { name });
    note.replaceChildren(h("span", {}, what));
    if (again) note.append(" ", h("button", { type: "button", onclick: again }, t("import.instead", { charset: other })));
    show(note, true);
    return undefined;
  }
}
