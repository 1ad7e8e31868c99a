// The tray: pictures picked, in the order they were, and the ways to take them along, each with its credit.

import { post, postForFile } from "/page/js/api.js";
import { copy } from "/page/js/clipboard.js";
import { shownBy } from "/page/js/credit.js";
import { button, byId, counted, el, listed, webAddress } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";
import { announce, toast, trying } from "/page/js/say.js";
import { identityOf } from "/page/js/search.js";

const KEPT_AS = "phrasepix-picks";
const FOLDER_KEPT_AS = "phrasepix-folder";
const FORMS = [["markdown", "Markdown"], ["html", "HTML"], ["text", "text"]];

/** The tray; `onChange()` is told when picks come or go, `onSaved(names)` which pictures are saved as what now. */
export class Tray {
  constructor(onChange, onSaved) {
    this.onChange = onChange;
    this.onSaved = onSaved;
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
      identity: identityOf(match), search, rank: match.rank, title: shownBy(match), picture: match.picture_url, credit: match.credit_line, insert: match.insert,
    });
    this.#changed(`Picked: ${shownBy(match)}. ${counted(this.picks.length, "picture")} in the tray.`);
  }

  /** Return what puts a picture into a text, by form: with its file, once that is saved. */
  insertOf(match) {
    return this.picks.find((pick) => pick.identity === identityOf(match))?.insert ?? match.insert;
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
    const form = el("select", { id: "form", "aria-label": "Form of what is copied" }, ...FORMS.map(([value, text]) => el("option", { value, text })));
    form.value = this.form;
    form.addEventListener("change", () => { this.form = form.value; });
    const copies = el("div", { class: "copy" },
      button("", { class: "quiet", title: "Pictures with their credit", on: { click: () => this.#copyPictures() } }, icon("copy"), "Copy"),
      button("", { class: "quiet", on: { click: () => this.#copyCredits() } }, "Credits"), form);
    element.replaceChildren(picks, save, copies, el("div", { class: "rest" },
      button("", { class: "quiet", title: "All pictures and CREDITS.md in one file", on: { click: (event) => this.#zip(event.currentTarget) } }, icon("zip"), "Zip"),
      button("Clear", { title: "Put all back", class: "text", on: { click: () => { this.picks = []; this.#changed("The tray is empty."); } } })));
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
      this.#learnSaved(answer.saved);
      const isNew = answer.saved.filter((one) => one.is_new !== false);
      const were = answer.saved.length - isNew.length;
      const said = [isNew.length && `Saved ${counted(isNew.length, "picture")} into ${folder || "the root folder"}, with CREDITS.md.`,
        were && `${counted(were, "picture")} ${were === 1 ? "was" : "were"} there already.`];
      if (answer.saved.length) {
        const undo = async () => {
          const undone = await trying(() => post("/save/undo", { undo: answer.undo }));
          if (!undone) return;
          this.#forgetSaved(isNew);
          toast(`The save into ${folder || "the root folder"} is undone: files and credits are gone.${undone.kept.length ? ` Changed since, and kept: ${listed(undone.kept)}.` : ""}`);
        };
        toast(said.filter(Boolean).join(" "), { action: isNew.length && answer.undo ? { label: "Undo", run: undo } : null });
      }
      for (const one of answer.failed) toast(`Picture ${one.rank} is not saved: ${one.reason}`, { problem: true });
    });
  }

  /** Keep what puts each picture into a text now that it has a file, and tell which is used before. */
  #learnSaved(saved) {
    const names = new Map();
    for (const one of saved) {
      const pick = this.#pickOf(one);
      if (!pick) continue;
      pick.unsaved ??= pick.insert;
      pick.insert = one.insert;
      names.set(pick.identity, one.path.split("/").at(-1));
    }
    sessionStorage.setItem(KEPT_AS, JSON.stringify(this.picks));
    this.onSaved(names);
  }

  #forgetSaved(saved) {
    const names = new Map();
    for (const pick of saved.map((one) => this.#pickOf(one)).filter(Boolean)) {
      pick.insert = pick.unsaved;
      names.set(pick.identity, null);
    }
    sessionStorage.setItem(KEPT_AS, JSON.stringify(this.picks));
    this.onSaved(names);
  }

  #pickOf({ search, rank }) {
    return this.picks.find((pick) => pick.search === search && pick.rank === rank);
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
    const { form } = this;
    const texts = this.picks.map((pick) => pick.insert[form]);
    const bare = form === "text" ? 0 : this.picks.filter((pick) => pick.insert[form] === pick.credit[form]).length;
    const said = `${counted(this.picks.length, "picture")} copied as ${titleOf(form)}, with credit.`;
    await copy(texts.join("\n\n"), bare ? `${said} ${bare === this.picks.length ? "Only the credit stands there" : `Of ${bare} only the credit stands there`} until the files are saved.` : said);
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
