// Elements made of data. Text goes in as text and addresses are checked: nothing a third party wrote becomes markup.

/** Make an element. `props`: `class`, `text`, `on` (listeners by event), or attributes; false and null leave one out. */
export function el(name, props = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") made.className = value;
    else if (key === "text") made.textContent = value;
    else if (key === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Return the element with an id, which the page has. */
export const byId = (id) => document.getElementById(id);

/** Return `url` if it is an http(s) address, or a path of this server; null for everything else. */
export function webAddress(url) {
  if (!url) return null;
  try {
    const parsed = new URL(url, location.href);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed.href : null;
  } catch {
    return null;
  }
}

/** Make a link to elsewhere, or plain text if there is no address to go to. */
export function link(url, text, props = {}) {
  const href = webAddress(url);
  if (href === null) return el("span", { ...props, text, dir: "auto" });
  return el("a", { ...props, href, target: "_blank", rel: "noopener noreferrer", text, dir: "auto" });
}

/** Make a button. */
export function button(label, props = {}, ...children) {
  return el("button", { type: "button", ...props }, ...(children.length ? children : [label]));
}

/** Join words: "a", "a and b", "a, b and c". */
export function listed(words, last = "and") {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

/** Say a number of things: `counted(1, "picture")` is "1 picture". */
export const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
