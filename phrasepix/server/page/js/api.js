// The server's API: each answer is data, each problem an error with the server's own words.

import { eventsOf } from "/page/js/sse.js";

const BASE = "/api/v1";

/** A problem+json answer, or the server's silence (`status` 0). */
export class Problem extends Error {
  constructor(told) {
    super(told.detail || told.title || "The server says nothing of what went wrong.");
    this.name = "Problem";
    this.told = told;
    this.status = told.status ?? 0;
  }

  /** What kind of problem: the last word of its `type`. */
  get kind() {
    return String(this.told.type ?? "").split(/[/:#]/).at(-1);
  }
}

async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`${BASE}${path}`, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({
      type: "server-gone", status: 0, title: "phrasepix does not answer",
      detail: "The phrasepix server that this page belongs to does not answer. Is it still running? Start it again with `phrasepix serve --open`.",
    });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer) {
  const retry = Number(answer.headers.get("Retry-After")) || undefined;
  try {
    const told = await answer.json();
    return new Problem({ retry_after_s: retry, ...told, status: told.status ?? answer.status });
  } catch {
    return new Problem({ status: answer.status, title: `The server answered ${answer.status}`, retry_after_s: retry });
  }
}

const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** GET what stands at a path below /api/v1. */
export const get = async (path) => (await request(path)).json();

/** POST a body as JSON; return the answer's. */
export const post = async (path, body, signal) => (await request(path, { ...json(body), signal })).json();

/** DELETE what stands at a path. */
export const remove = (path) => request(path, { method: "DELETE" });

/** POST a body as JSON; return the answer as a Blob. */
export const postForFile = async (path, body) => (await request(path, json(body))).blob();

/** Send a picture; return `{picture, width, height}`. */
export async function upload(file) {
  const answer = await request("/pictures", {
    method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file,
  });
  return answer.json();
}

/** POST a body and listen: `on(event, data)` is told each event; return the data of `done`. Raises what `error` says. */
export async function stream(path, body, on, signal) {
  const asked = json(body);
  const answer = await request(path, {
    ...asked, signal, headers: { ...asked.headers, Accept: "text/event-stream" },
  });
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) return answer.json();
  try {
    for await (const { event, data } of eventsOf(answer.body)) {
      if (event === "error") throw new Problem(data);
      if (event === "done") return data;
      on(event, data);
    }
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") throw error;
    throw new Problem({ type: "server-gone", title: "The answer broke off", detail: "The server stopped in the middle of its answer. Search again." });
  }
  throw new Problem({ type: "server-gone", title: "The answer broke off", detail: "The server's answer ended before its results. Search again." });
}
