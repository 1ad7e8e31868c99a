// The line above the pictures: how far the search is, what it found, what people should know. It keeps its height.

import { button, byId, counted, el, listed } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";
import { announce } from "/page/js/say.js";

const SAID_EVERY_MS = 4000;
let saidAt = 0;

/** Return where a search is, in words. */
export function progressWords({ stage, step, done, total, skipped, subject }) {
  const words = stage === "loading model" && subject && !step.includes(subject) ? `${step} (${subject})` : step;
  const count = total ? `, ${amounts(done, total)}` : done ? `, ${done}` : "";
  return `${words[0].toUpperCase()}${words.slice(1)}${count}${skipped ? ` (${skipped} skipped)` : ""} …`;
}

/** Show where the search is; screen readers hear of it now and then. */
export function showProgress(told) {
  const { done, total } = told;
  const text = progressWords(told);
  byId("summary").replaceChildren(el("span", { text, dir: "auto" }));
  bar(total ? done / total : null);
  if (Date.now() - saidAt > SAID_EVERY_MS) {
    saidAt = Date.now();
    announce(text);
  }
}

/** Say how many of how many; so many can be bytes alone. */
function amounts(done, total) {
  return total > 1e6 ? `${Math.round(done / 1e6)} of ${Math.round(total / 1e6)} MB` : `${done} of ${total}`;
}

/** Show that something is under way, before anything is known of it. */
export function showBegin(text) {
  byId("summary").replaceChildren(text);
  byId("notes").replaceChildren();
  bar(null);
  saidAt = Date.now();
  announce(text);
}

/** Show that nothing is under way. */
export function showRest() {
  const shown = byId("progress");
  shown.className = "progress";
  shown.replaceChildren();
}

function bar(share) {
  const shown = byId("progress");
  shown.className = share === null ? "progress busy" : "progress known";
  const fill = shown.firstElementChild ?? shown.appendChild(el("span", { class: "fill" }));
  fill.style.transform = share === null ? "" : `scaleX(${Math.min(Math.max(share, 0), 1)})`;
}

/** Say what was found. */
export function showSummary(results, titleOf) {
  const count = results.matches.length;
  if (!count) {
    byId("summary").replaceChildren("");
    return;
  }
  const tagged = results.tags.filter(Boolean);
  const text = `The best ${count} of ${counted(results.pool_size, "picture")}${tagged.length ? ` tagged ${listed(tagged)}` : ""} from ${listed(results.sources.map(titleOf))}, ranked by ${results.model}${results.refined_by ? `, the best again by ${results.refined_by}` : ""}.`;
  byId("summary").replaceChildren(el("span", { text, title: text, dir: "auto" }));
  announce(results.fits_well === false ? `Nothing here fits well. ${text}` : text);
}

/** Show what people should know: one line, which unfolds. */
export function showNotes(notes) {
  const target = byId("notes");
  if (!notes.length) {
    target.replaceChildren();
    return;
  }
  const [first] = notes;
  const list = el("ul", { class: "all-notes", id: "all-notes", hidden: true }, ...notes.map((note) => el("li", { class: note.kind, text: note.text, dir: "auto" })));
  const unfold = button("", {
    class: `note-line ${first.kind}`, "aria-expanded": "false", "aria-controls": "all-notes",
    on: { click: () => { list.hidden = !list.hidden; unfold.setAttribute("aria-expanded", String(!list.hidden)); } },
  }, icon(first.kind === "failed" ? "warning" : "help"), el("span", { class: "note-text", text: first.text, dir: "auto" }), notes.length > 1 ? el("span", { class: "count", text: `+${notes.length - 1}` }) : null);
  target.replaceChildren(unfold, list);
}

/** Return what people should know of results, the gravest first. */
export function notesOf(results, titleOf, lost = []) {
  const failures = results.failures.map(({ source, reason }) => {
    const title = titleOf(source);
    return { kind: "failed", text: `Not all that ${title} has: ${reason}` };
  });
  const told = new Set(results.failures.map((failure) => failure.reason));
  const notices = results.notices.filter((text) => ![...told].some((reason) => text.includes(reason))).map((text) => ({ kind: "notice", text }));
  const unfit = results.fits_well === false && results.matches.length ? [{ kind: "unfit", text: "Nothing here fits well: no picture stands out for this phrase; these are the nearest. Another tag may bring better ones." }] : [];
  const gone = lost.length ? [{ kind: "notice", text: `${counted(lost.length, "picture")} that this search was steered by ${lost.length === 1 ? "is" : "are"} no longer among what it finds.` }] : [];
  const skipped = results.skipped.length ? [{ kind: "notice", text: `${counted(results.skipped.length, "picture")} skipped; the first: ${results.skipped[0].reason}` }] : [];
  return [...failures, ...unfit, ...notices, ...gone, ...skipped];
}
