// Small pictures on buttons, drawn by hand on a grid of 16.

import { draw } from "./dom.js";

const PATHS = {
  accept: "M3 8.5l3.2 3.2L13 4.8",
  reject: "M4 4l8 8M12 4l-8 8",
  edit: "M3 13l.8-3L10.6 3.2l2.2 2.2L6 12.2z",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  remove: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  add: "M8 3v10M3 8h10",
  undo: "M6 3L3 6l3 3M3 6h6.5a3.5 3.5 0 010 7H6",
  redo: "M10 3l3 3-3 3M13 6H6.5a3.5 3.5 0 000 7H10",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  light: "M8 5a3 3 0 100 6 3 3 0 000-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  dark: "M12.5 9.8A5.3 5.3 0 016.2 3.5 5.3 5.3 0 1012.5 9.8z",
  auto: "M8 2.5a5.5 5.5 0 100 11zM8 2.5a5.5 5.5 0 010 11",
  keys: "M2 4.5h12v7H2zM4.5 7h.01M7 7h.01M9 7h.01M11.5 7h.01M5 9.5h6",
  drag: "M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01",
  next: "M6 3l5 5-5 5",
  back: "M10 3L5 8l5 5",
};

export function icon(name) {
  return draw("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true", focusable: "false" }, draw("path", { d: PATHS[name] }));
}

export function dressButtons(root = document) {
  for (const e of root.querySelectorAll("[data-icon]")) e.prepend(icon(e.dataset.icon));
}
