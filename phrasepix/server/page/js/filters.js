// The drawer of options, made of the server's table: each is called as on the command line.

import { button, byId, el } from "/page/js/dom.js";
import { openDialog } from "/page/js/dialogs.js";
import { icon } from "/page/js/icons.js";
import { put, typed, valueIn } from "/page/js/search_state.js";

/** Options that the page has a control of its own for. */
const ELSEWHERE = new Set(["phrase", "tag", "like", "minus", "source", "model", "diverse", "words_for_tags"]);

/** The group of the filters, for which most come. */
const FIRST_GROUP = "Which candidates";

/** The button and its drawer; `search` holds what is asked. */
export class Filters {
  constructor(search, options) {
    this.search = search;
    this.options = options.filter((option) => !ELSEWHERE.has(option.name));
    byId("filters").addEventListener("click", () => this.open());
  }

  /** Show on the button how many options are set. */
  show(request) {
    const set = this.options.filter((option) => valueIn(request, option.name) !== undefined).length;
    byId("filters").replaceChildren(icon("sliders"), el("span", { class: "name", text: "Filters" }), set ? el("span", { class: "count", text: set, "aria-label": `${set} set` }) : "");
  }

  /** Open the drawer. */
  open() {
    const request = this.search.state.request;
    const groups = grouped(this.options);
    const form = el("form", { class: "options", method: "dialog" });
    const order = [...groups.keys()].sort((a, b) => (b === FIRST_GROUP) - (a === FIRST_GROUP));
    for (const name of order) {
      form.append(el("fieldset", {}, el("legend", { text: name }), ...groups.get(name).map((option) => field(option, valueIn(request, option.name)))));
    }
    const foot = el("div", { class: "dialog-foot" },
      button("Clear all", { class: "text", on: { click: () => clear(form) } }),
      el("button", { type: "submit", class: "primary" }, "Apply"));
    const dialog = openDialog("Filters and options", "drawer", form);
    form.append(foot);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = this.options.map((option) => [option.name, read(form, option)]);
      dialog.close();
      this.search.again((changed) => {
        for (const [option, value] of values) {
          put(changed, option, undefined);
          put(changed, option, value);
        }
      });
    });
  }
}

const idOf = (option) => `option-${option.name.replaceAll(".", "-")}`;

/** What an option is called on the command line. */
export const flagOf = (option) => option.flag ?? `--${option.name.split(".").at(-1).replaceAll("_", "-")}`;

function field(option, value) {
  const id = idOf(option);
  const help = el("p", { class: "soft", id: `${id}-help`, text: option.help });
  const label = el("label", { for: id }, el("code", { text: flagOf(option) }));
  const shown = value ?? undefined;
  if (option.kind === "boolean") {
    const usual = Boolean(option.default);
    const select = choice(id, [["", `default: ${usual ? "yes" : "no"}`], ["true", "yes"], ["false", "no"]], shown === undefined ? "" : String(shown));
    return el("div", { class: "field" }, label, described(select, id), help);
  }
  if (option.choices?.length && option.repeats) {
    const values = new Set([shown ?? []].flat());
    const boxes = option.choices.map((name) => el("label", { class: "check" },
      el("input", { type: "checkbox", name: id, value: name, checked: values.has(name) }), name));
    return el("div", { class: "field", role: "group", "aria-labelledby": `${id}-name`, "aria-describedby": `${id}-help` },
      el("span", { class: "label", id: `${id}-name` }, el("code", { text: flagOf(option) })), el("div", { class: "checks" }, ...boxes), help);
  }
  if (option.choices?.length) {
    const usual = option.default ?? "";
    const select = choice(id, [["", usual ? `default: ${usual}` : "default"], ...option.choices.map((name) => [name, name])], shown ?? "");
    return el("div", { class: "field" }, label, described(select, id), help);
  }
  const [least, most] = option.range ?? [];
  const input = el("input", {
    id, name: id, dir: "auto", type: option.kind === "integer" ? "number" : "text", inputmode: option.kind === "number" ? "decimal" : null,
    min: option.kind === "integer" ? least : null, max: option.kind === "integer" ? most : null,
    value: Array.isArray(shown) ? shown.join(", ") : shown, placeholder: placeholder(option),
  });
  return el("div", { class: "field" }, label, described(input, id), help);
}

function placeholder(option) {
  if (option.shown_default) return `default: ${option.shown_default}`;
  return option.default === null || option.default === undefined || option.default === "" || (Array.isArray(option.default) && !option.default.length) ? "" : `default: ${option.default}`;
}

function described(control, id) {
  control.setAttribute("aria-describedby", `${id}-help`);
  return control;
}

function choice(id, entries, value) {
  const select = el("select", { id, name: id }, ...entries.map(([key, text]) => el("option", { value: key, text })));
  select.value = value;
  return select;
}

function read(form, option) {
  const id = idOf(option);
  if (option.choices?.length && option.repeats) {
    return [...form.querySelectorAll(`input[name="${id}"]:checked`)].map((box) => box.value);
  }
  const text = form.elements[id].value.trim();
  if (!text) return undefined;
  if (option.repeats) return text.split(",").map((one) => one.trim()).filter(Boolean);
  return typed(option, text);
}

function clear(form) {
  for (const control of form.elements) {
    if (control.type === "checkbox") control.checked = false;
    else if (control.matches("input, select")) control.value = "";
  }
}

function grouped(options) {
  const groups = new Map();
  for (const option of options) groups.set(option.group, [...(groups.get(option.group) ?? []), option]);
  return groups;
}
