// Where in a document a fact stands: page, paragraph, sheet and row, as `meta.places` of a text read from a file says.

import { number, t } from "./words.js";

const NAMES = ["page", "section", "sheet", "row", "paragraph"];

export function placeOf(row, start) {
  const places = row.meta?.places;
  if (!Array.isArray(places) || start == null) return null;
  let low = 0, high = places.length - 1, found = null;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (places[middle].start <= start) { found = places[middle]; low = middle + 1; } else high = middle - 1;
  }
  return found && start < found.end ? found : null;
}

export function placeInWords(row, start) {
  const place = placeOf(row, start);
  if (!place) return "";
  return NAMES.filter(name => place[name] !== undefined && place[name] !== null && place[name] !== "")
    .map(name => t(`place_${name}`, typeof place[name] === "number" ? number(place[name]) : place[name])).join(" · ");
}
