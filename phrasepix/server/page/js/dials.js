// The model and how far the best are spread.

import { byId, el } from "/page/js/dom.js";
import { put } from "/page/js/search_state.js";

/** The two controls; `search` holds what is asked. */
export class Dials {
  constructor(search, models) {
    this.search = search;
    const reading = models.filter((model) => model.reads_texts);
    this.names = reading.map((model) => model.name);
    this.usual = models.find((model) => model.is_default).name;
    byId("model").replaceChildren(el("option", { value: "" }),
      ...reading.map(({ name, is_at_hand: isAtHand }) => el("option", { value: name, text: isAtHand ? name : `${name} (to be prepared)` })));
    byId("model").addEventListener("change", ({ target }) => search.again((request) => put(request, "model", target.value || undefined)));
    byId("diverse").addEventListener("change", ({ target }) => search.again((request) => put(request, "diverse", Number(target.value) || undefined)));
    byId("diverse").addEventListener("input", ({ target }) => this.#say(Number(target.value)));
  }

  /** Show a request, and the model that ranked its results where none was named: the sample has one of its own. */
  show({ model = "", diverse = 0 }, results = null) {
    const select = byId("model");
    select.options[0].text = `${(!model && results?.model) || this.usual} (default)`;
    if (model && !this.names.includes(model)) {
      this.names.push(model);
      select.append(el("option", { value: model, text: model }));
    }
    select.value = model;
    byId("diverse").value = diverse;
    this.#say(diverse);
  }

  #say(diverse) {
    byId("diverse").setAttribute("aria-valuetext", diverse === 0 ? "0, the plain order" : diverse === 1 ? "1, as different as can be" : String(diverse));
    byId("diverse").title = diverse ? `diverse ${diverse}` : "the plain order";
  }
}
