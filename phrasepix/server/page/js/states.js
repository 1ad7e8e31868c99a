// What the page says where there are no pictures, or why there are fewer: each state with what can be done about it.

import { button, byId, counted, el, link, listed } from "/page/js/dom.js";
import { icon } from "/page/js/icons.js";
import { clock, explainSource } from "/page/js/sources.js";

const EXAMPLES = [
  ["two red boats at night in the rain", "boat"], ["a house in the snow under the moon", "house"], ["a yellow balloon over the sea", "balloon"],
];

/** Show a state in place of pictures: a heading, sentences, and what can be done. */
export function showState({ kind, drawn, heading, sentences = [], actions = [], extra = null, isAlarm = false }) {
  const panel = el("div", { class: `panel ${kind}`, "data-state": kind, role: isAlarm ? "alert" : null },
    drawn ? el("div", { class: "panel-icon" }, icon(drawn)) : null, el("h2", { text: heading }),
    ...sentences.filter(Boolean).map((sentence) => el("p", { dir: "auto" }, ...[sentence].flat())),
    actions.some(Boolean) ? el("div", { class: "panel-acts" }, ...actions.filter(Boolean)) : null, extra);
  byId("state").replaceChildren(panel);
}

/** Take the state away. */
export const noState = () => byId("state").replaceChildren();

/** The first visit: what this is, sentences to try, and what is missing. */
export function firstVisit(sources, { onTry }) {
  const unready = sources.filter((source) => !source.ready);
  const tries = EXAMPLES.map(([phrase, tag]) => button("", { class: "try", on: { click: () => onTry(phrase, tag) } }, el("q", { text: phrase })));
  showState({
    kind: "first", heading: "Try it with the built-in sample, which asks nobody",
    extra: el("div", { class: "first-more" }, el("div", { class: "tries" }, ...tries),
      unready.length ? el("p", { class: "soft" }, icon("key"), " Without a key: ", ...unready.flatMap((source, index) => [index ? ", " : "", button(source.title, { class: "text", "aria-haspopup": "dialog", on: { click: () => explainSource(source) } })]), ".") : null),
  });
}

/** Nothing was found, or nothing that was found could be shown. */
export function nothingFound(results, filters, { titleOf, onFilters, onWithoutFilters, onTag }) {
  const { skipped, failures } = results;
  const tags = results.tags.filter(Boolean);
  const couldNot = skipped.length > 0 && results.pool_size > 0;
  const under = tags.length ? ` under ${listed(tags)}` : "";
  showState({
    kind: "nothing", drawn: "search", heading: couldNot ? "Nothing can be shown" : `Nothing found${under}`,
    sentences: [
      couldNot ? `None of the ${counted(skipped.length, "picture")}${under} could be had: ${skipped[0].reason}` : null,
      failures.length ? `There was no answer from ${listed(failures.map((one) => titleOf(one.source)))}.` : null,
      filters.length ? ["Narrowed by ", ...filters.flatMap((flag, index) => [index ? ", " : "", el("code", { text: flag })]), ". Leave that out to see more."] : null,
      tags.length ? "A tag is a plain noun, as stock sites use them: try a broader one." : null,
    ],
    actions: [
      filters.length ? button("Search without filters", { class: "primary", on: { click: onWithoutFilters } }) : null,
      button("Another tag", { class: "quiet", on: { click: onTag } }),
      filters.length ? button("Change filters", { class: "quiet", on: { click: onFilters } }) : null,
    ],
  });
}

const KINDS = {
  "key-missing": { drawn: "key", heading: "A key is missing", kind: "key" },
  "key-unusable": { drawn: "key", heading: "The key cannot be used", kind: "key" },
  "key-refused": { drawn: "key", heading: "The key was refused", kind: "key" },
  "rate-limit": { drawn: "clock", heading: "No more requests for now", kind: "spent" },
  "answer-not-kept": { drawn: "offline", heading: "Offline, and nothing of this is remembered", kind: "offline" },
  "source-unreachable": { drawn: "offline", heading: "No source can be reached", kind: "unreachable" },
  "source-answer": { drawn: "warning", heading: "No source gave a useful answer", kind: "failed" },
  "source-fault": { drawn: "warning", heading: "The source failed", kind: "failed" },
  "weights-unavailable": { drawn: "warning", heading: "The model is not on this machine", kind: "model" },
  "unknown-model": { drawn: "warning", heading: "There is no such model", kind: "model" },
  "server-gone": { drawn: "offline", heading: "phrasepix does not answer", kind: "gone" },
  "wrong-token": { drawn: "key", heading: "This page is of an earlier start", kind: "gone" },
};

/** A search ended with a problem, `others` beside it: say it in the server's words, with what can be done. */
export function problemState(problem, sources, { onAgain, onOffline, onOnline, onSample, onWithout, asked, others, isOffline }) {
  const shown = KINDS[problem.kind] ?? { drawn: "warning", heading: problem.status === 422 || problem.status === 400 ? "This cannot be asked" : "The search failed", kind: "failed" };
  const unready = sources.filter((source) => asked.includes(source.name) && !source.ready);
  const spent = sources.filter((source) => asked.includes(source.name) && source.budget?.remaining === 0 && source.budget.resets_at);
  const until = problem.kind === "rate-limit" ? untilWhen(problem, spent) : null;
  const all = others.length > 0;
  showState({
    kind: all ? "all-failed" : shown.kind, drawn: all ? "warning" : shown.drawn, heading: all ? "None of the sources could be asked" : shown.heading, isAlarm: true,
    sentences: [
      ...others,
      sentence(problem.message),
      until ? `${until.who} may be asked again at ${until.when}. What was asked before is remembered.` : null,
      ...unready.filter((source) => source.key_from).map((source) => ["A key for ", source.title, " is free of charge: ", link(source.key_from, source.key_from)]),
      shown.kind === "key" ? "Keys are entered in the environment or the config file, never in this page. Start phrasepix serve again afterwards." : null,
    ],
    actions: [
      button("Search again", { class: "primary", on: { click: onAgain } }),
      ["spent", "unreachable"].includes(shown.kind) && !isOffline ? button("Answer from what is remembered", { class: "quiet", on: { click: onOffline } }) : null,
      isOffline ? button("Go online", { class: "quiet", on: { click: onOnline } }) : null,
      unready.length && unready.length < asked.length ? button(`Search without ${listed(unready.map((one) => one.title))}`, { class: "quiet", on: { click: () => onWithout(unready.map((one) => one.name)) } }) : null,
      sources.some((source) => source.name === "sample") && !asked.includes("sample") ? button("Try the built-in sample", { class: "quiet", on: { click: onSample } }) : null,
    ],
  });
}

function untilWhen(problem, spent) {
  if (spent.length) {
    const [first] = spent.toSorted((one, other) => Date.parse(one.budget.resets_at) - Date.parse(other.budget.resets_at));
    return { who: first.title, when: clock(first.budget.resets_at) };
  }
  const seconds = problem.told.retry_after_s;
  return seconds ? { who: "It", when: clock(Date.now() / 1000 + seconds) } : null;
}

/** Begin a message with a capital letter. */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
