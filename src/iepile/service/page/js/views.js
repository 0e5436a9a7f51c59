// The views of the page, one at a time; the address says which, so that the browser's back button works.

import { byId } from "./dom.js";
import { tell } from "./state.js";

export const VIEWS = ["extract", "schema", "documents", "saved", "history"];
let now = "";

function show() {
  const wanted = VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "extract";
  if (wanted === now) return;
  now = wanted;
  for (const view of VIEWS) {
    byId(`view-${view}`).hidden = view !== wanted;
    const link = byId(`to-${view}`);
    if (view === wanted) { link.setAttribute("aria-current", "page"); link.scrollIntoView({ block: "nearest", inline: "nearest" }); } else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  tell(`view-${wanted}`);
}

// Go to a view, at once: what follows may give the focus to something in it.
export function visit(view) {
  location.hash = view;
  show();
}

export function startViews() {
  addEventListener("hashchange", show);
  show();
}
