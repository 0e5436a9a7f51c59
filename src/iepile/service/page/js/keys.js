// Keys: what they do, in one table, which the dialog shows and the page listens to.

import { byId, fill, make } from "./dom.js";
import { submitNow } from "./compose.js";
import { step } from "./fact_list.js";
import { moveDocument, showTab } from "./result.js";
import { redo, undo, verdict } from "./review.js";
import { closeEditor, openEditor, openNew } from "./review_form.js";
import { choose, chosenFact, current, state } from "./state.js";
import { VIEWS, visit } from "./views.js";
import { onLanguage, t } from "./words.js";

const KEYS = [
  ["Ctrl+Enter", "key_extract"], ["1–5", "key_views"], ["/", "key_input"], ["?", "key_help"],
  ["↓ ↑", "key_step", "next"], ["a", "key_accept"], ["r", "key_reject"], ["e", "key_edit"], ["n", "key_new"], ["u", "key_undo"], ["Shift+u", "key_redo"], ["[ ]", "key_documents"], ["t b g j", "key_tabs"], ["Esc", "key_escape"],
  ["Enter", "key_next_line", "next"], ["Alt+↓ ↑", "key_move_line"],
];
const TABS = { t: "text", b: "table", g: "graph", j: "json" };

const inField = e => e.target.closest("input:not([type=checkbox], [type=range]), textarea, select, dialog");
const inReview = () => !byId("view-extract").hidden && current();

function pressed(e) {
  if (e.defaultPrevented || e.isComposing) return;
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && !byId("view-extract").hidden) { e.preventDefault(); submitNow(); return; }
  if (e.key === "Escape" && inReview() && !e.target.closest("dialog")) {
    if (!closeEditor() && state.chosen !== null) choose(null, "keys");
    return;
  }
  if (e.ctrlKey || e.metaKey || e.altKey || inField(e)) return;
  if (e.key === "?") { e.preventDefault(); byId("help").showModal(); return; }
  if (e.key === "/") { e.preventDefault(); visit("extract"); byId("input").focus(); return; }
  if (/^[1-5]$/.test(e.key)) { visit(VIEWS[e.key - 1]); return; }
  if (inReview()) review(e);
}

function review(e) {
  const fact = chosenFact(), inList = e.target.closest("#facts, #text, #result-title, body") && !e.target.closest('[role="tablist"], #picture, [type=range]');
  const does = {
    ArrowDown: () => inList && step(1), ArrowUp: () => inList && step(-1),
    Home: () => e.target.closest("#facts") && step(-1e9), End: () => e.target.closest("#facts") && step(1e9),
    a: () => fact && (verdict(fact.id, fact.verdict === "accepted" ? "" : "accepted"), true), r: () => fact && (verdict(fact.id, fact.verdict === "rejected" ? "" : "rejected"), true), e: () => fact && (openEditor(fact), true),
    n: () => (openNew("entity"), true), u: () => (undo(), true), U: () => (redo(), true), "[": () => (moveDocument(-1), true), "]": () => (moveDocument(1), true),
  }[e.key] ?? (TABS[e.key] && (() => (showTab(TABS[e.key]), true)));
  if (!does) return;
  // In the text, arrows scroll as everywhere unless a fact is being looked at.
  if (e.key.startsWith("Arrow") && !e.target.closest("#facts") && state.chosen === null && !e.target.closest("#result-title")) return;
  if (does() !== false) e.preventDefault();
}

function help() {
  fill(byId("key-list"), KEYS.map(([keys, word, look]) => make("div", { class: look }, make("dt", {}, keys.split(/(?<=\S) (?=\S)/).map(x => make("kbd", {}, x))), make("dd", {}, t(word)))));
}

export function startKeys() {
  addEventListener("keydown", pressed);
  byId("show-help").addEventListener("click", () => byId("help").showModal());
  byId("close-help").addEventListener("click", () => byId("help").close());
  byId("help").addEventListener("click", e => { if (e.target === byId("help")) byId("help").close(); });
  onLanguage(help);
}
