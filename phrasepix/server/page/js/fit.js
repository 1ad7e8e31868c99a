// How well a picture fits, in a word and a bar; the facts are the server's.

import { el } from "/page/js/dom.js";

/** Make a bar and a word for a match, or a part of it; `label` says what it is about. */
export function fitBar(shown, label) {
  const { fit, share } = shown;
  const word = fit || number(shown);
  const fill = el("span", { class: "fill" });
  fill.style.transform = `scaleX(${share})`;
  return el("span", { class: `fit ${fit || "plain"}` },
    fit && el("span", {
      class: "track", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-valuenow": Math.round(share * 100), "aria-valuetext": word,
    }, fill),
    el("span", { class: "word", text: word }));
}

function number({ score, stands_out: standsOut }) {
  if (typeof score === "number") return `score ${score.toFixed(3)}`;
  return typeof standsOut === "number" ? `${standsOut.toFixed(1)} σ` : "not known";
}
