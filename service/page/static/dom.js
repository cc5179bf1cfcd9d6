// Elements: made, found, filled in place, spoken to screen readers. Data becomes text here, never markup.

const base = new URL(".", import.meta.url);

/**
 * The element of an id. Throws TypeError where the template has none of that kind.
 * @template {typeof Element} [K=typeof HTMLElement]
 * @param {string} id
 * @param {K} [kind]
 * @returns {InstanceType<K>}
 */
export function byId(id, kind) {
  return the(document.getElementById(id), kind, `#${id}`);
}

/**
 * The first element within another that a selector finds. Throws TypeError where there is none of that kind.
 * @template {typeof Element} [K=typeof HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {K} [kind]
 * @returns {InstanceType<K>}
 */
export function within(parent, selector, kind) {
  return the(parent.querySelector(selector), kind, selector);
}

/**
 * @template {typeof Element} K
 * @param {Element | null} element
 * @param {K | undefined} kind
 * @param {string} name
 */
function the(element, kind, name) {
  if (!(element instanceof (kind ?? HTMLElement))) throw new TypeError(`no ${name}`);
  return /** @type {InstanceType<K>} */ (element);
}

/**
 * An element with attributes, listeners (`onclick`) and children; strings become text.
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {Record<string, unknown>} [attributes]
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[N]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/**
 * One of our icons; what it means must stand beside it or in a label.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${base.pathname}icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Sets the text of an element if it differs, so that nothing moves and nothing is read out again.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Shows or hides an element.
 * @param {HTMLElement} element
 * @param {boolean} visible
 */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/**
 * Reads a sentence out to those who do not see the page change.
 * @param {string} text
 */
export function announce(text) {
  say(byId("live"), text);
}

/**
 * A sentence at the foot of the page for a while, with something to press if there is.
 * @param {string} text
 * @param {{ text: string, do: () => unknown } | null} [action]
 */
export function toast(text, action = null) {
  const element = h("div", { class: "toast" }, h("p", {}, text));
  const button = action && h("button", { type: "button", onclick: () => element.remove() }, action.text);
  if (button) element.append(button);
  button?.addEventListener("click", () => action?.do());
  byId("toasts").replaceChildren(element);
  setTimeout(() => element.remove(), action ? 15_000 : 6_000);
}

/** @type {WeakMap<Element, Part<any>["fill"]>} */
const fills = new WeakMap();

/**
 * Makes the children of `list` those of `items`, in their order: known keys keep their element and are filled anew.
 * What has no key, as what stands there while the list is loading, goes.
 * @template T
 * @param {Element} list
 * @param {readonly T[]} items
 * @param {(item: T) => string | number} keyOf
 * @param {(item: T) => Part<T>} make
 */
export function keep(list, items, keyOf, make) {
  /** @type {Map<string, HTMLElement>} */
  const present = new Map();
  for (const child of [.../** @type {HTMLCollectionOf<HTMLElement>} */ (list.children)]) {
    if (child.dataset.key === undefined) child.remove();
    else present.set(child.dataset.key, child);
  }
  /** @type {Element | null} */
  let before = null;
  items.forEach((item, place) => {
    const key = String(keyOf(item));
    let element = present.get(key);
    if (element) present.delete(key);
    else {
      const part = make(item);
      element = part.element;
      element.dataset.key = key;
      fills.set(element, part.fill);
    }
    fills.get(element)?.(item, place);
    const wanted = before ? before.nextElementSibling : list.firstElementChild;
    if (wanted !== element) list.insertBefore(element, wanted);
    before = element;
  });
  for (const element of present.values()) element.remove();
}

/**
 * `fill`, once calls have stopped for so long; `.now()` does it at once if one is due.
 * @template R
 * @param {() => R} fill
 * @param {number} ms
 * @returns {Calm<R>}
 */
export function calm(fill, ms) {
  /** @type {number | undefined} */
  let timer;
  const now = () => {
    if (timer === undefined) return undefined;
    clearTimeout(timer);
    timer = undefined;
    return fill();
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(now, ms);
  };
  return Object.assign(later, { now });
}

/**
 * The colour of the n-th speaker, as a class.
 * @param {number} place
 */
export const castClass = (place) => `cast-${(place % 6) + 1}`;

/**
 * Opens a dialog; the promise is its return value ("" when it was left). Anything with `data-close` leaves it.
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>}
 */
export function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close(""));
}

/**
 * What of an event's way up a selector finds, or null.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const touched = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

/**
 * Puts text on the clipboard; false where the browser does not let us.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
