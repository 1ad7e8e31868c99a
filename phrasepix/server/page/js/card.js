// One picture on the page, with its number, fit and credit, and what can be done with it.

import { creditOf, shownBy } from "/page/js/credit.js";
import { button, counted, el, webAddress } from "/page/js/dom.js";
import { fitBar } from "/page/js/fit.js";
import { icon } from "/page/js/icons.js";
import { identityOf } from "/page/js/search.js";

/** A card. `acts` is what it does: `{look, pick, more, less, alike}`, each told the match. */
export class Card {
  constructor(acts) {
    this.acts = acts;
    this.match = null;
    this.isSettled = false;
    this.image = el("img", { alt: "", decoding: "async" });
    this.image.addEventListener("load", () => this.frame.classList.add("has-picture"));
    this.image.addEventListener("error", () => this.frame.classList.add("has-none"));
    this.image.addEventListener("dragstart", (event) => this.#drag(event));
    this.look = button("", { class: "look", on: { click: () => this.acts.look(this.match) } }, this.image);
    this.number = el("span", { class: "number", "aria-hidden": "true" });
    this.pick = act("pick", "check", "Pick (space)", () => this.acts.pick(this.match));
    this.more = act("more-like", "plus", "More like this (m)", () => this.acts.more(this.match));
    this.less = act("less-like", "minus", "Less like this (x)", () => this.acts.less(this.match));
    this.badge = el("span", { class: "badge" });
    this.frame = el("div", { class: "frame" }, this.look, this.number,
      el("div", { class: "acts" }, this.more, this.less, this.pick), this.badge);
    this.words = el("div", { class: "words" });
    this.element = el("li", { class: "card" }, this.frame, this.words);
    this.element.card = this;
  }

  get identity() {
    return this.match === null ? null : identityOf(this.match);
  }

  /** Show a match; `marks` says what a person has done with it: `{picked, more, less}`. */
  show(match, marks, { isFinal }) {
    const isNew = this.match === null || identityOf(match) !== identityOf(this.match);
    this.match = match;
    this.isSettled = isFinal;
    const source = webAddress(match.picture_url);
    if (source !== null && (isNew || (isFinal && !this.frame.classList.contains("has-picture")))) {
      if (this.image.src !== source) {
        this.frame.classList.remove("has-picture", "has-none");
        this.image.src = source;
      }
    }
    this.number.textContent = match.rank;
    const line = el("div", { class: "fit-line" }, fitBar(match, `how well picture ${match.rank} fits`));
    const from = el("div", { class: "from" });
    if (match.found_by) from.append(el("span", { class: "found-by", text: match.found_by, title: "the tag that found it", dir: "auto" }));
    if (match.siblings.length) {
      from.append(button("", {
        class: "alike", "aria-haspopup": "dialog", "aria-label": `${counted(match.siblings.length, "picture")} like picture ${match.rank}`,
        on: { click: (event) => this.acts.alike(this.match, event.currentTarget) },
      }, `+${match.siblings.length} alike`));
    }
    this.words.replaceChildren(line, el("p", { class: "credit" }, ...creditOf(match)), from);
    this.mark(marks);
  }

  /** Show what a person has done with the picture. */
  mark({ picked, more, less }) {
    const { match } = this;
    const said = [`Picture ${match.rank}`, shownBy(match), match.fit && `${match.fit} fit`, picked && "picked",
      more && "more like this", less && "less like this", match.used_before && "used before"];
    this.look.setAttribute("aria-label", said.filter(Boolean).join(", "));
    for (const [control, on, name] of [[this.pick, picked, "Pick"], [this.more, more, "More like"], [this.less, less, "Less like"]]) {
      control.setAttribute("aria-pressed", String(Boolean(on)));
      control.setAttribute("aria-label", `${name} picture ${match.rank}`);
      control.disabled = !this.isSettled;
    }
    this.badge.textContent = badgeOf(match);
    this.badge.hidden = !this.badge.textContent;
    this.badge.classList.toggle("is-used", Boolean(match.used_before));
    this.badge.title = match.used_before ? `saved before as ${match.used_before}` : "";
    this.element.classList.toggle("is-picked", Boolean(picked));
    this.element.classList.toggle("is-settled", this.isSettled);
  }

  /** Put the card into its box. Only what moves nothing else is used, so that nothing counts as a shift of the page. */
  place({ x, y, width, height }) {
    const { style } = this.element;
    style.setProperty("--x", `${x}px`);
    style.setProperty("--y", `${y}px`);
    style.setProperty("--w", `${width}px`);
    style.setProperty("--h", `${height}px`);
  }

  #drag(event) {
    if (!this.match?.insert || !event.dataTransfer) return;
    event.dataTransfer.setData("text/html", this.match.insert.html); // with its credit, as everything that leaves
    event.dataTransfer.setData("text/plain", this.match.insert.text);
  }
}

/** Return an empty slot with its number. */
export function slot(rank) {
  return el("li", { class: "card slot", "aria-hidden": "true" },
    el("div", { class: "frame" }, el("span", { class: "number", text: rank })),
    el("div", { class: "words" }, el("span", { class: "blank" }), el("span", { class: "blank short" })));
}

function act(name, drawn, title, run) {
  return button("", { class: `act ${name}`, title, "aria-pressed": "false", on: { click: run } }, icon(drawn));
}

function badgeOf(match) {
  if (match.used_before) return "used before";
  if (match.media_type === "video") {
    const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const seconds = Math.round(match.duration_s ?? 0);
    const place = match.frame_at == null ? "" : ` at ${clock(Math.floor(match.frame_at))} of`;
    return seconds ? `video${place} ${clock(seconds)}` : "video";
  }
  return "";
}
