// A picture's credit with its links: who made it, under which licence.

import { el, link } from "/page/js/dom.js";

/** Make the credit of a match. */
export function creditOf(match) {
  const pieces = [];
  const said = match.credit || match.creator;
  if (said) pieces.push(link(match.creator_url || match.page_url, said));
  const licence = match.licence;
  if (licence && !(said ?? "").includes(licence)) {
    if (pieces.length) pieces.push(" · ");
    pieces.push(link(match.licence_url, licence));
  } else if (!licence && !match.licence_url) {
    if (pieces.length) pieces.push(" · ");
    pieces.push(el("em", { text: "no licence stated" }));
  }
  if (match.ai_generated) pieces.push(" · AI-generated");
  return pieces;
}

/** Return what a picture shows, in its source's words. */
export const shownBy = (match) => match.title || match.tags.join(", ") || "untitled picture";
