// The page begins here: what the server knows is asked for once, then the address says what to search.

import { get } from "/page/js/api.js";
import { Ask } from "/page/js/ask.js";
import { compareMatch } from "/page/js/compare.js";
import { Dials } from "/page/js/dials.js";
import { byId, el } from "/page/js/dom.js";
import { Filters } from "/page/js/filters.js";
import { Grid } from "/page/js/grid.js";
import { icon } from "/page/js/icons.js";
import { listen } from "/page/js/keys.js";
import { Recent } from "/page/js/recent.js";
import { learnOptions } from "/page/js/search_state.js";
import { Searching } from "/page/js/searching.js";
import { Sources } from "/page/js/sources.js";
import { showState } from "/page/js/states.js";
import { Tray } from "/page/js/tray.js";
import { openAlike, Zoom } from "/page/js/zoom.js";

async function begin() {
  forgetToken();
  const [options, sources, models] = await Promise.all([get("/options"), get("/sources"), get("/models")]);
  learnOptions(options);
  const search = new Searching(() => tray.folder);
  const row = new Sources(search);
  row.learn(sources);
  const titleOf = (name) => row.titleOf(name);
  const tray = new Tray(() => remark(), (names) => {
    search.learnSaved(names);
    remark();
  });
  const marksOf = (match) => ({ picked: tray.has(match), more: search.steeredBy(match) === "more", less: search.steeredBy(match) === "less" });
  const acts = {
    look: (match) => zoom.open(match, grid.cards.map((card) => card.match), (last) => grid.cards.find((card) => card.match === last)?.look.focus({ preventScroll: false })),
    pick: (match) => tray.toggle(match, search.results.id),
    more: (match) => steer("more", match),
    less: (match) => steer("less", match),
    as: (match) => steer("as", match),
    compare: (match) => {
      zoom.close();
      compareMatch(search.results.id, match);
    },
    alike: (match) => openAlike(match, titleOf),
  };
  const steer = (kind, match) => {
    zoom.close();
    search.steer(kind, match);
  };
  const grid = new Grid(acts, marksOf);
  const zoom = new Zoom(acts, marksOf, { partsOf: (match) => search.partsOf(match), insertOf: (match) => tray.insertOf(match), sourceTitle: titleOf });
  const remark = () => {
    grid.remark();
    zoom.remark();
  };
  const filters = new Filters(search, options);
  search.showOn({ ask: new Ask(search), sources: row, filters, grid, dials: new Dials(search, models), options });
  new Recent((request) => search.ask(request));
  listen({ grid, zoom, tray, acts });
  byId("help").append(icon("help"), el("span", { class: "unseen", text: "Keys" }));
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", "/");
    search.restore();
    byId("phrase").value = "";
    byId("phrase").focus();
  });
  search.restore();
  if (document.body.classList.contains("first-visit") && matchMedia("(hover: hover)").matches) byId("phrase").focus();
  document.body.classList.add("is-ready");
}

/** Take the token out of the address: the cookie has it, and addresses are copied. */
function forgetToken() {
  const query = new URLSearchParams(location.search);
  if (!query.has("token")) return;
  query.delete("token");
  history.replaceState(null, "", query.size ? `/?${query}` : "/");
}

begin().catch((error) => {
  showState({ kind: "gone", drawn: "warning", heading: "The page could not begin", sentences: [error.message], isAlarm: true });
  document.body.classList.add("is-ready");
  throw error;
});
