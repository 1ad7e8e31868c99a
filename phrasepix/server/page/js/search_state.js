// What is asked for, as the address bar holds it: each option by its name, then the steps that steered it.

/** Option names and kinds, from the server's table. */
let kinds = new Map();

const LISTS = new Set(["tag", "minus", "source", "like"]);
const STEPS = new Set(["more", "less", "as"]);
const TOP = 10;
/** In the address: how many pictures were loaded beyond those asked for. */
const EXTRA = "extra";

/** Learn the options: `[{name, kind, repeats, default}]`. */
export function learnOptions(options) {
  kinds = new Map(options.map((option) => [option.name, option]));
}

/** Return an empty search. */
export const nothingAsked = () => ({ request: {}, steps: [], extra: 0 });

/** Return whether there is anything to search for. */
export const isAsked = ({ request }) => Boolean(request.phrase || request.like?.length);

/** Return the search that an address's query says. */
export function fromQuery(query) {
  const state = nothingAsked();
  for (const [name, text] of new URLSearchParams(query)) {
    if (STEPS.has(name)) {
      state.steps.push({ kind: name, of: text });
    } else if (name === EXTRA) {
      state.extra = Math.max(Number.parseInt(text, 10) || 0, 0);
    } else if (name === "like") {
      (state.request.like ??= []).push({ picture: text });
    } else if (LISTS.has(name)) {
      (state.request[name] ??= []).push(text);
    } else if (kinds.has(name)) {
      put(state.request, name, valueOf(kinds.get(name), text));
    }
  }
  return state;
}

/** Return the query of the address that holds a search. */
export function toQuery({ request, steps = [], extra = 0 }) {
  const query = new URLSearchParams();
  const { filters = {}, ...own } = request;
  const stated = [...Object.entries(own), ...Object.entries(filters).map(([name, value]) => [`filters.${name}`, value])];
  for (const [name, value] of stated) {
    for (const one of Array.isArray(value) ? value : [value]) {
      query.append(name, typeof one === "object" ? one.picture : String(one));
    }
  }
  for (const { kind, of } of steps) query.append(kind, of);
  if (extra) query.append(EXTRA, extra);
  return query.toString();
}

/** Set an option of a request, or take it out if `value` is undefined; a filter is called `filters.…`. */
export function put(request, name, value) {
  const isFilter = name.startsWith("filters.");
  const target = isFilter ? (request.filters ??= {}) : request;
  const own = isFilter ? name.slice("filters.".length) : name;
  const isEmpty = value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length);
  if (isEmpty) delete target[own];
  else if (Array.isArray(value) && Array.isArray(target[own]) && kinds.get(name)?.repeats) target[own] = [...new Set([...target[own], ...value])];
  else target[own] = value;
  if (isFilter && !Object.keys(target).length) delete request.filters;
}

/** Return an option's value in a request. */
export function valueIn(request, name) {
  return name.startsWith("filters.") ? request.filters?.[name.slice("filters.".length)] : request[name];
}

/** Return how many matches a search shows. */
export const shownIn = ({ request, extra }) => (request.top ?? kinds.get("top")?.default ?? TOP) + extra;

function valueOf(option, text) {
  const one = typed(option, text);
  return option.repeats ? [one] : one;
}

/** Return what a text says for an option, of its kind; what is no number stays a text, for the server to judge. */
export function typed({ kind }, text) {
  if (kind === "boolean") return text === "true";
  const isNumber = ["integer", "number"].includes(kind) && text.trim() !== "" && !Number.isNaN(Number(text));
  return isNumber ? Number(text) : text;
}
