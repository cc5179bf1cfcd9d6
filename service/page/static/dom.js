// Elements: made, filled in place, spoken to screen readers. Data becomes text here, never markup.

const base = new URL(".", import.meta.url);

export const byId = (id) => document.getElementById(id);

/** An element with attributes, listeners (`onclick`) and children; strings become text. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** One of our icons; what it means must stand beside it or in a label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${base.pathname}icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Sets the text of an element if it differs, so that nothing moves and nothing is read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides an element. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Reads a sentence out to those who do not see the page change. */
export function announce(text) {
  say(byId("live"), text);
}

/** A sentence at the foot of the page for a while, with something to press if there is. */
export function toast(text, action = null) {
  const element = h("div", { class: "toast" }, h("p", {}, text));
  const remove = () => element.remove();
  if (action) element.append(h("button", { type: "button", onclick: () => (remove(), action.do()) }, action.text));
  byId("toasts").replaceChildren(element);
  setTimeout(remove, action ? 15_000 : 6_000);
}

/** Makes the children of `list` those of `items`, in their order: known keys keep their element and are filled anew. */
export function keep(list, items, keyOf, make, fill) {
  const present = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let before = null;
  items.forEach((item, place) => {
    const key = String(keyOf(item));
    let element = present.get(key);
    if (element) present.delete(key);
    else {
      element = make(item);
      element.dataset.key = key;
    }
    fill(element, item, place);
    const wanted = before ? before.nextElementSibling : list.firstElementChild;
    if (wanted !== element) list.insertBefore(element, wanted);
    before = element;
  });
  for (const element of present.values()) element.remove();
}

/** `fill`, once calls have stopped for so long; `.now()` does it at once if one is due. */
export function calm(fill, ms) {
  let timer = null;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(later.now, ms);
  };
  later.now = () => {
    if (timer === null) return undefined;
    clearTimeout(timer);
    timer = null;
    return fill();
  };
  return later;
}

/** The colour of the n-th speaker, as a class. */
export const castClass = (place) => `cast-${(place % 6) + 1}`;

/** Opens a dialog; the promise is its return value ("" when it was left). Anything with `data-close` leaves it. */
export function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close(""));
}

/** Puts text on the clipboard; false where the browser does not let us. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
