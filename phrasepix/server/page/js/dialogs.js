// Dialogs and small panels: one way to open them, and Escape closes the innermost.

import { button, el } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";

let count = 0;

/**
 * Open a dialog with a heading; `kind` is its class. Return it. It is taken out of the page when it is closed, and the
 * focus goes back to where it was.
 */
export function openDialog(heading, kind, ...children) {
  const id = `dialog-${(count += 1)}`;
  const before = document.activeElement;
  const dialog = el("dialog", { class: kind, "aria-labelledby": id },
    el("div", { class: "dialog-head" }, el("h2", { id, text: heading, dir: "auto" }),
      button("", { class: "icon", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("close"))),
    el("div", { class: "dialog-body" }, ...children));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Return the dialog on top, or null. */
export const openedDialog = () => [...document.querySelectorAll("dialog[open]")].at(-1) ?? null;
