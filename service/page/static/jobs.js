// The list of jobs: newest first, by status, a page at a time, kept up to date while something is active.

import "./frame.js";
import { Refused, call, getJob } from "./api.js";
import { announce, byId, h, keep, say, show, toast, touched } from "./dom.js";
import { cancel, resubmit } from "./job_actions.js";
import { castNames, fillStatus, isActive, titleOf } from "./job_words.js";
import { makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { clock, duration, exactly, t, when } from "./words.js";

const PAGE = 20;
const EVERY_MS = 5_000;
/** Details that are asked for at a time. */
const AT_ONCE = 4;

const list = byId("jobs");
const newer = byId("newer", HTMLButtonElement);
const older = byId("older", HTMLButtonElement);
const emptyLink = byId("jobs-empty-link", HTMLAnchorElement);

/**
 * Details by id. Those of a job that has ended do not change any more.
 * @type {Map<string, JobDetail>}
 */
const details = new Map();
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
  await loadDetails(page.items);
  draw(page);
  tellChanges(page.items);
  return page.items.some(isActive);
}

/** @param {JobResponse[]} jobs */
async function loadDetails(jobs) {
  const wanted = jobs.filter((job) => details.get(job.id)?.status !== job.status || isActive(job));
  const next = async () => {
    for (let job = wanted.shift(); job; job = wanted.shift()) {
      try {
        details.set(job.id, await getJob(job.id));
      } catch (error) {
        if (!(error instanceof Refused)) throw error; // a job that has just gone is not worth a word
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
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
  say(byId("range"), t("jobs.range", { first: page.offset + 1, last, total: page.total }));
  newer.disabled = page.offset === 0;
  older.disabled = last >= page.total;
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
 * The row of a job. What is in its detail comes a moment later than the rest.
 * @param {JobResponse} first
 * @returns {Part<JobResponse>}
 */
function make(first) {
  let job = first;
  const status = h("span", { class: "chip" });
  const created = h("time", { datetime: job.created_at, title: exactly(job.created_at) }, when(job.created_at));
  const title = h("a", { class: "job-title", href: `/jobs/${job.id}`, dir: "auto" });
  const names = h("span", { class: "names" });
  const reason = h("p", { class: "reason" });
  const progress = makeProgress();
  const facts = [h("span"), h("span"), h("span")];
  const cancelIt = h("button", { type: "button", class: "quiet" }, t("job.cancel"));
  const resubmitIt = h("button", { type: "button" }, t("job.resubmit"));
  const element = h(
    "li",
    { class: "job" },
    h("p", { class: "job-state" }, status, created),
    h("div", { class: "job-what" }, title, names, reason, progress.element),
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

  /** @param {JobResponse} now */
  function fill(now) {
    job = now;
    const known = details.get(job.id);
    const detail = known?.status === job.status ? known : null;
    fillStatus(status, job.status);
    say(title, known ? titleOf(known) : job.id);
    if (known && !names.childElementCount) names.append(...castNames(known));
    factsOf(detail).forEach((fact, place) => facts[place] && say(facts[place], fact));
    show(progress.element, isActive(job) && detail !== null);
    if (detail && isActive(job)) progress.fill(detail);
    show(reason, job.status === "failed");
    say(reason, detail?.error_message ?? "");
    show(cancelIt, isActive(job));
    cancelIt.setAttribute("aria-disabled", String(job.status !== "pending"));
    cancelIt.setAttribute("aria-label", t("job.cancel.of", { title: title.textContent ?? "" }));
    show(resubmitIt, job.status === "failed" || job.status === "cancelled");
    resubmitIt.setAttribute("aria-label", t("job.resubmit.of", { title: title.textContent ?? "" }));
  }
  return { element, fill };
}

/** @param {JobDetail | null} detail */
function factsOf(detail) {
  const heard = detail?.result_metadata?.duration_ms;
  return [
    detail ? t("count.lines", { n: detail.progress.turns_total }) : "",
    heard ? t("job.heard", { time: clock(heard) }) : "",
    detail?.elapsed_ms != null ? t("job.took", { time: duration(detail.elapsed_ms) }) : "",
  ];
}

/**
 * A change of status is read out.
 * @param {JobResponse[]} jobs
 */
function tellChanges(jobs) {
  for (const job of jobs) {
    const before = seen.get(job.id);
    seen.set(job.id, job.status);
    if (!before || before === job.status) continue;
    const known = details.get(job.id);
    announce(t("jobs.changed", { title: known ? titleOf(known) : job.id, status: t(`status.${job.status}`) }));
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
