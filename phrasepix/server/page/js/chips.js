// Chips: short words that can be taken away, changed or added.

import { button, el } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";

/**
 * Make a chip of a text. `onDrop` takes it away; `onRetype(text)`, if given, changes it. `note` is a word beside it,
 * `kind` a class of its own.
 */
export function textChip(text, { note = "", kind = "", title = "", what, onDrop, onRetype = null }) {
  const chip = el("span", { class: `chip ${kind}` });
  const words = [el("bdi", { text }), note && el("span", { class: "note", text: note })];
  if (onRetype) {
    chip.append(button("", { class: "chip-word", title, "aria-label": `Change the ${what} ${text}${note && `, ${note}`}`, on: { click: () => retype(chip, text, what, onRetype) } }, ...words));
  } else {
    chip.append(el("span", { class: "chip-word", title }, ...words));
  }
  chip.append(button("", { class: "chip-drop", "aria-label": `Take away the ${what} ${text}`, on: { click: onDrop } }, icon("close")));
  return chip;
}

/** Make a chip that is typed into: Enter or leaving it adds what it says. */
export function addingChip(label, { what, onAdd }) {
  const input = el("input", {
    class: "chip-input", type: "text", placeholder: label, "aria-label": `Add a ${what}`, dir: "auto", enterkeyhint: "done", size: Math.max(label.length, 6),
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim()) {
      event.preventDefault(); // it is not the sentence that is asked for
      take();
    } else if (event.key === "Escape" && input.value) {
      event.stopPropagation();
      input.value = "";
    }
  });
  input.addEventListener("change", take);
  function take() {
    const text = input.value.trim();
    input.value = "";
    if (text) onAdd(text);
  }
  return el("span", { class: "chip adding" }, icon("plus"), input);
}

function retype(chip, text, what, onRetype) {
  const input = el("input", { class: "chip-input", type: "text", value: text, "aria-label": `The ${what} ${text}`, dir: "auto", size: Math.max(text.length, 6) });
  let isOver = false;
  const end = (isTaken) => {
    if (isOver) return;
    isOver = true;
    onRetype(isTaken && input.value.trim() ? input.value.trim() : text);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      end(event.key === "Enter");
    }
  });
  input.addEventListener("blur", () => end(true));
  chip.replaceChildren(input);
  input.select();
}
