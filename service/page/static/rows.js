// The same dialogue by hand: a row for each line, to be added, moved and taken out.

import { byId, castClass, h, icon, say, show } from "./dom.js";
import { t } from "./words.js";

const list = byId("rows");

/** The rows. `changed()` is called whenever they do. */
export function makeRows(changed) {
  byId("add-row").addEventListener("click", () => {
    const speakers = [...list.children].map(speakerIn);
    list.append(makeRow({ speaker: speakers.at(-2) ?? "", text: "" }));
    settle();
    const row = list.lastElementChild;
    row.querySelector(speakerIn(row) ? "textarea" : "input").focus();
  });
  list.addEventListener("input", (event) => {
    event.target.removeAttribute("aria-invalid");
    settle();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button) return;
    const row = button.closest("li");
    const { do: what } = button.dataset;
    if (what === "up" && row.previousElementSibling) row.previousElementSibling.before(row);
    if (what === "down" && row.nextElementSibling) row.nextElementSibling.after(row);
    if (what === "remove") {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (next?.querySelector("[data-do=remove]") ?? byId("add-row")).focus();
    } else button.focus();
    settle();
  });

  function settle() {
    number();
    changed();
  }

  return {
    /** The turns, without rows that are wholly empty. */
    turns() {
      return [...list.children]
        .map((row) => ({ speaker: speakerIn(row), text: textIn(row), row }))
        .filter((turn) => turn.speaker || turn.text.trim());
    },
    /** All rows as they stand, for the draft. */
    all: () => [...list.children].map((row) => ({ speaker: row.querySelector("input").value, text: textIn(row) })),
    set(turns) {
      list.replaceChildren(...(turns.length ? turns : [{ speaker: "", text: "" }]).map(makeRow));
      number();
    },
    /** Marks what is missing; answers the first field with a mistake. */
    check() {
      for (const { speaker, text, row } of this.turns()) {
        mark(row.querySelector("input"), !speaker);
        mark(row.querySelector("textarea"), !text.trim());
      }
      return list.querySelector("[aria-invalid=true]");
    },
    focus: () => list.querySelector("input")?.focus(),
  };
}

const speakerIn = (row) => row.querySelector("input").value.trim();
const textIn = (row) => row.querySelector("textarea").value;

function mark(field, wrong) {
  if (wrong) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function makeRow({ speaker, text }) {
  const row = h(
    "li",
    {},
    h("span", { class: "row-number", "aria-hidden": "true" }),
    h("input", { list: "names", maxlength: 50, placeholder: t("rows.speaker"), autocomplete: "off", spellcheck: "false" }),
    h("textarea", { rows: 1, placeholder: t("rows.text"), spellcheck: "false" }),
    h("div", { class: "row-ends" }, ...["up", "down", "remove"].map(button)),
  );
  row.querySelector("input").value = speaker;
  row.querySelector("textarea").value = text;
  return row;
}

const button = (what) =>
  h("button", { type: "button", class: "quiet round", "data-do": what }, icon(what === "remove" ? "close" : what));

/** Numbers, colours, names to choose from, and labels that say which row a field is of. */
function number() {
  const rows = [...list.children];
  const speakers = [...new Set(rows.map(speakerIn).filter(Boolean))];
  rows.forEach((row, place) => {
    const n = place + 1;
    const cast = speakers.indexOf(speakerIn(row));
    row.className = cast < 0 ? "" : castClass(cast);
    say(row.firstElementChild, String(n));
    row.querySelector("input").setAttribute("aria-label", t("rows.speaker.of", { n }));
    row.querySelector("textarea").setAttribute("aria-label", t("rows.text.of", { n }));
    for (const one of row.querySelectorAll("button")) {
      one.setAttribute("aria-label", t(`rows.${one.dataset.do}`, { n }));
    }
    row.querySelector("[data-do=up]").disabled = place === 0;
    row.querySelector("[data-do=down]").disabled = place === rows.length - 1;
  });
  byId("names").replaceChildren(...speakers.map((name) => h("option", { value: name })));
  show(byId("rows"), rows.length > 0);
}
