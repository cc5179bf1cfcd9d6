// Calls of the API: signing in, the errors, whether the server is there, and what time it has.

import { ask, byId, say } from "./dom.js";
import { language, t } from "./words.js";

/** The server refused: `code` as in the contract, `message` in the page's language. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {ErrorBody | null} body
   */
  constructor(status, body) {
    super(body?.message ?? t("error.status", { status }));
    this.status = status;
    this.code = body?.error ?? null;
    this.details = body?.details ?? null;
  }

  /** Whether this server does not know the address at all: an older one, without what was asked for. */
  get isUnknownAddress() {
    return this.code === "NOT_FOUND" || this.code === "METHOD_NOT_ALLOWED" || this.status === 405;
  }

  /** @returns {ProblemBody[]} */
  get problems() {
    return this.details?.problems ?? [];
  }
}

/** The server, or the database behind it, does not answer. It is worth trying again. */
export class Away extends Error {}

/**
 * Whether a call was ended by whoever began it.
 * @param {unknown} error
 */
export const isAborted = (error) => error instanceof DOMException && error.name === "AbortError";

/**
 * What to tell a person of an error.
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

let offsetMs = 0;

/** What time it is for the server, in milliseconds. */
export const serverNow = () => Date.now() + offsetMs;

/** Whether the browser keeps a key, which no script can read. */
export const isSignedIn = () => document.cookie.split("; ").includes("readthrough-signed-in=1");

/**
 * Have the browser keep a key; false: it is nobody's.
 * @param {string} key
 */
async function signIn(key) {
  const answer = await fetchOnce("POST", "/session", { body: { key } });
  if (answer.ok) return true;
  if (answer.status === 401) return false;
  throw new Refused(answer.status, await answer.json().catch(() => null));
}

/** Have the browser forget the key. */
export const signOut = () => fetchOnce("DELETE", "/session", {});

/** @typedef {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} Options */

/**
 * The answer to a call of `/api/v1`. Asks for a key when one is needed. Throws Refused or Away.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 */
export async function send(method, path, options = {}) {
  for (;;) {
    const answer = await fetchOnce(method, `/api/v1${path}`, options);
    if (answer.status === 401) {
      await askForKey();
      continue;
    }
    if (answer.ok) return answer;
    const error = new Refused(answer.status, await answer.json().catch(() => null));
    const whatIsAway = error.details?.unavailable ?? [];
    if (answer.status >= 502 || whatIsAway.includes("database")) throw tellAway(new Away(error.message));
    throw error;
  }
}

/**
 * The JSON that a call answers.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export const call = async (method, path, options) => (await send(method, path, options)).json();

/**
 * @param {string} id
 * @returns {Promise<JobDetail>}
 */
export const getJob = (id) => call("GET", `/jobs/${encodeURIComponent(id)}`);

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
async function fetchOnce(method, path, { body, headers, signal }) {
  /** @type {Record<string, string>} */
  const all = { "Accept-Language": language, ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
    });
    // To the second; less would be the network's doing.
    const theirs = Date.parse(answer.headers.get("date") ?? "");
    if (Math.abs(theirs - Date.now()) > 2_000) offsetMs = theirs - Date.now();
    if (answer.status < 500) document.dispatchEvent(new Event("server-back"));
    return answer;
  } catch (error) {
    if (isAborted(error)) throw error;
    throw tellAway(new Away(t("away.text")));
  }
}

/** @param {Away} error */
function tellAway(error) {
  document.dispatchEvent(new CustomEvent("server-away", { detail: error.message }));
  return error;
}

/** @type {Promise<void> | null} */
let asking = null;

/** One dialog, however many calls wait for it. */
function askForKey() {
  asking ??= (async () => {
    const dialog = byId("key-dialog", HTMLDialogElement);
    const field = byId("key", HTMLInputElement);
    // What the browser kept is not good any more.
    say(byId("key-wrong"), isSignedIn() ? t("key.wrong") : "");
    for (let isKnown = false; !isKnown; ) {
      field.value = "";
      await ask(dialog);
      try {
        isKnown = await signIn(field.value.trim());
        say(byId("key-wrong"), isKnown ? "" : t("key.wrong"));
      } catch (error) {
        say(byId("key-wrong"), messageOf(error));
      }
    }
    document.dispatchEvent(new Event("signed-in"));
  })().finally(() => (asking = null));
  return asking;
}
