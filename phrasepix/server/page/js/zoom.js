// A picture large, with all that is known of it.

import { copy } from "/page/js/clipboard.js";
import { creditOf, shownBy } from "/page/js/credit.js";
import { button, counted, el, link, webAddress } from "/page/js/dom.js";
import { fitBar } from "/page/js/fit.js";
import { icon } from "/page/js/icons.js";
import { openDialog } from "/page/js/dialogs.js";
import { trying } from "/page/js/say.js";

/**
 * The dialog. `acts` is what can be done: `{pick, more, less, as, compare}`, `marksOf(match)` what was done. `partsOf(match)` gives
 * in time how the picture shows each part of the phrase, `insertOf(match)` what puts it into a text.
 */
export class Zoom {
  constructor(acts, marksOf, { partsOf, insertOf, sourceTitle }) {
    Object.assign(this, { acts, marksOf, partsOf, insertOf, sourceTitle });
    this.matches = [];
    this.at = 0;
    this.dialog = null;
  }

  /** Whether it is open. */
  get isOpen() {
    return this.dialog !== null;
  }

  /** The match that is shown, or null. */
  get match() {
    return this.isOpen ? this.matches[this.at] : null;
  }

  /** Open it for one of the matches; `onEnd(match)` is told which one was shown last. */
  open(match, matches, onEnd) {
    this.matches = matches;
    this.at = matches.indexOf(match);
    this.body = el("div", { class: "zoom-body" });
    this.dialog = openDialog("Picture", "zoom", this.body);
    this.dialog.addEventListener("close", () => {
      const last = this.match;
      this.dialog = null;
      onEnd(last);
    });
    this.#draw();
    this.#focus("pick"); // not what closes it, which a space would do
  }

  /** Show the next match, or the one before. */
  step(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.matches.length) return;
    this.at = to;
    this.#draw();
  }

  /** Show anew what was done. */
  remark() {
    if (this.isOpen) this.#drawActs();
  }

  /** Close it. */
  close() {
    this.dialog?.close();
  }

  #draw() {
    const { match } = this;
    const focused = document.activeElement?.dataset?.act;
    this.dialog.querySelector("h2").textContent = `${match.rank}. ${shownBy(match)}`;
    const image = el("img", {
      alt: shownBy(match), src: webAddress(match.zoom_url) ?? webAddress(match.picture_url), width: match.width || null, height: match.height || null,
    });
    const before = button("", { class: "icon step before", "aria-label": "Previous picture (left arrow)", disabled: this.at === 0, on: { click: () => this.step(-1) } }, icon("left"));
    const after = button("", { class: "icon step after", "aria-label": "Next picture (right arrow)", disabled: this.at === this.matches.length - 1, on: { click: () => this.step(1) } }, icon("right"));
    this.actions = el("div", { class: "zoom-acts" });
    const parts = el("div", { class: "parts" });
    this.body.replaceChildren(
      el("div", { class: "stage" }, before, image, after),
      el("div", { class: "facts" },
        el("div", { class: "fit-line large" }, fitBar(match, "how well it fits"), match.fit && el("span", { class: "soft", text: `score ${match.score.toFixed(3)}`, title: "cosine between phrase and picture, −1 to 1" })),
        parts, el("p", { class: "credit" }, ...creditOf(match)), this.actions, this.#copies(match), factsOf(match, this.sourceTitle(match.source))));
    this.#drawActs();
    this.#focus(focused);
    this.#drawParts(match, parts);
  }

  #focus(act) {
    if (act) this.actions.querySelector(`[data-act="${act}"]`)?.focus({ preventScroll: true });
  }

  #drawActs() {
    const { match } = this;
    const marks = this.marksOf(match);
    const focused = document.activeElement?.dataset?.act;
    const one = (name, drawn, words, on) => button("", { class: "act-word", "data-act": name, "aria-pressed": on === undefined ? null : String(Boolean(on)), on: { click: () => this.acts[name](match) } }, icon(drawn), words);
    this.actions.replaceChildren(one("pick", "check", marks.picked ? "Picked" : "Pick", marks.picked), one("more", "plus", "More like this", marks.more),
      one("less", "minus", "Less like this", marks.less), one("as", "question", "Ask with this picture"), one("compare", "compare", "Compare ways of seeing"));
    this.#focus(focused);
  }

  async #drawParts(match, target) {
    const known = match.parts.length ? match.parts : await trying(() => this.partsOf(match)) ?? [];
    const read = known.filter((part) => part.stands_out !== null);
    if (this.match !== match || !read.length) return;
    target.replaceChildren(el("h3", { text: "How it shows each part" }), el("ul", {},
      ...read.map((part) => el("li", {}, el("span", { class: "part", text: part.text, dir: "auto" }), fitBar(part, `how well it shows ${part.text}`)))));
  }

  #copies(match) {
    const forms = [["markdown", "Markdown"], ["html", "HTML"], ["text", "Text"]];
    const row = (what, texts) => el("div", { class: "copies" }, el("span", { text: `Copy the ${what}` }),
      ...forms.filter(([form]) => texts?.[form]).map(([form, title]) => button(title, { class: "text", "aria-label": `Copy the ${what} as ${title}`, on: { click: () => copy(texts[form], `The ${what} is copied as ${title}.`) } })));
    const insert = this.insertOf(match);
    const isMore = insert.markdown !== match.credit_line.markdown;
    return el("div", {}, isMore ? row("picture with its credit", insert) : null, row("credit", match.credit_line));
  }
}

function factsOf(match, source) {
  const yes = (value) => (value === null || value === undefined ? null : value ? "allowed" : "not allowed");
  const owed = match.credit_owed === null ? "not known" : match.credit_owed ? "yes" : "no, but welcome";
  const size = match.width && match.height ? `${match.width} × ${match.height} pixels` : null;
  const number = (value, digits = 3) => (typeof value === "number" && Math.abs(value) >= 0.0005 ? value.toFixed(digits) : null);
  const facts = [
    ["Source", match.page_url ? [link(match.page_url, source), webAddress(match.page_url) ? icon("out") : null] : source],
    ["Number there", match.id], ["File", match.path], ["Size", size], ["Kind", match.media_type !== "photo" ? match.media_type : null],
    ["Found by", match.found_by], ["Tags", match.tags.length ? match.tags.join(", ") : null], ["Colours", match.colours.length ? match.colours.join(", ") : null],
    ["Made by", match.creator ? link(match.creator_url, match.creator) : null], ["Taken on", match.taken_on], ["Uploaded on", match.uploaded_on],
    ["Licence", match.licence ? link(match.licence_url, match.licence) : "none stated"], ["Commercial use", yes(match.commercial_use)],
    ["Changing it", yes(match.modification)], ["Credit owed", owed],
    ["AI-generated", match.ai_generated ? "yes" : null], ["AI training", match.no_ai_training ? "not allowed" : null],
    ["Used before", match.used_before ? `as ${match.used_before}` : null],
    ["Stands out by", match.stands_out === null ? null : `${match.stands_out.toFixed(1)} standard deviations`],
    ["Penalty", number(match.penalty)], ["Nearness", number(match.nearness)], ["Words", number(match.bonus)],
    ["First score", number(match.first_score)],
    ["Alike", match.siblings.length ? match.siblings.flatMap((one, index) => [index ? ", " : "", link(one.page_url, `${one.source} ${one.id}`)]) : null],
  ];
  return el("dl", {}, ...facts.filter(([, value]) => value !== null && value !== "").flatMap(([name, value]) => [
    el("dt", { text: name }), el("dd", { dir: "auto" }, ...[value].flat().map((one) => one ?? "")),
  ]));
}

/** Show the pictures that are folded into one, each with its credit. */
export function openAlike(match, sourceTitle) {
  openDialog(`${counted(match.siblings.length, "picture")} like picture ${match.rank}`, "small",
    el("p", { class: "soft", text: "The same picture elsewhere, or another size or cut of it: it is shown once." }),
    el("ul", { class: "plain-list" }, ...match.siblings.map((one) => el("li", {}, link(one.page_url, `${sourceTitle(one.source)} ${one.id}`), one.credit ? ` · ${one.credit}` : ""))));
}
