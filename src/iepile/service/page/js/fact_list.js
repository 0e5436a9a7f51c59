// The facts of the document as a list that one walks with the arrow keys: verdicts, and the frame of an event.

import { announce, byId, fill, make } from "./dom.js";
import { inWords } from "./facts.js";
import { icon } from "./icons.js";
import { placeInWords } from "./places.js";
import { verdict } from "./review.js";
import { openEditor } from "./review_form.js";
import { choose, current, on, shown, state, tones } from "./state.js";
import { number, onLanguage, percent, t } from "./words.js";

const STEP = 150;
let most = STEP;

function facts() {
  return shown();
}

function item(fact, tone) {
  const chosen = fact.id === state.chosen, row = current().row;
  const head = make("button", { type: "button", class: "fact-name", tabindex: chosen ? 0 : -1, "aria-pressed": String(chosen), "data-id": fact.id, onclick: () => choose(fact.id, "list") },
    make("span", { class: `label ${fact.kind === "relation" ? "plain" : tone(fact)} ${fact.kind}` }, fact.type),
    fact.kind === "event" ? make("span", { class: "words" }, fact.parts.find(p => p.slot === "trigger")?.text ?? make("i", {}, t("no_trigger"))) : make("span", { class: "words" }, inWords(fact)),
    fact.verdict && make("span", { class: `verdict ${fact.verdict}` }, t(`verdict_${fact.verdict}`)));
  const place = placeInWords(row, fact.parts.find(p => p.start != null)?.start);
  const frame = fact.kind === "event" && make("dl", { class: "frame" }, fact.parts.filter(p => p.slot === "argument").flatMap(a => [make("dt", {}, a.role), make("dd", {}, a.text)]));
  const nowhere = fact.parts.some(p => p.start == null) && make("span", { class: "quiet" }, t("ungrounded"));
  return make("li", { class: `fact ${fact.verdict} ${chosen ? "chosen" : ""}` }, head, buttons(fact, chosen), frame, (place || nowhere) && make("p", { class: "quiet" }, place, place && nowhere ? " · " : null, nowhere));
}

function buttons(fact, chosen) {
  const named = `${fact.type}: ${inWords(fact)}`;
  const one = (name, pressed, does) => make("button", { type: "button", class: `tool ${name}`, tabindex: chosen ? 0 : -1, title: t(name), "aria-label": t("of_fact", t(name), named), "aria-pressed": pressed, onclick: does }, icon(name));
  return make("div", { class: "tools" }, fact.confidence !== null && make("span", { class: "share", title: t("column_confidence") }, percent(fact.confidence)),
    one("accept", String(fact.verdict === "accepted"), () => act(fact, "accepted")),
    one("reject", String(fact.verdict === "rejected"), () => act(fact, "rejected")),
    one("edit", null, () => { choose(fact.id, "list"); openEditor(fact); }));
}

// A verdict given twice is taken back.
function act(fact, what) {
  state.chosen = fact.id;
  verdict(fact.id, fact.verdict === what ? "" : what);
}

function show() {
  const list = byId("facts"), all = facts();
  if (!current()) return;
  const focused = list.contains(document.activeElement) ? document.activeElement.className : null;
  const at = all.findIndex(f => f.id === state.chosen);
  if (at >= most) most = Math.ceil((at + 1) / STEP) * STEP;
  const tone = tones();
  fill(list, all.slice(0, most).map(f => item(f, tone)));
  if (at < 0) list.querySelector(".fact-name")?.setAttribute("tabindex", "0");
  const rest = all.length - most;
  byId("more-facts").hidden = rest <= 0;
  byId("more-facts").textContent = t("more", number(Math.max(0, rest)));
  byId("no-facts").hidden = all.length > 0;
  byId("no-facts").textContent = current().facts.length ? t("nothing_passes") : t("no_facts");
  if (focused !== null) list.querySelector(`.chosen .${focused.split(" ").join(".")}`)?.focus({ preventScroll: true });
  intoView();
}

function intoView() {
  const list = byId("facts"), chosen = list.querySelector(".chosen");
  if (!chosen || state.from === "list-quiet") return;
  const a = list.getBoundingClientRect(), b = chosen.getBoundingClientRect();
  // Only the list moves, never the page.
  if (b.top < a.top) list.scrollTop -= a.top - b.top + 8; else if (b.bottom > a.bottom) list.scrollTop += b.bottom - a.bottom + 8;
}

// Only two items change when another fact is chosen; the list of a long text is not made again.
function move() {
  const list = byId("facts"), all = facts(), at = all.findIndex(f => f.id === state.chosen);
  if (at >= most) { show(); return; }
  const tone = tones(), focused = list.contains(document.activeElement);
  list.querySelector('.fact-name[tabindex="0"]')?.setAttribute("tabindex", "-1");
  const changed = new Set([list.querySelector(".chosen"), at >= 0 ? list.children[at] : null]);
  for (const old of changed) {
    if (!old) continue;
    const id = +old.querySelector(".fact-name").dataset.id, fact = all.find(f => f.id === id);
    if (fact) old.replaceWith(item(fact, tone));
  }
  if (at < 0) list.querySelector(".fact-name")?.setAttribute("tabindex", "0");
  if (focused) list.querySelector(".chosen .fact-name")?.focus({ preventScroll: true });
  intoView();
}

export function step(by, focus = true) {
  const all = facts();
  if (!all.length) return;
  const at = all.findIndex(f => f.id === state.chosen);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by));
  choose(all[next].id, "keys");
  const chosen = byId("facts").querySelector(".chosen .fact-name");
  if (focus && byId("pane-text").hidden === false) chosen?.focus({ preventScroll: true });
  else announce(`${all[next].type}: ${inWords(all[next])}`);
}

export function startFactList() {
  byId("more-facts").addEventListener("click", () => { const from = most; most += STEP; show(); byId("facts").children[from]?.querySelector(".fact-name").focus(); });
  on("run", () => { most = STEP; byId("facts").scrollTop = 0; });
  on("run facts filter", show);
  on("chosen", move);
  onLanguage(show);
}
