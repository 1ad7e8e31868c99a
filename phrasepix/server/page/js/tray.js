// The tray: pictures picked, in the order they were, and the ways to take them along, each with its credit.

import { post, postForFile } from "/page/js/api.js";
import { copy } from "/page/js/clipboard.js";
import { shownBy } from "/page/js/credit.js";
import { button, byId, counted, el, webAddress } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";
import { announce, toast, trying } from "/page/js/say.js";
import { identityOf } from "/page/js/search.js";

const KEPT_AS = "phrasepix-picks";
const FOLDER_KEPT_AS = "phrasepix-folder";
const FORMS = [["markdown", "Markdown"], ["html", "HTML"], ["text", "text"]];

/** The tray; `onChange()` is told when picks come or go. */
export class Tray {
  constructor(onChange) {
    this.onChange = onChange;
    this.picks = kept();
    this.folder = localStorage.getItem(FOLDER_KEPT_AS) ?? "pictures";
    this.form = "markdown";
    this.#draw();
  }

  /** Whether a match is picked. */
  has(match) {
    return this.picks.some((pick) => pick.identity === identityOf(match));
  }

  /** Pick a match, or put it back. */
  toggle(match, search) {
    if (this.has(match)) {
      this.#drop(identityOf(match));
      return;
    }
    this.picks.push({
      identity: identityOf(match), search, rank: match.rank, title: shownBy(match), picture: match.picture_url, credit: match.credit_line,
    });
    this.#changed(`Picked: ${shownBy(match)}. ${counted(this.picks.length, "picture")} in the tray.`);
  }

  /** Bring the focus to where the folder is said. */
  askForFolder() {
    if (!this.picks.length) {
      announce("Nothing is picked yet.");
      return;
    }
    this.element.querySelector("#folder")?.select();
  }

  get element() {
    return byId("tray");
  }

  #drop(identity) {
    const at = this.picks.findIndex((pick) => pick.identity === identity);
    const [gone] = this.picks.splice(at, 1);
    this.#changed(`Put back: ${gone.title}. ${counted(this.picks.length, "picture")} in the tray.`);
    const drops = this.element.querySelectorAll(".pick-drop");
    (drops[Math.min(at, drops.length - 1)] ?? null)?.focus({ preventScroll: true });
  }

  #changed(said) {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(this.picks));
    const had = this.element.contains(document.activeElement);
    this.#draw();
    this.onChange();
    announce(said);
    if (had && !this.picks.length) byId("results").focus({ preventScroll: true });
  }

  #draw() {
    const { element } = this;
    element.hidden = !this.picks.length;
    document.body.classList.toggle("has-tray", !element.hidden);
    if (element.hidden) {
      element.replaceChildren();
      return;
    }
    const picks = el("ol", { class: "picks", "aria-label": "In the order they were picked" }, ...this.picks.map((pick) => el("li", {},
      el("img", { src: webAddress(pick.picture), alt: pick.title, width: "56", height: "56" }),
      button("", { class: "pick-drop", "aria-label": `Put back ${pick.title}`, title: `Put back ${pick.title}`, on: { click: () => this.#drop(pick.identity) } }, icon("close")))));
    const folder = el("input", { id: "folder", type: "text", value: this.folder, spellcheck: "false", dir: "auto", "aria-label": "Project folder, below the one phrasepix serve was started with", placeholder: "folder" });
    const save = el("form", { class: "save" }, el("label", { for: "folder", text: "Save into" }), folder,
      el("button", { type: "submit", class: "primary" }, icon("save"), `Save ${this.picks.length}`));
    save.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(folder.value.trim(), event.submitter);
    });
    const form = el("select", { id: "form", "aria-label": "Form of what is copied" }, ...FORMS.map(([value, text]) => el("option", { value, text: `as ${text}` })));
    form.value = this.form;
    form.addEventListener("change", () => { this.form = form.value; });
    const copies = el("div", { class: "copy" },
      button("", { class: "quiet", on: { click: () => this.#copyPictures() } }, icon("copy"), this.picks.length > 1 ? "Copy pictures" : "Copy picture"),
      button("", { class: "quiet", on: { click: () => this.#copyCredits() } }, this.picks.length > 1 ? "Copy credits" : "Copy credit"), form);
    element.replaceChildren(picks, save, copies, el("div", { class: "rest" },
      button("", { class: "quiet", title: "All pictures and CREDITS.md in one file", on: { click: (event) => this.#zip(event.currentTarget) } }, icon("zip"), "Zip"),
      button("Put all back", { class: "text", on: { click: () => { this.picks = []; this.#changed("The tray is empty."); } } })));
  }

  get #items() {
    return this.picks.map(({ search, rank }) => ({ search, rank }));
  }

  async #save(folder, control) {
    this.folder = folder;
    localStorage.setItem(FOLDER_KEPT_AS, folder);
    await busy(control, async () => {
      const answer = await trying(() => post("/save", { items: this.#items, project: folder }));
      if (!answer) return;
      const isNew = answer.saved.filter((one) => one.is_new !== false);
      const were = answer.saved.length - isNew.length;
      const said = [isNew.length && `Saved ${counted(isNew.length, "picture")} into ${folder || "the root folder"}, with CREDITS.md.`,
        were && `${counted(were, "picture")} ${were === 1 ? "was" : "were"} there already.`];
      if (answer.saved.length) {
        const undo = async () => {
          const undone = await trying(() => post("/save/undo", { undo: answer.undo }));
          if (undone) toast(`The save into ${folder || "the root folder"} is undone: files and credits are gone.`);
        };
        toast(said.filter(Boolean).join(" "), { action: isNew.length && answer.undo ? { label: "Undo", run: undo } : null });
      }
      for (const one of answer.failed) toast(`Picture ${one.rank} is not saved: ${one.reason}`, { problem: true });
    });
  }

  async #zip(control) {
    await busy(control, async () => {
      const file = await trying(() => postForFile("/zip", { items: this.#items }));
      if (!file) return;
      const url = URL.createObjectURL(file);
      const away = el("a", { href: url, download: "phrasepix-pictures.zip", hidden: true });
      document.body.append(away);
      away.click();
      away.remove();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      announce("The zip is downloaded.");
    });
  }

  async #copyPictures() {
    const answer = await trying(() => post("/insert", { items: this.#items, form: this.form }));
    if (answer) await copy(answer.text, `${counted(this.picks.length, "picture")} copied as ${titleOf(this.form)}, with credit.`);
  }

  async #copyCredits() {
    const lines = this.picks.map((pick) => pick.credit[this.form]);
    await copy(lines.join("\n"), `${counted(lines.length, "credit")} copied as ${titleOf(this.form)}.`);
  }
}

const titleOf = (form) => FORMS.find(([value]) => value === form)[1];

async function busy(control, run) {
  if (control) control.disabled = true;
  try {
    await run();
  } finally {
    if (control) control.disabled = false;
  }
}

function kept() {
  try {
    const picks = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "[]");
    return Array.isArray(picks) ? picks : [];
  } catch {
    return [];
  }
}
