// Copying, where the browser allows it; elsewhere the text is shown, to be copied by hand.

import { el } from "/page/js/dom.js";
import { openDialog } from "/page/js/dialogs.js";
import { toast } from "/page/js/say.js";

/** Copy a text and say so. HTML goes as HTML and as its source. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    const area = el("textarea", { readonly: true, rows: "6", "aria-label": "The text to copy" });
    area.value = text;
    openDialog("Copy this", "small", el("p", { class: "soft", text: "The browser does not let this page copy. Select it all and copy it by hand." }), area);
    area.select();
  }
}
