// How well a picture fits, in a word and a bar; the facts are the server's.

import { el } from "/page/js/dom.js";

/** How many standard deviations fill the bar. */
const FULL = 6;
const WORDS = { clear: "clear", fair: "fair", weak: "weak" };

/** Return the length of the bar, 0…1. */
export function shareOf({ share, stands_out: standsOut, score }) {
  if (typeof share === "number") return share;
  const value = typeof standsOut === "number" ? standsOut / FULL : score;
  return Math.min(Math.max(value ?? 0, 0), 1);
}

/** Make a bar and a word for a match, or a part of it; `label` says what it is about. */
export function fitBar(shown, label) {
  const share = shareOf(shown);
  const percent = Math.round(share * 100);
  const word = WORDS[shown.fit] ?? number(shown);
  const fill = el("span", { class: "fill" });
  fill.style.transform = `scaleX(${share})`;
  return el("span", { class: `fit ${WORDS[shown.fit] ?? "plain"}` },
    shown.fit && el("span", {
      class: "track", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-valuenow": percent, "aria-valuetext": word,
    }, fill),
    el("span", { class: "word", text: word }));
}

function number({ score, stands_out: standsOut }) {
  if (typeof score === "number") return `score ${score.toFixed(3)}`;
  return typeof standsOut === "number" ? `${standsOut.toFixed(1)} σ` : "not known";
}
