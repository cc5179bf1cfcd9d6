// The same dialogue by hand: a row for each line, to be added, moved and taken out.

import { byId, castClass, h, icon, say, show, touched, within } from "./dom.js";
import { t } from "./words.js";

const list = byId("rows");

const rows = () => [.../** @type {HTMLCollectionOf<HTMLElement>} */ (list.children)];
/** @param {Element} row */
const speakerField = (row) => within(row, "input", HTMLInputElement);
/** @param {Element} row */
const textField = (row) => within(row, "textarea", HTMLTextAreaElement);
/** @param {Element} row */
const speakerIn = (row) => speakerField(row).value.trim();

/**
 * The rows. `changed()` is called whenever they do.
 * @param {() => void} changed
 */
export function makeRows(changed) {
  byId("add-row").addEventListener("click", () => {
    const speakers = rows().map(speakerIn);
    const row = makeRow({ speaker: speakers.at(-2) ?? "", text: "" });
    list.append(row);
    settle();
    (speakerIn(row) ? textField(row) : speakerField(row)).focus();
  });
  list.addEventListener("input", (event) => {
    touched(event, "[aria-invalid]")?.removeAttribute("aria-invalid");
    settle();
  });
  list.addEventListener("click", (event) => {
    const button = touched(event, "button[data-do]");
    const row = button?.closest("li");
    if (!button || !row) return;
    const { do: what } = button.dataset;
    if (what === "up") row.previousElementSibling?.before(row);
    if (what === "down") row.nextElementSibling?.after(row);
    if (what === "remove") {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (next ? within(next, "[data-do=remove]") : byId("add-row")).focus();
    } else button.focus();
    settle();
  });

  function settle() {
    number();
    changed();
  }

  return {
    /**
     * The lines, without rows that are wholly empty.
     * @returns {Row[]}
     */
    turns: () =>
      rows()
        .map((row) => ({ speaker: speakerIn(row), text: textField(row).value }))
        .filter((turn) => turn.speaker || turn.text.trim()),
    /**
     * All rows as they stand, for the draft.
     * @returns {Row[]}
     */
    all: () => rows().map((row) => ({ speaker: speakerField(row).value, text: textField(row).value })),
    /** @param {Row[]} turns */
    set(turns) {
      list.replaceChildren(...(turns.length ? turns : [{ speaker: "", text: "" }]).map(makeRow));
      number();
    },
    /** Marks what is missing; answers the first field with a mistake. */
    check() {
      for (const row of rows()) {
        const isEmpty = !speakerIn(row) && !textField(row).value.trim();
        mark(speakerField(row), !isEmpty && !speakerIn(row));
        mark(textField(row), !isEmpty && !textField(row).value.trim());
      }
      return list.querySelector("[aria-invalid=true]") ? within(list, "[aria-invalid=true]") : null;
    },
    focus: () => list.querySelector("input")?.focus(),
  };
}

/**
 * @param {Element} field
 * @param {boolean} wrong
 */
function mark(field, wrong) {
  if (wrong) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

/** @param {Row} of */
function makeRow({ speaker, text }) {
  const row = h(
    "li",
    {},
    h("span", { class: "row-number", "aria-hidden": "true" }),
    h("input", { list: "names", maxlength: 50, placeholder: t("rows.speaker"), autocomplete: "off", spellcheck: "false" }),
    h("textarea", { rows: 1, placeholder: t("rows.text"), spellcheck: "false" }),
    h("div", { class: "row-ends" }, ...["up", "down", "remove"].map(rowButton)),
  );
  speakerField(row).value = speaker;
  textField(row).value = text;
  return row;
}

/** @param {string} what */
const rowButton = (what) =>
  h("button", { type: "button", class: "quiet round", "data-do": what }, icon(what === "remove" ? "close" : what));

/** Numbers, colours, names to choose from, and labels that say which row a field is of. */
function number() {
  const all = rows();
  const speakers = [...new Set(all.map(speakerIn).filter(Boolean))];
  all.forEach((row, place) => {
    const n = place + 1;
    const cast = speakers.indexOf(speakerIn(row));
    row.className = cast < 0 ? "" : castClass(cast);
    say(within(row, ".row-number"), String(n));
    speakerField(row).setAttribute("aria-label", t("rows.speaker.of", { n }));
    textField(row).setAttribute("aria-label", t("rows.text.of", { n }));
    for (const one of row.querySelectorAll("button")) {
      one.setAttribute("aria-label", t(`rows.${one.dataset.do}`, { n }));
    }
    within(row, "[data-do=up]", HTMLButtonElement).disabled = place === 0;
    within(row, "[data-do=down]", HTMLButtonElement).disabled = place === all.length - 1;
  });
  byId("names").replaceChildren(...speakers.map((name) => h("option", { value: name })));
  show(list, all.length > 0);
}
