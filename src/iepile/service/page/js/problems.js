// What went wrong, in plain words, and what to do about it. A token that is asked for is entered here.

import { byId, fill, freshId, make } from "./dom.js";
import { token } from "./kept.js";
import { Problem } from "./service.js";
import { language, meaning, number, t } from "./words.js";

// place: where it is shown; again: what "Try again" does.
export function explain(error, { place, again = null }) {
  if (error.name === "AbortError") { fill(place); return; }
  if (!(error instanceof Problem)) console.error(error);
  const kind = error instanceof Problem ? error.kind : "broken", about = error.about ?? {};
  const box = make("div", { class: `problem ${kind}`, role: "alert" }, make("strong", {}, t(`problem_${kind}`)), make("p", {}, t(`do_${kind}`, error.wait ? number(error.wait) : "")));
  if (["wrong", "large", "gone", "full"].includes(kind) && about.problem)
    box.append(make("p", { class: "said" }, about.field ? `${about.field}: ` : "", inTwo(about.problem),
      about.expected && make("span", {}, ` · ${t("expected")}: ${about.expected}`), about.fix && make("span", {}, ` · ${t("fix")}: ${about.fix}`)));
  if (kind === "token") box.append(tokenForm(() => { fill(place); again?.(); }));
  else {
    const row = make("div", { class: "row" });
    if (again) row.append(tryAgain(error.wait, () => { fill(place); again(); }));
    row.append(make("button", { type: "button", class: "quiet-button", onclick: () => fill(place) }, t("close")));
    box.append(row);
  }
  fill(place, box);
  // The button that was pressed may be far below the place of the problem.
  box.scrollIntoView({ block: "nearest" });
}

// What the service said: its meaning in the language of the page, where that is known, then its own words.
export function inTwo(said) {
  const own = meaning(said);
  return own ? [own, make("small", { class: "quiet original", lang: "en" }, said)] : [make("span", { lang: language() === "en" ? null : "en" }, said)];
}

// After "too many requests" the button counts down, so that nobody runs into the limit again.
function tryAgain(wait, does) {
  const button = make("button", { type: "button", onclick: does }, t("again"));
  if (!wait) return button;
  let left = Math.min(wait, 3600);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? t("again_in", number(left)) : t("again");
    if (left-- > 0 && (button.isConnected || left > wait - 2)) setTimeout(tick, 1000);
  };
  tick();
  return button;
}

function tokenForm(does) {
  const id = freshId("token");
  const input = make("input", { id, type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  return make("form", { class: "row token", onsubmit: e => { e.preventDefault(); token.set(input.value.trim()); does(); dispatchEvent(new Event("token")); } },
    make("label", { for: id }, t("token")), input, make("button", { type: "submit", class: "main" }, t("use_token")));
}

// At the top of the page, for what concerns all of it.
export const explainAbove = (error, again) => explain(error, { place: byId("page-problem"), again });
