// What is asked, what came of it, and the address that holds both.

import { get } from "/page/js/api.js";
import { button, byId, el, listed, webAddress } from "/page/js/dom.js";
import { flagOf } from "/page/js/filters.js";
import { forgetAnswers, identityOf, remembered, run } from "/page/js/search.js";
import { fromQuery, isAsked, nothingAsked, put, shownIn, toQuery, valueIn } from "/page/js/search_state.js";
import { firstVisit, noState, nothingFound, problemState } from "/page/js/states.js";
import { notesOf, showBegin, showNotes, showProgress, showRest, showSummary } from "/page/js/status.js";
import { icon } from "/page/js/icons.js";

const PATIENCE_MS = 600;
const MORE = 10;

/** The one search of the page; `projectFolder()` is the folder whose pictures count as used before. */
export class Searching {
  constructor(projectFolder) {
    this.projectFolder = projectFolder;
    this.state = nothingAsked();
    this.results = null;
    this.notices = [];
    this.running = null;
    this.waiting = null;
    this.titles = new Map();
    window.addEventListener("popstate", () => this.restore());
  }

  /** Take what shows the search: `{ask, sources, filters, grid, dials, options}`. */
  showOn(views) {
    this.views = views;
  }

  /** Search what the address says, as on a first visit, a reload or going back. */
  restore() {
    clearTimeout(this.waiting);
    this.state = fromQuery(location.search);
    this.views.ask.forget();
    this.#showControls(null);
    if (isAsked(this.state)) this.#run();
    else this.#showFirst();
  }

  /** Change the request without searching. */
  change(change) {
    change(this.state.request);
    this.#showControls(this.results);
  }

  /**
   * Change the request and search again, if a search was asked for (or `isNew`). Steps that steered it are taken again
   * unless the question is new. With `patiently` a moment passes first, for whoever changes several things.
   */
  again(change, { isNew = false, patiently = false } = {}) {
    const before = this.state.request.phrase;
    change(this.state.request);
    if (isNew && this.state.request.phrase !== before) this.state.steps = [];
    this.state.extra = 0;
    this.#showControls(this.results);
    if (!isNew && !isAsked(this.state)) return;
    if (!isNew && !this.results && !this.running && document.body.classList.contains("first-visit")) return;
    clearTimeout(this.waiting);
    if (patiently) this.waiting = setTimeout(() => this.#go(), PATIENCE_MS);
    else this.#go();
  }

  /** Ask something else altogether. */
  ask(request) {
    this.state = { request, steps: [], extra: 0 };
    this.#showControls(null);
    this.#go();
  }

  /** Steer by a picture: `more` or `less` like it (once more takes it back), or `as` the question. */
  steer(kind, match) {
    const of = identityOf(match);
    const { steps } = this.state;
    const cut = steps.findLastIndex((step) => step.kind === "as") + 1;
    const there = steps.findIndex((step, index) => index >= cut && step.of === of);
    const taken = steps.filter((_, index) => index !== there);
    const isTakenBack = there >= 0 && steps[there].kind === kind;
    this.state = { ...this.state, steps: isTakenBack ? taken : [...taken, { kind, of }] };
    this.titles.set(of, match);
    this.#go();
  }

  /** Return what the search was told of a match since the question was last a picture: more or less like it. */
  steeredBy(match) {
    const of = identityOf(match);
    const cut = this.state.steps.findLastIndex((step) => step.kind === "as") + 1;
    return this.state.steps.slice(cut).find((step) => step.of === of)?.kind ?? null;
  }

  /** Show ten more. */
  more() {
    this.state.extra += MORE;
    history.replaceState(null, "", this.#address);
    this.views.grid.expectMore(MORE);
    this.#run({ isMore: true });
  }

  /** Return how a match shows each part of the phrase, which only a search that explains is told. */
  async partsOf(match) {
    const { results } = await run({ request: { ...this.#sent(), explain: true }, steps: [] }, () => {});
    return results.matches.find((one) => identityOf(one) === identityOf(match))?.parts ?? [];
  }

  /** Learn under which names pictures are saved now; null for those that no longer are. */
  learnSaved(names) {
    forgetAnswers();
    for (const match of this.results?.matches ?? []) {
      if (names.has(identityOf(match))) match.used_before = names.get(identityOf(match));
    }
  }

  /** Return the request as it is sent: with the project folder, so that what was used before is marked. */
  #sent() {
    const { request, extra } = this.state;
    return { project: this.projectFolder(), ...request, ...(extra ? { top: shownIn(this.state) } : {}) };
  }

  get #address() {
    const query = toQuery(this.state);
    return query ? `/?${query}` : "/";
  }

  #go() {
    clearTimeout(this.waiting);
    if (this.#address !== location.pathname + location.search) history.pushState(null, "", this.#address);
    if (isAsked(this.state)) this.#run();
    else this.#showFirst();
  }

  async #run({ isMore = false } = {}) {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const { views } = this;
    const state = { request: this.#sent(), steps: this.state.steps };
    const phrase = state.request.phrase ?? "";
    document.body.classList.remove("first-visit");
    document.title = phrase ? `${phrase} · phrasepix` : "phrasepix";
    const expected = shownIn(this.state);
    this.#leaveEnd();
    views.grid.stopWaiting();
    noState();
    this.notices = [];
    const known = remembered(state);
    if (!known) {
      showBegin(state.steps.length ? "Ranking again …" : "Searching …");
      const isSteered = this.results !== null && views.grid.cards.length > 0 && state.steps.length > 0;
      if (!isMore && !isSteered) views.grid.expect(expected);
      document.body.classList.add("is-searching");
    }
    try {
      const { results, lost } = known ? { results: known, lost: [] } : await run(state, (event, data) => {
        if (this.running !== running) return;
        if (event === "progress") showProgress(data);
        else if (event === "notice") this.notices.push(data);
        else if (event === "results" && !isMore) this.#showInterim(data, expected);
      }, running.signal);
      if (this.running !== running) return;
      this.#showFinal(results, lost);
    } catch (error) {
      if (this.running !== running || error.name === "AbortError") return;
      this.#showProblem(error);
    } finally {
      if (this.running === running) {
        this.running = null;
        document.body.classList.remove("is-searching");
        showRest();
        this.#learnBudgets();
      }
    }
  }

  #showInterim(results, expected) {
    this.#learnTitles(results);
    if (results.matches.length) this.views.grid.show(results, { isFinal: false, expected });
    this.views.ask.show(this.state.request, results);
  }

  #showFinal(results, lost) {
    this.results = results;
    this.#learnTitles(results);
    this.#showControls(results);
    if (results.matches.length) {
      this.views.grid.show(results, { isFinal: true, expected: results.matches.length });
    } else {
      this.views.grid.clear();
      nothingFound(results, this.#narrowing(), {
        titleOf: (name) => this.views.sources.titleOf(name),
        onFilters: () => this.views.filters.open(),
        onWithoutFilters: () => this.again((request) => { delete request.filters; delete request.unused; }),
        onTag: () => byId("tags").querySelector("input").focus(),
      });
    }
    showSummary(results, (name) => this.views.sources.titleOf(name));
    showNotes(notesOf(results, (name) => this.views.sources.titleOf(name), lost));
    this.#showEnd(results);
  }

  #showProblem(error) {
    this.results = null;
    this.views.grid.clear();
    this.#showControls(null);
    byId("summary").replaceChildren("");
    const problem = error.told ? error : Object.assign(error, { told: {}, kind: "unforeseen", status: 0 });
    const others = this.notices.filter(({ text }) => !text.includes(problem.message));
    showNotes(others.filter(({ source }) => !source).map(({ text }) => ({ kind: "notice", text })));
    problemState(problem, this.views.sources.known, {
      others: others.filter(({ source }) => source).map(({ text }) => text), asked: this.views.sources.askedBy(this.state.request), isOffline: Boolean(this.state.request.offline),
      onAgain: () => this.#run(),
      onOffline: () => this.again((request) => put(request, "offline", true)),
      onOnline: () => this.again((request) => put(request, "offline", undefined)),
      onSample: () => this.again((request) => { request.source = ["sample"]; }),
      onWithout: (names) => this.again((request) => { request.source = this.views.sources.askedBy(request).filter((name) => !names.includes(name)); }),
    });
    if (error.name !== "Problem") throw error; // a mistake of the page's own stands in the console, too
  }

  #showFirst() {
    this.running?.abort();
    this.running = null;
    this.results = null;
    document.body.classList.add("first-visit");
    document.body.classList.remove("is-searching");
    document.title = "phrasepix";
    this.views.grid.clear();
    this.#leaveEnd();
    showRest();
    byId("summary").replaceChildren("");
    showNotes([]);
    this.#showControls(null);
    firstVisit(this.views.sources.known, { onTry: (phrase, tag) => this.ask({ phrase, tag: [tag], source: ["sample"] }) });
  }

  #showControls(results) {
    const { request } = this.state;
    this.views.ask.show(request, results);
    this.views.sources.show(request, results);
    this.views.filters.show(request);
    this.views.dials.show(request, results);
    this.#showSteered();
  }

  #showSteered() {
    const chips = this.state.steps.map((step, index) => {
      const match = this.titles.get(step.of);
      const title = match?.title || match?.tags?.join(", ") || step.of;
      const words = { more: "More like", less: "Less like", as: "Asked with" }[step.kind];
      const drop = () => {
        this.state = { ...this.state, steps: this.state.steps.toSpliced(index, 1) };
        this.#go();
      };
      return el("span", { class: `chip steer ${step.kind}` },
        match?.picture_url ? el("img", { src: webAddress(match.picture_url), alt: "", width: "24", height: "24" }) : icon("picture"), el("span", { class: "chip-word" }, `${words} `, el("bdi", { text: title })),
        button("", { class: "chip-drop", "aria-label": `No longer ${words.toLowerCase()} ${title}`, on: { click: drop } }, icon("close")));
    });
    byId("steered").replaceChildren(...chips);
  }

  #learnTitles(results) {
    for (const match of results.matches) {
      if (this.state.steps.some((step) => step.of === identityOf(match))) this.titles.set(identityOf(match), match);
    }
  }

  #narrowing() {
    const { request } = this.state;
    return this.views.options.filter((option) => (option.name.startsWith("filters.") && !["filters.language", "filters.order"].includes(option.name)) || option.name === "unused")
      .filter((option) => valueIn(request, option.name) !== undefined).map((option) => `${flagOf(option)}${option.kind === "boolean" ? "" : ` ${[valueIn(request, option.name)].flat().join(" ")}`}`);
  }

  #leaveEnd() {
    byId("more").replaceChildren();
    byId("foot").replaceChildren();
  }

  #showEnd(results) {
    const { grid } = this.views;
    if (results.matches.length >= shownIn(this.state) && results.pool_size > results.matches.length) {
      const load = button("Load more", { class: "quiet wide", on: { click: () => { const next = grid.cards.length; this.more(); this.focusOnArrival = next; } } });
      byId("more").replaceChildren(load);
    }
    if (this.focusOnArrival !== undefined) {
      grid.cards[this.focusOnArrival]?.look.focus({ preventScroll: true });
      delete this.focusOnArrival;
    }
    const mentions = this.views.sources.known.filter((source) => results.sources.includes(source.name));
    if (results.matches.length) {
      byId("foot").replaceChildren(el("p", {}, listed(mentions.map((source) => source.mention).filter(Boolean))),
        el("p", { text: "The bar says how far a picture stands out from what everyday phrases find here: clear, fair or weak. The score orders these pictures; it is no grade." }));
    }
  }

  async #learnBudgets() {
    try {
      this.views.sources.learn(await get("/sources"));
      this.views.sources.show(this.state.request, this.results);
    } catch {
      // The search has said what is wrong; what is shown of the sources stays.
    }
  }
}
