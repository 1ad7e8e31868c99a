// One picture asked of several encoders, as rows in a dialog: what each finds, and the key points that agree.

import { stream } from "/page/js/api.js";
import { creditOf } from "/page/js/credit.js";
import { openDialog } from "/page/js/dialogs.js";
import { counted, el, link, webAddress } from "/page/js/dom.js";
import { announce } from "/page/js/say.js";
import { progressWords } from "/page/js/status.js";

const TOP = 8;
const SVG = "http://www.w3.org/2000/svg";
/** The options of a search that say where a comparison looks. */
const KEPT = ["source", "tag", "limit", "requests", "offline", "filters", "model", "pretrained", "device", "engine", "words_for_tags"];

/** Compare ways of seeing a match of the search `id`. */
export const compareMatch = (id, match) => open(`/searches/${id}/compare`, { rank: match.rank, top: TOP });

/** Compare ways of seeing a picture of a request's question. */
export function comparePicture(picture, request) {
  const same = Object.fromEntries(KEPT.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]));
  open("/compare", { ...same, ...(request.phrase ? { words_for_tags: request.phrase } : {}), like: { picture }, top: TOP });
}

async function open(path, body) {
  const progress = el("p", { class: "soft", role: "status", text: "Asking …" });
  const rows = el("div", { class: "ways" });
  const leaving = new AbortController();
  openDialog("Ways of seeing", "compare", progress, rows).addEventListener("close", () => leaving.abort());
  const told = [];
  try {
    const comparison = await stream(path, body, (event, data) => {
      if (event === "progress") progress.textContent = progressWords(data);
      else if (event === "row") {
        told.push(data);
        rows.replaceChildren(...told.map((row) => el("section", { class: "way" }, about(row))));
      }
    }, leaving.signal);
    progress.replaceChildren(el("strong", { class: "only", text: "only here" }), ` marks what no other row has. A score orders one row; beside that of another row it says nothing.`);
    const mentions = new Set(comparison.rows.map(({ search }) => search?.mention).filter(Boolean));
    rows.replaceChildren(...comparison.rows.map((row) => drawRow(row, comparison)), el("p", { class: "soft", text: [...mentions].join(" · "), dir: "auto" }));
    announce(`${counted(comparison.rows.length, "encoder")} compared.`);
  } catch (error) {
    if (error.name === "AbortError") return;
    progress.replaceWith(el("p", { class: "way-problem", role: "alert", text: error.message, dir: "auto" }));
    rows.replaceChildren();
  }
}

function about(row) {
  const facts = [
    row.ms_per_picture === null ? null : `${short(row.ms_per_picture)} ms a picture`,
    row.bytes_per_picture === null ? null : `${row.bytes_per_picture < 1000 ? `${row.bytes_per_picture} bytes` : `${short(row.bytes_per_picture / 1000)} kB`} a picture`,
    row.seconds === null ? null : `this search ${short(row.seconds)} s`, row.licence ? `licence ${row.licence}` : null,
  ];
  return el("div", { class: "way-head" }, el("h3", { text: row.encoder }), row.title === row.encoder ? null : el("span", { text: row.title, dir: "auto" }),
    el("span", { class: "soft", text: facts.filter(Boolean).join(" · ") }), row.problem ? el("p", { class: "way-problem", text: row.problem, dir: "auto" }) : null);
}

function drawRow(row, comparison) {
  const answered = comparison.rows.filter(({ search }) => search).length;
  const matches = row.search?.matches ?? [];
  const pictures = matches.map((match, index) => card(match, { isOnly: row.only_here.includes(match.rank), rows: row.in_rows[index], answered }));
  const pairs = row.pairs.map(({ drawing }) => pairFigure(drawing, comparison.question_url, matches.find(({ rank }) => rank === drawing.rank)));
  return el("section", { class: "way", "data-encoder": row.encoder }, about(row),
    row.search && !matches.length ? el("p", { class: "soft", text: "Nothing was found." }) : null,
    matches.length ? el("ol", { tabindex: "0", "aria-label": `What ${row.encoder} finds` }, ...pictures) : null,
    pairs.length ? el("div", { class: "way-pairs" }, ...pairs) : null);
}

function card(match, { isOnly, rows, answered }) {
  const isUnlike = match.agreeing_points === 0;
  const name = match.title || match.tags.join(", ") || `${match.source} ${match.id}`;
  const where = isOnly ? el("strong", { class: "only", text: "only here" })
    : isUnlike ? "does not agree" : answered > 1 ? `in ${rows} of ${answered} rows` : "";
  const points = match.agreeing_points ? ` · ${counted(match.agreeing_points, "point")}` : "";
  return el("li", { class: isOnly ? "alone" : isUnlike ? "unlike" : null },
    el("img", { src: webAddress(match.picture_url), alt: name, loading: "lazy" }), el("span", { class: "rank", text: match.rank, "aria-label": `rank ${match.rank}` }),
    el("div", { class: "way-words" }, el("span", { text: `${match.score.toFixed(3)}${points}` }), el("span", { class: "soft" }, where), link(match.page_url, name, { class: "way-name" }),
      match.credit || match.licence ? el("p", { class: "way-credit" }, ...creditOf(match)) : null));
}

/** The question and a match side by side, with lines between the key points that agree. */
function pairFigure(drawing, questionUrl, match) {
  const picture = (frame, url) => svg("image", { ...frame, href: webAddress(url), preserveAspectRatio: "none" });
  const twice = (kind, data) => [svg("path", { class: `${kind} halo`, d: data }), svg("path", { class: kind, d: data })];
  const words = `${drawing.agreed} of ${drawing.of} key points agree`;
  return el("figure", {}, svg("svg", { viewBox: `0 0 ${drawing.width} ${drawing.height}`, role: "img", "aria-label": `The question and rank ${drawing.rank}: ${words}` },
    picture(drawing.question, questionUrl), picture(drawing.match, match.picture_url), ...twice("dots", drawing.points), ...twice("line", drawing.lines), ...twice("agreeing", drawing.agreeing)),
  el("figcaption", { class: "soft", text: `The question and rank ${drawing.rank}: ${words}${drawing.drawn < drawing.agreed ? `; ${drawing.drawn} lines are drawn` : ""}.` }));
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const short = (amount) => (amount < 9.95 ? amount.toFixed(1) : amount.toFixed(0));
