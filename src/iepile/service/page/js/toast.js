// A short note at the foot of the page, with one thing to do about it. It is announced, and stays while it has the focus.

import { announce, byId, fill, make } from "./dom.js";
import { t } from "./words.js";

const SECONDS = 8;
let timer = 0;

export function noToast() { clearTimeout(timer); byId("toast").hidden = true; fill(byId("toast")); }

export function toast(text, action = null) {
  const place = byId("toast");
  noToast();
  const away = noToast;
  fill(place, make("span", {}, text), action && make("button", { type: "button", onclick: () => { away(); action.does(); } }, action.label), make("button", { type: "button", class: "quiet-button", "aria-label": t("close"), onclick: away }, "×"));
  place.hidden = false;
  announce(text);
  const wait = () => { timer = setTimeout(() => place.contains(document.activeElement) || place.matches(":hover") ? wait() : away(), SECONDS * 1000); };
  wait();
}
