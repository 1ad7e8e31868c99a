// What is asked: the sentence, pictures as the question, tags, and what is not wanted.

import { upload } from "/page/js/api.js";
import { addingChip, textChip } from "/page/js/chips.js";
import { comparePicture } from "/page/js/compare.js";
import { button, byId, counted, el } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";
import { announce, trying } from "/page/js/say.js";
import { put } from "/page/js/search_state.js";

/** Names of pictures that were sent, by what the server calls them. */
const sent = new Map();

/** The form; `search` holds what is asked (`state`) and asks it: `again(change)` changes the request and searches. */
export class Ask {
  constructor(search) {
    this.search = search;
    this.phrase = byId("phrase");
    this.found = [];
    byId("attach").append(icon("picture"), el("span", { class: "unseen", text: "Use a picture as the question" }));
    byId("search").prepend(icon("search"));
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", ({ target }) => {
      this.#take([...target.files]);
      target.value = "";
    });
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    document.addEventListener("paste", (event) => this.#pasted(event));
    for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (event) => this.#over(event));
    document.addEventListener("dragleave", (event) => !event.relatedTarget && document.body.classList.remove("dropping"));
    document.addEventListener("drop", (event) => this.#dropped(event));
  }

  /** Ask what the sentence says now. */
  submit() {
    const phrase = this.phrase.value.trim();
    if (!phrase && !this.search.state.request.like?.length) {
      this.phrase.focus();
      announce("Say what the picture shows, or choose a picture as the question.");
      return;
    }
    this.search.again((request) => put(request, "phrase", phrase || undefined), { isNew: true });
  }

  /** Forget what was typed: the address says what is asked. */
  forget() {
    this.phrase.value = "";
  }

  /** Show a request, and the tags that results were found by. */
  show(request, results = null) {
    if (document.activeElement !== this.phrase || !this.phrase.value) this.phrase.value = request.phrase ?? "";
    this.#showTags(request, results);
    this.#showMinus(request);
    this.#showExamples(request);
  }

  #showTags(request, results) {
    const given = request.tag ?? [];
    const brought = broughtBy(results);
    const tags = given.length ? given : [...new Set(results?.tags ?? [])].filter(Boolean);
    const change = (tags) => this.search.again((request) => put(replaced(request, "tag"), "tag", tags));
    const chips = tags.map((tag, index) => textChip(tag, {
      what: "tag", kind: given.length ? "given" : "found", note: brought.get(tag)?.note ?? "", title: brought.get(tag)?.title ?? (given.length ? "a tag you gave" : "found in the sentence"),
      onDrop: () => change(tags.toSpliced(index, 1)),
      onRetype: (text) => (text === tag ? this.show(this.search.state.request, this.search.results) : change(tags.toSpliced(index, 1, text))),
    }));
    const lead = el("span", { class: "lead", text: "Tags" });
    const hint = !tags.length && el("span", { class: "hint", text: "found in the sentence" });
    const anew = given.length > 0 && request.phrase && button("", {
      class: "chip plain", title: "Find tags in the sentence instead", on: { click: () => change([]) },
    }, icon("again"), "find them");
    // What is typed into stands before the chips, which come later and must not move it.
    const adding = addingChip("tag", { what: "tag", onAdd: (text) => change([...tags, ...text.split(",").map((one) => one.trim()).filter(Boolean)]) });
    this.#fill("tags", lead, adding, hint, ...chips, anew);
  }

  #showMinus(request) {
    const unwanted = request.minus ?? [];
    const change = (texts) => this.search.again((request) => put(replaced(request, "minus"), "minus", texts));
    const chips = unwanted.map((text, index) => textChip(text, {
      what: "unwanted thing", kind: "unwanted", onDrop: () => change(unwanted.toSpliced(index, 1)), onRetype: (other) => change(unwanted.toSpliced(index, 1, other)),
    }));
    this.#fill("minus", el("span", { class: "lead", text: "But not" }), addingChip("people …", { what: "thing that should not be there", onAdd: (text) => change([...unwanted, text]) }), ...chips);
  }

  #showExamples(request) {
    const pictures = request.like ?? [];
    byId("examples").replaceChildren(...pictures.map(({ picture }, index) => {
      const name = sent.get(picture)?.name ?? (picture.startsWith("upload:") ? "your picture" : picture);
      const small = sent.get(picture)?.small;
      return el("span", { class: "example" }, small ?? icon("picture"), el("bdi", { text: name, title: name }),
        button("", { class: "chip-drop", title: "Compare ways of seeing", "aria-label": `Compare ways of seeing ${name}`, "aria-haspopup": "dialog", on: { click: () => comparePicture(picture, this.search.state.request) } }, icon("compare")),
        button("", { class: "chip-drop", "aria-label": `Take away the picture ${name}`, on: { click: () => this.#dropPicture(index) } }, icon("close")));
    }));
    this.phrase.placeholder = pictures.length ? "… and in words" : "Say what the picture shows";
  }

  /** Redraw a row of chips; the focus stays in the row. */
  #fill(id, ...children) {
    const row = byId(id);
    const had = row.contains(document.activeElement);
    row.replaceChildren(...children.filter(Boolean));
    if (had) row.querySelector("input.chip-input")?.focus({ preventScroll: true });
  }

  #dropPicture(index) {
    this.search.change((request) => put(replaced(request, "like"), "like", (request.like ?? []).toSpliced(index, 1)));
    this.show(this.search.state.request, this.search.results);
    this.phrase.focus();
  }

  async #take(files) {
    const pictures = files.filter((file) => file.type.startsWith("image/"));
    for (const file of pictures) {
      const answer = await trying(() => upload(file));
      if (!answer) continue;
      sent.set(answer.picture, { name: file.name || "your picture", small: await smallOf(file) });
      this.search.change((request) => put(request, "like", [...(request.like ?? []), { picture: answer.picture }]));
      announce(`The picture ${file.name || "you gave"} is part of the question.`);
    }
    if (!pictures.length) return;
    const phrase = this.phrase.value.trim();
    this.search.again((request) => put(request, "phrase", phrase || undefined), { isNew: true });
  }

  #pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.some((file) => file.type.startsWith("image/"))) return;
    event.preventDefault();
    this.#take(files);
  }

  #over(event) {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  }

  #dropped(event) {
    document.body.classList.remove("dropping");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.#take([...event.dataTransfer.files]);
  }
}

/** A request without what stood in a list, so that another can be put there. */
function replaced(request, name) {
  delete request[name];
  return request;
}

/** What each tag brought, over all sources. */
function broughtBy(results) {
  const notes = new Map();
  for (const { tag, source, brought, problem } of results?.asked ?? []) {
    const note = notes.get(tag) ?? { sum: 0, lines: [] };
    note.sum += brought;
    note.lines.push(problem ? `${source}: ${problem}` : `${source}: ${counted(brought, "picture")} that no tag before it had`);
    notes.set(tag, note);
  }
  return new Map([...notes].map(([tag, { sum, lines }]) => [tag, { note: String(sum), title: lines.join("\n") }]));
}

/** Draw a picture small, on a canvas: the page takes pictures from its own server only. */
async function smallOf(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const canvas = el("canvas", { width: 64, height: 64, "aria-hidden": "true" });
    const side = Math.min(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, 64, 64);
    bitmap.close();
    return canvas;
  } catch {
    return null; // a format that the server reads and the browser does not
  }
}
