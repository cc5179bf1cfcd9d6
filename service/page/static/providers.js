// The voice services: a card for each, with what it can do or what it lacks; one is chosen.

import { Away, call } from "./api.js";
import { byId, h } from "./dom.js";
import { t, tOr } from "./words.js";

/** How soon a server that is away is asked again, in milliseconds. */
const AWAY_MS = 3_000;

/** Where this browser keeps which provider was chosen last. */
const KEY = "readthrough.provider";

const place = byId("providers");

/**
 * The providers. `chosen(provider)` is called when there is another one, `byHand` when a person did it.
 * @param {{ chosen: (provider: ProviderBody) => void, byHand: () => void }} tell
 */
export function makeProviders({ chosen, byHand }) {
  /** @type {ProviderBody[]} */
  let all = [];
  /** @type {ProviderBody | null} */
  let now = null;

  /** Asks for them until there is an answer, and chooses the one of last time or the first. Throws Refused. */
  async function load() {
    all = await ask();
    place.replaceChildren(...all.map(card));
    const usable = all.filter((one) => one.configured);
    const first = usable.find((one) => one.name === localStorage.getItem(KEY)) ?? usable[0];
    if (first) choose(first);
  }

  /** @param {ProviderBody} one */
  function card(one) {
    const radio = h("input", { type: "radio", name: "provider", value: one.name, disabled: !one.configured });
    radio.addEventListener("change", () => {
      localStorage.setItem(KEY, one.name);
      choose(one);
      byHand();
    });
    const missing = { names: one.missing_settings.join(", ") };
    const state = h("small", {}, one.configured ? abilities(one) : t("provider.missing", missing));
    const name = h("b", {}, tOr(`provider.${one.name}`, one.name));
    const note = tOr(`provider.${one.name}.note`, "");
    const words = [name, state, ...(note ? [h("small", {}, note)] : [])];
    return h("label", { class: "provider" }, radio, h("span", { class: "provider-words" }, ...words));
  }

  /** @param {ProviderBody} one */
  function choose(one) {
    now = one;
    for (const radio of place.querySelectorAll("input")) radio.checked = radio.value === one.name;
    chosen(one);
  }

  return {
    load,
    get now() {
      return now;
    },
    /**
     * Chooses one by its name, if it can be used.
     * @param {string | null | undefined} name
     */
    prefer(name) {
      const wanted = all.find((one) => one.name === name && one.configured);
      if (wanted) choose(wanted);
    },
  };
}

/** @returns {Promise<ProviderBody[]>} */
async function ask() {
  for (;;) {
    try {
      return (await call("GET", "/providers")).items;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    }
  }
}

/** @param {ProviderBody} one */
function abilities(one) {
  return [
    t(`mode.${one.synthesis_mode}`),
    t("provider.speakers", { n: one.max_speakers }),
    t("provider.characters", { n: one.character_limit }),
    ...one.advanced_features.map((feature) => tOr(`feature.${feature}`, feature)),
  ].join(" · ");
}
