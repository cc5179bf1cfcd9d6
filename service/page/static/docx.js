// The text of a Word document, as `service/requests/script/docx.py` reads it: a line each paragraph, nothing believed.

const PART = "word/document.xml";
/** So many bytes of the part with the words are read. */
const MOST_BYTES = 20 * 1024 * 1024;
/** An archive's directory ends within so many bytes of its own end. */
const END_WITHIN = 65_557;

const WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const TAG_OR_TEXT = /<(\/?)([\w:.-]+)([^<>]*)>|([^<>]+)/g;
const REFERENCE = /&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]{2,4});/g;
/** @type {Record<string, string>} */
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const STYLE = /:val="([^"]{0,100})"/;
const HEADING = /^(?:(?:Heading|heading )?[1-6]|Title)$/;

/**
 * The words of a document; null where it is none that can be read.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function textOfDocx(bytes) {
  try {
    const part = partOf(bytes);
    return part && wordsOf(await unpacked(part));
  } catch {
    return null; // Cut off, damaged, or made up.
  }
}

/**
 * The packed part with the words, and how it is packed.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function partOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  const last = Math.max(0, bytes.length - END_WITHIN);
  while (end >= last && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < last) return null;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (view.getUint32(at, true) !== 0x02014b50) return null;
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    if (new TextDecoder().decode(bytes.subarray(at + 46, nameEnd)) === PART) {
      const local = view.getUint32(at + 42, true);
      const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      return { method: view.getUint16(at + 10, true), bytes: bytes.slice(begin, begin + view.getUint32(at + 20, true)) };
    }
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return null;
}

/** @param {{ method: number, bytes: Uint8Array<ArrayBuffer> }} part */
async function unpacked({ method, bytes }) {
  if (method !== 0 && method !== 8) throw new TypeError("packed in another way");
  const packed = new Blob([bytes]).stream();
  const reader = (method === 0 ? packed : packed.pipeThrough(new DecompressionStream("deflate-raw"))).getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [text, read] = ["", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    read += value.length;
    if (read > MOST_BYTES) {
      await reader.cancel();
      throw new RangeError("too large");
    }
    text += decoder.decode(value, { stream: true });
  }
}

/**
 * The words of the part, tag by tag: as a document of the browser's, XML that is broken would be put on show.
 * @param {string} xml
 */
function wordsOf(xml) {
  const prefix = new RegExp(`xmlns:(\\w{1,20})="${WORD}"`).exec(xml.slice(0, 20_000))?.[1];
  if (!prefix || xml.includes("<!")) return null;
  /** @type {string[]} */
  const pieces = [];
  /** @type {string[]} */
  const open = [];
  let [cells, again] = [0, 0];
  /** @param {string} text */
  const add = (text) => again || pieces.push(text);
  for (const [, closes, name = "", rest = "", text] of xml.matchAll(TAG_OR_TEXT)) {
    const [of, local = ""] = name.split(":");
    const word = of === prefix ? local : "";
    if (text !== undefined) {
      if (open.at(-1) === `${prefix}:t`) add(text.replace(REFERENCE, character));
      continue;
    }
    if (!closes) {
      open.push(name);
      again += Number(local === "Fallback");
      if (word === "tab") add("\t");
      else if (word === "br" || word === "cr") add("\n");
      else if (word === "tc" && cells++) add("\t");
      else if (word === "pStyle" && HEADING.test(STYLE.exec(rest)?.[1] ?? "")) add("# ");
    }
    if (closes || rest.endsWith("/")) {
      if (open.pop() !== name) return null;
      again -= Number(local === "Fallback"); // The same words once more.
      if (word === "p") add(cells ? " " : "\n");
      else if (word === "tr") {
        cells = 0;
        add("\n");
      }
    }
  }
  return open.length ? null : pieces.join("");
}

/**
 * What a reference stands for: one of XML's own, or a number.
 * @param {string} whole
 * @param {string} name
 */
function character(whole, name) {
  if (!name.startsWith("#")) return NAMED[name] ?? whole;
  return String.fromCodePoint(name[1] === "x" ? parseInt(name.slice(2), 16) : Number(name.slice(1)));
}
