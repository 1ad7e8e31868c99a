// Sources as chips: which are asked, whether they are ready, and how often they may still be asked.

import { button, byId, el, link } from "/page/js/dom.js";
import { openDialog } from "/page/js/dialogs.js";
import { icon } from "/page/js/icons.js";
import { addingChip } from "/page/js/chips.js";
import { put } from "/page/js/search_state.js";

/** How far from the edge of its row a chip is put, in pixels. */
const AT_THE_EDGE = 32;

/** The row of sources; `search` holds what is asked. */
export class Sources {
  constructor(search) {
    this.search = search;
    this.known = [];
    this.inView = "";
  }

  /** Take what the server says of its sources. */
  learn(sources) {
    this.known = sources;
  }

  /** Return what people call a source. */
  titleOf(name) {
    return this.known.find((source) => source.name === name)?.title ?? name;
  }

  /** Return the names that a request asks: its own, or the usual ones. */
  askedBy(request) {
    return request.source?.length ? request.source : this.known.filter((source) => source.is_default).map((source) => source.name);
  }

  /** Show the row; results say who failed. */
  show(request, results = null) {
    const asked = this.askedBy(request);
    const failures = new Map((results?.failures ?? []).map((failure) => [failure.source, failure.reason]));
    const folders = asked.filter((name) => !this.known.some((source) => source.name === name));
    const row = byId("sources");
    const focused = document.activeElement?.dataset?.source;
    row.replaceChildren(
      el("span", { class: "lead", text: "Sources" }),
      ...this.known.map((source) => this.#chip(source, asked.includes(source.name), failures.get(source.name))),
      ...folders.map((path) => this.#chip({ name: path, title: path, ready: true }, true, failures.get("folder"))),
      addingChip("folder", { what: "folder of your own pictures", onAdd: (path) => this.#choose([...asked, path]) }));
    if (focused) [...row.querySelectorAll("[data-source]")].find((chip) => chip.dataset.source === focused)?.focus({ preventScroll: true });
    this.#bringIntoView(row, asked.join("\n"));
  }

  /** Where the row is too narrow for all, and others are `asked` than before, scroll to one of them. */
  #bringIntoView(row, asked) {
    if (asked === this.inView) return;
    this.inView = asked;
    const scroller = row.parentElement;
    const chips = [...row.querySelectorAll('[aria-pressed="true"]')];
    const isSeen = ({ offsetLeft: left, offsetWidth: wide }) => left >= scroller.scrollLeft && left + wide <= scroller.scrollLeft + scroller.clientWidth;
    if (chips.length && !chips.some(isSeen)) scroller.scrollLeft = chips[0].offsetLeft - AT_THE_EDGE;
  }

  #chip(source, isAsked, failure) {
    const notes = [];
    if (!source.ready) notes.push(icon("key"));
    else if (failure) notes.push(icon("warning"));
    const left = budgetLeft(source.budget);
    if (source.ready && left) notes.push(el("span", { class: "note", text: left.short }));
    const said = [source.title, !source.ready && "not ready", failure && "did not answer", left?.long].filter(Boolean).join(", ");
    return button("", {
      class: `chip source${failure ? " failed" : ""}${source.ready ? "" : " unready"}`, "data-source": source.name, "aria-label": said,
      "aria-pressed": source.ready ? String(isAsked) : null, "aria-haspopup": source.ready ? null : "dialog",
      title: [failure, left?.long, source.mention].filter(Boolean).join("\n"),
      on: { click: () => (source.ready ? this.#toggle(source.name) : explainSource(source)) },
    }, source.ready && el("span", { class: "dot", "aria-hidden": "true" }), el("bdi", { text: source.title }), ...notes);
  }

  #toggle(name) {
    const asked = this.askedBy(this.search.state.request);
    const others = asked.filter((one) => one !== name);
    if (others.length === asked.length) this.#choose([...asked, name]);
    else if (others.length) this.#choose(others);
    else this.show(this.search.state.request, this.search.results); // the last one stays: somebody must be asked
  }

  #choose(names) {
    const usual = this.known.filter((source) => source.is_default).map((source) => source.name);
    const isUsual = usual.length === names.length && usual.every((name) => names.includes(name));
    this.search.again((request) => {
      delete request.source;
      put(request, "source", isUsual ? [] : names);
    }, { patiently: true });
  }
}

/** Say in a dialog what a source needs, and where to get it. */
export function explainSource(source) {
  openDialog(source.title, "small",
    el("p", { text: source.why_not || "It is not ready.", dir: "auto" }),
    source.key_from && el("p", {}, "A key is free of charge: ", link(source.key_from, source.key_from)),
    el("p", { class: "soft", text: "Keys are entered in the environment or the config file, never in this page. Start phrasepix serve again afterwards." }));
}

function budgetLeft(budget) {
  if (!budget || typeof budget.remaining !== "number") return null;
  const until = budget.resets_at ? `; anew at ${clock(budget.resets_at)}` : "";
  return { short: `${budget.remaining} left`, long: `${budget.remaining} of ${budget.limit} requests left${until}` };
}

/** Say a moment as people do: the time, with the day if it is not today's. */
export function clock(when) {
  const date = typeof when === "number" ? new Date(when * 1000) : new Date(when);
  if (Number.isNaN(date.getTime())) return String(when);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === new Date().toDateString() ? time : `${time} on ${date.toLocaleDateString()}`;
}
