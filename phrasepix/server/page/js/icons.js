// Icons drawn as SVG on a grid of 24, in the colour of the text.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  picture: "M4 5h16v14H4z M4 16l5-5 4 4 2.500-2.500L20 17 M15.500 9.500h.01",
  search: "M10.500 4a6.500 6.500 0 1 1 0 13a6.500 6.500 0 0 1 0-13z M15.500 15.500L20 20",
  close: "M6 6l12 12 M18 6L6 18",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  check: "M5 12.500l4.500 4.500L19 7.500",
  sliders: "M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 5v4 M9 15v4",
  clock: "M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16z M12 8v4.500l3 2",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.100-1.500 2.400 M12 17.500h.01 M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z",
  left: "M14.500 5l-7 7 7 7",
  right: "M9.500 5l7 7-7 7",
  again: "M5 12a7 7 0 1 0 2.200-5.100 M5 4v4h4",
  warning: "M12 4l9 16H3z M12 10v4.500 M12 17.200h.01",
  offline: "M3 9a14 14 0 0 1 18 0 M6.500 13a9 9 0 0 1 11 0 M12 18h.01 M4 4l16 16",
  key: "M8 11a4 4 0 1 1 0 8a4 4 0 0 1 0-8z M11 13l8-8 M16 8l3 3",
  copy: "M8 8h11v11H8z M5 15V5h10",
  save: "M12 4v11 M7 11l5 5 5-5 M5 20h14",
  zip: "M6 3h12v18H6z M12 3v10 M10 6h4 M10 9h4 M11 13h2v4h-2z",
  out: "M14 5h5v5 M19 5l-8 8 M17 14v5H5V7h5",
  compare: "M4 5h7v14H4z M14 5h6v5h-6z M14 14h6v5h-6z",
  question: "M4 5h16v11H10l-4 4v-4H4z",
};

/** Draw an icon, which screen readers pass over. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", width: "20", height: "20", fill: "none", stroke: "currentColor", "stroke-width": "1.800",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
