// What is said to people besides the pictures: to screen readers, and as messages that stay beside the page.

import { button, byId, el } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";

const BRIEFLY_MS = 6000;
const MOST = 3;

/** Say something to screen readers when they are done with what they say. */
export function announce(text) {
  const live = byId("live");
  if (live.textContent !== text) live.textContent = text;
}

/** Say something to screen readers at once. */
function alarm(text) {
  byId("alarm").textContent = text;
}

/** Show a message; with `action` {label, run} or as a `problem` it stays until it is closed. Return what closes it. */
export function toast(text, { action = null, problem = false } = {}) {
  const shown = el("div", { class: problem ? "toast problem" : "toast" });
  const close = () => shown.remove();
  shown.append(el("p", { text, dir: "auto" }));
  if (action) {
    shown.append(button(action.label, { class: "text", on: { click: async () => { close(); await action.run(); } } }));
  }
  shown.append(button("", { class: "icon small", "aria-label": "Close the message", on: { click: close } }, icon("close")));
  const toasts = byId("toasts");
  toasts.append(shown);
  while (toasts.children.length > MOST) toasts.firstElementChild.remove();
  (problem ? alarm : announce)(text);
  if (!action && !problem) setTimeout(close, BRIEFLY_MS);
  return close;
}

/** Run something a person asked for; a problem is shown in the server's words. */
export async function trying(run) {
  try {
    return await run();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    toast(error.message, { problem: true });
    return undefined;
  }
}
