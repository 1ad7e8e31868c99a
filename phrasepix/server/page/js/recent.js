// Recent searches, which the server lists if it was not told to keep none.

import { get, remove } from "/page/js/api.js";
import { button, byId, el } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";
import { openDialog } from "/page/js/dialogs.js";
import { toast, trying } from "/page/js/say.js";
import { toQuery } from "/page/js/search_state.js";

/** The button and its dialog; `onChoose(request)` searches again. */
export class Recent {
  constructor(onChoose) {
    this.onChoose = onChoose;
    byId("recent").append(icon("clock"), el("span", { class: "wide-only", text: "Recent" }));
    byId("recent").setAttribute("aria-label", "Recent searches");
    byId("recent").addEventListener("click", () => trying(() => this.open()));
  }

  /** Open the list. */
  async open() {
    const answer = await get("/history");
    if (!answer.enabled) {
      openDialog("Recent searches", "small", el("p", { text: "phrasepix serve was started so that it lists none." }));
      return;
    }
    const searches = [...new Map(answer.searches.map(({ request }) => asked(request)).map((request) => [toQuery({ request, steps: [] }), request])).values()];
    const list = el("ul", { class: "recent-list" }, ...searches.map((request) => this.#entry(request)));
    const dialog = openDialog("Recent searches", "small", searches.length ? list : el("p", { class: "soft", text: "None yet." }),
      searches.length ? button("Forget them all", { class: "text", on: { click: () => trying(async () => { await remove("/history"); dialog.close(); toast("Recent searches are forgotten."); }) } }) : null,
      el("p", { class: "soft", text: "They are kept by the server as long as it runs. Start it with --no-history to keep none." }));
    dialog.addEventListener("click", (event) => event.target.closest("[data-recent]") && dialog.close());
  }

  #entry(request) {
    const { phrase, like, tag, source } = request;
    const words = phrase || (like ? "a picture" : "");
    const more = [tag?.length && `tag ${[tag].flat().join(", ")}`, source && [source].flat().join(", ")].filter(Boolean).join(" · ");
    return el("li", {}, button("", { "data-recent": toQuery({ request, steps: [] }), class: "recent-entry", on: { click: () => this.onChoose(request) } }, el("bdi", { text: words }), more ? el("span", { class: "soft", text: more }) : null));
  }
}

/** Return what a person asked for in a request: neither where the page said to look for saved ones, nor what it asked to know besides. */
function asked({ project, explain, top, refined, more_like: moreLike, ...request }) {
  return request;
}
