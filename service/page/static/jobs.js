// The list of jobs: newest first, by status, a page at a time, kept up to date while something is active.

import "./frame.js";
import { Refused, call, getJob } from "./api.js";
import { announce, byId, h, keep, say, show, toast } from "./dom.js";
import { cancel, resubmit } from "./job_actions.js";
import { castNames, fillStatus, isActive, titleOf } from "./job_words.js";
import { fillProgress, makeProgress } from "./progress.js";
import { keepLooking } from "./refresh.js";
import { clock, duration, exactly, t, when } from "./words.js";

const PAGE = 20;
const EVERY_MS = 5_000;
/** Details that are asked for at a time. */
const AT_ONCE = 4;

const list = byId("jobs");

/** Details by id. Those of a job that has ended do not change any more. */
const details = new Map();
/** The status that a job was last seen in. */
const seen = new Map();
let shown = null;

const asked = () => {
  const query = new URLSearchParams(location.search);
  return { status: query.get("status") ?? "", offset: Math.max(0, Number.parseInt(query.get("offset") ?? "0", 10) || 0) };
};

/** One look; answers whether something is active. */
async function look() {
  const { status, offset } = asked();
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

function draw(page) {
  shown = page;
  const { status } = asked();
  for (const link of byId("filter").children) {
    if (link.dataset.status === status) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  list.removeAttribute("aria-busy");
  list.querySelectorAll(".skeleton").forEach((one) => one.remove());
  keep(list, page.items, (job) => job.id, make, fill);
  show(list, page.items.length > 0);
  show(byId("jobs-empty"), page.items.length === 0);
  if (!page.items.length) {
    if (status) sayEmpty(t("jobs.none-so.title"), t("jobs.none-so.text"), t("jobs.all"), "/jobs");
    else sayEmpty(t("jobs.none.title"), t("jobs.none.text"), t("jobs.none.link"), "/");
  }
  const last = page.offset + page.items.length;
  show(byId("pages"), page.total > PAGE);
  say(byId("range"), t("jobs.range", { first: page.offset + 1, last, total: page.total }));
  byId("newer").disabled = page.offset === 0;
  byId("older").disabled = last >= page.total;
}

function sayEmpty(title, text, link, href) {
  show(list, false);
  show(byId("jobs-empty"), true);
  say(byId("jobs-empty-title"), title);
  say(byId("jobs-empty-text"), text);
  say(byId("jobs-empty-link"), link);
  byId("jobs-empty-link").href = href;
}

function make(job) {
  const parts = {
    status: h("span", { class: "chip" }),
    title: h("a", { class: "job-title", href: `/jobs/${job.id}`, dir: "auto" }),
    names: h("span", { class: "names" }),
    created: h("time", { datetime: job.created_at, title: exactly(job.created_at) }, when(job.created_at)),
    facts: h("p", { class: "job-facts" }, h("span"), h("span"), h("span")),
    progress: makeProgress(),
    reason: h("p", { class: "reason" }),
    cancel: h("button", { type: "button", class: "quiet" }, t("job.cancel")),
    resubmit: h("button", { type: "button" }, t("job.resubmit")),
  };
  const element = h(
    "li",
    { class: "job" },
    h("p", { class: "job-state" }, parts.status, parts.created),
    h("div", { class: "job-what" }, parts.title, parts.names, parts.reason, parts.progress),
    parts.facts,
    h("div", { class: "job-ends" }, parts.cancel, parts.resubmit),
  );
  element.parts = parts;
  parts.cancel.addEventListener("click", async () => {
    if (await cancel(element.job, parts.title.textContent)) looking.now();
  });
  parts.resubmit.addEventListener("click", async () => {
    const fresh = await resubmit(element.job);
    if (!fresh) return;
    toast(t("resubmit.done"), { text: t("submitted.job"), do: () => location.assign(`/jobs/${fresh.id}`) });
    looking.now();
  });
  return element;
}

function fill(element, job) {
  const { parts } = element;
  const known = details.get(job.id);
  const detail = known?.status === job.status ? known : null;
  element.job = job;
  fillStatus(parts.status, job.status);
  say(parts.title, known ? titleOf(known) : job.id);
  if (known && !parts.names.childElementCount) {
    const names = castNames(known);
    parts.names.replaceWith(names);
    parts.names = names;
  }
  factsOf(job, detail).forEach((fact, place) => say(parts.facts.children[place], fact));
  show(parts.progress, isActive(job) && detail !== null);
  if (detail && isActive(job)) fillProgress(parts.progress, detail);
  show(parts.reason, job.status === "failed");
  say(parts.reason, detail?.error_message ?? "");
  show(parts.cancel, isActive(job));
  parts.cancel.setAttribute("aria-disabled", String(job.status !== "pending"));
  parts.cancel.setAttribute("aria-label", t("job.cancel.of", { title: parts.title.textContent }));
  show(parts.resubmit, job.status === "failed" || job.status === "cancelled");
  parts.resubmit.setAttribute("aria-label", t("job.resubmit.of", { title: parts.title.textContent }));
}

function factsOf(job, detail) {
  const heard = detail?.result_metadata?.duration_ms;
  return [
    detail ? t("count.lines", { n: detail.progress.turns_total }) : "",
    heard ? t("job.heard", { time: clock(heard) }) : "",
    detail?.elapsed_ms != null ? t("job.took", { time: duration(detail.elapsed_ms) }) : "",
  ];
}

/** A change of status is read out. */
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

function goTo({ status, offset }) {
  const query = new URLSearchParams();
  if (status) query.set("status", status);
  if (offset) query.set("offset", String(offset));
  history.pushState(null, "", query.size ? `/jobs?${query}` : "/jobs");
  return looking.now();
}

byId("filter").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  goTo({ status: link.dataset.status, offset: 0 });
});
byId("jobs-empty-link").addEventListener("click", (event) => {
  if (event.currentTarget.getAttribute("href") !== "/jobs") return;
  event.preventDefault();
  goTo({ status: "", offset: 0 });
});
byId("newer").addEventListener("click", () => turnPage(-PAGE));
byId("older").addEventListener("click", () => turnPage(PAGE));
window.addEventListener("popstate", () => looking.now());

async function turnPage(by) {
  await goTo({ status: asked().status, offset: Math.max(0, shown.offset + by) });
  window.scrollTo(0, 0);
  announce(byId("range").textContent);
}

const looking = keepLooking(look, EVERY_MS);
