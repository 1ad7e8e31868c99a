// One search as the address says it: the request is asked, then each step is taken on what came of it.

import { Problem, stream } from "/page/js/api.js";

const KEPT = 24;
/** Final results by what was asked and the steps taken, newest last: going back asks nobody. */
const answers = new Map();

/** Return what names a match over searches. */
export const identityOf = (match) => `${match.source}:${match.id}`;

/** Return a state's final results if they are at hand. */
export const remembered = (state) => answers.get(keyOf(state.request, state.steps));

/** Forget all answers: the server was started anew. */
export const forgetAnswers = () => answers.clear();

/**
 * Run a search to its end; return `{results, lost}`: the final results and the steps whose picture was not among them.
 * `on(event, data)` is told what the server tells.
 */
export async function run(state, on, signal) {
  try {
    return await runOnce(state, on, signal);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404 || !state.steps.length) throw error;
    forgetAnswers(); // the server no longer has a search that a step began from
    return runOnce(state, on, signal);
  }
}

async function runOnce({ request, steps }, on, signal) {
  const isLast = (taken) => taken.length === steps.length;
  let taken = [];
  let results = await answer(request, taken, "/search", request, isLast(taken) ? on : progressOnly(on), signal);
  const lost = [];
  let rest = steps;
  while (rest.length) {
    const { first, others, missing } = firstStep(results, rest);
    lost.push(...missing);
    rest = others;
    if (first === null) break;
    taken = [...taken, ...first.steps];
    const path = `/searches/${results.id}/${first.path}`;
    results = await answer(request, taken, path, first.body, rest.length ? progressOnly(on) : on, signal);
  }
  if (lost.length) keep(keyOf(request, steps), results);
  return { results, lost };
}

/** Return what can be asked of `results` at once: a picture as the question, or all marks that are among them. */
function firstStep(results, steps) {
  const rankOf = new Map(results.matches.map((match) => [identityOf(match), match.rank]));
  const cut = steps.findIndex((step) => step.kind === "as");
  const marks = cut < 0 ? steps : steps.slice(0, cut);
  const here = marks.filter((step) => rankOf.has(step.of));
  if (here.length) {
    const ranks = (kind) => here.filter((step) => step.kind === kind).map((step) => rankOf.get(step.of));
    const first = { path: "refine", body: { prefer: ranks("more"), avoid: ranks("less") }, steps: here };
    return { first, others: steps.filter((step) => !here.includes(step)), missing: [] };
  }
  if (cut < 0) return { first: null, others: [], missing: marks };
  const [step, ...others] = steps.slice(cut);
  if (!rankOf.has(step.of)) return { ...firstStep(results, others), missing: [...marks, step] };
  return { first: { path: "more-like", body: { rank: rankOf.get(step.of) }, steps: [step] }, others, missing: marks };
}

async function answer(request, taken, path, body, on, signal) {
  const key = keyOf(request, taken);
  const known = answers.get(key);
  if (known) return known;
  const results = await stream(path, body, on, signal);
  keep(key, results);
  return results;
}

function keep(key, results) {
  answers.delete(key);
  answers.set(key, results);
  while (answers.size > KEPT) answers.delete(answers.keys().next().value);
}

const keyOf = (request, steps) => JSON.stringify([request, steps]);

const progressOnly = (on) => (event, data) => event !== "results" && on(event, data);
