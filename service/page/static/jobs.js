// The list of jobs: newest first, by status, a page at a time, kept up to date while something is active.

import "./frame.js";
import { Refused, call, serverNow } from "./api.js";
import { announce, byId, h, keep, say, show, toast, touched } from "./dom.js";
import { cancel, resubmit } from "./job_actions.js";
import { adviceFor, fillStatus, isActive } from "./job_words.js";
import { makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { clock, duration, exactly, t, when } from "./words.js";

const PAGE = 20;
const EVERY_MS = 5_000;

const list = byId("jobs");
const newer = byId("newer", HTMLButtonElement);
const older = byId("older", HTMLButtonElement);
const emptyLink = byId("jobs-empty-link", HTMLAnchorElement);

/**
 * The status that a job was last seen in.
 * @type {Map<string, JobStatus>}
 */
const seen = new Map();
let shownOffset = 0;

const asked = () => {
  const query = new URLSearchParams(location.search);
  return { status: query.get("status") ?? "", offset: Math.max(0, Number.parseInt(query.get("offset") ?? "0", 10) || 0) };
};

/** One look; answers whether something is active. */
async function look() {
  const { status, offset } = asked();
  /** @type {JobList} */
  let page;
  try {
    page = await call("GET", `/jobs?limit=${PAGE}&offset=${offset}${status ? `&status=${encodeURIComponent(status)}` : ""}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    list.replaceChildren();
    sayEmpty(t("error.title"), error.message, t("jobs.all"), "/jobs");
    return false;
  }
  if (page.offset && !page.items.length && page.total) {
    goTo({ status, offset: 0 });
    return true;
  }
  draw(page);
  tellChanges(page.items);
  return page.items.some(isActive);
}

/** @param {JobList} page */
function draw(page) {
  shownOffset = page.offset;
  const { status } = asked();
  for (const link of byId("filter").querySelectorAll("a")) {
    if (link.dataset.status === status) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  list.removeAttribute("aria-busy");
  keep(list, page.items, (job) => job.id, make);
  show(list, page.items.length > 0);
  show(byId("jobs-empty"), page.items.length === 0);
  if (!page.items.length) {
    if (status) sayEmpty(t("jobs.none-so.title"), t("jobs.none-so.text"), t("jobs.all"), "/jobs");
    else sayEmpty(t("jobs.none.title"), t("jobs.none.text"), t("jobs.none.link"), "/");
  }
  const last = page.offset + page.items.length;
  show(byId("pages"), page.total > PAGE);
  const total = page.total_is_exact ? page.total : `${page.total}+`;
  say(byId("range"), t("jobs.range", { first: page.offset + 1, last, total }));
  newer.disabled = page.offset === 0;
  older.disabled = !page.next_cursor;
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} link
 * @param {string} href
 */
function sayEmpty(title, text, link, href) {
  show(list, false);
  show(byId("jobs-empty"), true);
  say(byId("jobs-empty-title"), title);
  say(byId("jobs-empty-text"), text);
  say(emptyLink, link);
  emptyLink.href = href;
}

/**
 * The row of a job.
 * @param {JobListItem} first
 * @returns {Part<JobListItem>}
 */
function make(first) {
  let job = first;
  const status = h("span", { class: "chip" });
  const created = h("time", { datetime: job.created_at, title: exactly(job.created_at) }, when(job.created_at));
  const title = h("a", { class: "job-title", href: `/jobs/${job.id}`, dir: "auto" });
  const reason = h("p", { class: "reason" });
  const progress = makeProgress();
  const facts = [h("span"), h("span"), h("span")];
  const cancelIt = h("button", { type: "button", class: "quiet" }, t("job.cancel"));
  const resubmitIt = h("button", { type: "button" }, t("job.resubmit"));
  const element = h(
    "li",
    { class: "job" },
    h("p", { class: "job-state" }, status, created),
    h("div", { class: "job-what" }, title, reason, progress.element),
    h("p", { class: "job-facts" }, ...facts),
    h("div", { class: "job-ends" }, cancelIt, resubmitIt),
  );
  cancelIt.addEventListener("click", async () => {
    if (await cancel(job, title.textContent ?? "")) looking.now();
  });
  resubmitIt.addEventListener("click", async () => {
    const fresh = await resubmit(job);
    if (!fresh) return;
    toast(t("resubmit.done"), { text: t("submitted.job"), do: () => location.assign(`/jobs/${fresh.id}`) });
    looking.now();
  });

  /** @param {JobListItem} now */
  function fill(now) {
    job = now;
    fillStatus(status, job.status);
    say(title, job.title);
    factsOf(job).forEach((fact, place) => facts[place] && say(facts[place], fact));
    show(progress.element, isActive(job));
    progress.fill(job);
    show(reason, job.status === "failed");
    say(reason, job.error_code ? adviceFor(job).text : "");
    show(cancelIt, isActive(job));
    cancelIt.setAttribute("aria-disabled", String(job.status !== "pending"));
    cancelIt.setAttribute("aria-label", t("job.cancel.of", { title: title.textContent ?? "" }));
    show(resubmitIt, job.status === "failed" || job.status === "cancelled");
    resubmitIt.setAttribute("aria-label", t("job.resubmit.of", { title: title.textContent ?? "" }));
  }
  return { element, fill };
}

/** @param {JobListItem} job */
function factsOf({ started_at: started, completed_at: completed, duration_ms: heard, progress }) {
  const until = completed ? Date.parse(completed) : serverNow();
  return [
    t("count.lines", { n: progress.turns_total }),
    heard ? t("job.heard", { time: clock(heard) }) : "",
    started ? t("job.took", { time: duration(Math.max(0, until - Date.parse(started))) }) : "",
  ];
}

/**
 * A change of status is read out.
 * @param {JobListItem[]} jobs
 */
function tellChanges(jobs) {
  for (const job of jobs) {
    const before = seen.get(job.id);
    seen.set(job.id, job.status);
    if (!before || before === job.status) continue;
    announce(t("jobs.changed", { title: job.title, status: t(`status.${job.status}`) }));
  }
}

// Where one is: the address says it, so that the browser's way back works

/** @param {{ status: string, offset: number }} where */
function goTo({ status, offset }) {
  const query = new URLSearchParams();
  if (status) query.set("status", status);
  if (offset) query.set("offset", String(offset));
  history.pushState(null, "", query.size ? `/jobs?${query}` : "/jobs");
  return looking.now();
}

byId("filter").addEventListener("click", (event) => {
  const link = touched(event, "a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  goTo({ status: link.dataset.status ?? "", offset: 0 });
});
emptyLink.addEventListener("click", (event) => {
  if (emptyLink.getAttribute("href") !== "/jobs") return;
  event.preventDefault();
  goTo({ status: "", offset: 0 });
});
newer.addEventListener("click", () => turnPage(-PAGE));
older.addEventListener("click", () => turnPage(PAGE));
window.addEventListener("popstate", () => looking.now());

/** @param {number} by */
async function turnPage(by) {
  await goTo({ status: asked().status, offset: Math.max(0, shownOffset + by) });
  window.scrollTo(0, 0);
  announce(byId("range").textContent ?? "");
}

const looking = keepLooking(look, EVERY_MS);
