// What keys do, and the dialog that says so.

import { byId, el } from "/page/js/dom.js";
import { openDialog, openedDialog } from "/page/js/dialogs.js";

const KEYS = [
  ["/", "Go to the sentence"], ["← → ↑ ↓", "Move among the pictures"], ["Enter", "Look at the picture, large"], ["Space", "Pick it, or put it back"],
  ["m", "More like this"], ["x", "Less like this"], ["s", "Save what is picked"], ["?", "This list"], ["Esc", "Close what is on top"],
];
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/** Listen to keys: `{grid, zoom, tray, acts}`. */
export function listen({ grid, zoom, tray, acts }) {
  byId("help").addEventListener("click", showKeys);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { key, target } = event;
    const isTyping = target.matches("input:not([type=checkbox], [type=range]), textarea, select");
    if (key === "Escape") {
      if (!openedDialog() && isTyping) target.blur();
      return; // a dialog closes by itself
    }
    if (key === "ArrowDown" && target.id === "phrase" && grid.cards.length) {
      event.preventDefault(); // a single line has no other use for it
      grid.move("Home");
      return;
    }
    if (isTyping || target.matches("input[type=range]")) return;
    const run = zoom.isOpen ? inZoom(key, zoom, acts) : openedDialog() ? null : onPage(key, target, { grid, tray, acts });
    if (!run) return;
    event.preventDefault();
    run();
  });
  // A button takes a space when the key is let go; on a picture it picks.
  document.addEventListener("keyup", (event) => event.key === " " && event.target.matches(".look") && event.preventDefault());
}

function inZoom(key, zoom, acts) {
  const isButton = document.activeElement?.matches("button, a") && !document.activeElement.matches(".step");
  switch (key) {
    case "ArrowLeft": return () => zoom.step(-1);
    case "ArrowRight": return () => zoom.step(1);
    case " ": return isButton ? null : () => acts.pick(zoom.match);
    case "m": return () => acts.more(zoom.match);
    case "x": return () => acts.less(zoom.match);
    default: return null;
  }
}

function onPage(key, target, { grid, tray, acts }) {
  if (key === "/") return () => byId("phrase").select();
  if (key === "?") return showKeys;
  if (key === "s") return () => tray.askForFolder();
  const card = grid.focused;
  const isInGrid = card !== null || target === document.body || target.id === "results";
  if (ARROWS.has(key) && isInGrid && grid.cards.length && (card !== null || !["Home", "End"].includes(key))) {
    return () => grid.move(key);
  }
  if (!card?.isSettled) return null;
  if (key === "m") return () => acts.more(card.match);
  if (key === "x") return () => acts.less(card.match);
  if (key === " " && target === card.look) return () => acts.pick(card.match);
  return null;
}

function showKeys() {
  openDialog("Keys", "small", el("dl", { class: "keys" }, ...KEYS.flatMap(([key, does]) => [el("dt", {}, ...key.split(" ").map((one) => el("kbd", { text: one }))), el("dd", { text: does })])));
}
