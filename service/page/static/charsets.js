// From the bytes of a text file to its text, as `service/requests/script/charsets.py` does: a test holds both to the same files.

/** The encodings of ours, and what the browser calls them. @type {Record<string, string>} */
const DECODERS = { "UTF-8": "utf-8", "UTF-16LE": "utf-16le", "UTF-16BE": "utf-16be", Big5: "big5", GB18030: "gb18030" };
/** So much of what is not ASCII must be characters that an encoding has for everyday text. */
const EVERYDAY = 0.7;

/**
 * The text of a file, in the named encoding or in the one that is found; null where it is in none. `orElse` is another in
 * which the bytes would be text.
 * @param {Uint8Array} bytes
 * @param {string} [charset]
 * @returns {Decoded | null}
 */
export function decoded(bytes, charset) {
  const found = charset ? [charset] : charsetsOf(bytes);
  const texts = found.flatMap((name) => {
    const text = textIn(bytes, name);
    return text === null ? [] : [{ charset: name, text }];
  });
  const [first, second] = texts;
  if (!first) return null;
  return { ...first, orElse: second && first.charset !== "UTF-8" ? second.charset : null };
}

/** @param {Uint8Array} bytes */
function charsetsOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return ["UTF-16LE"];
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return ["UTF-16BE"];
  if (!bytes.includes(0)) return ["UTF-8", ...chinese(bytes)];
  let [even, odd] = [0, 0];
  bytes.forEach((byte, at) => {
    if (byte === 0) at % 2 ? (odd += 1) : (even += 1);
  });
  return [even > odd ? "UTF-16BE" : "UTF-16LE"];
}

/**
 * @param {Uint8Array} bytes
 * @param {string} charset
 */
function textIn(bytes, charset) {
  try {
    const text = new TextDecoder(DECODERS[charset], { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/**
 * Big5 and GB18030, the likelier first; without what a text is hardly in.
 * @param {Uint8Array} bytes
 */
function chinese(bytes) {
  let [big5, gb, total] = [0, 0, 0];
  for (let at = 0; at < bytes.length; ) {
    const [lead = 0, trail = 0] = [bytes[at], bytes[at + 1]];
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    total += 1;
    const isHigh = trail >= 0xa1 && trail <= 0xfe;
    if (lead >= 0xa1 && lead <= 0xc6 && (isHigh || (trail >= 0x40 && trail <= 0x7e))) big5 += 1;
    if (((lead >= 0xa1 && lead <= 0xa3) || (lead >= 0xb0 && lead <= 0xd7)) && isHigh) gb += 1;
    at += 2;
  }
  /** @type {[string, number][]} */
  const both = [["Big5", big5], ["GB18030", gb]];
  return both.sort((a, b) => b[1] - a[1]).filter(([, count]) => count >= EVERYDAY * total).map(([name]) => name);
}
