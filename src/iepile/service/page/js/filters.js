// Which facts are shown: confidence at least so much, labels that are switched on.

import { byId, fill, make } from "./dom.js";
import { KINDS } from "./facts.js";
import { current, on, shown, state, tell, tones } from "./state.js";
import { number, onLanguage, percent, t } from "./words.js";

function labels() {
  const counts = new Map();
  for (const fact of current()?.facts ?? []) {
    const key = `${fact.kind} ${fact.type}`;
    counts.set(key, { kind: fact.kind, type: fact.type, fact, key, n: (counts.get(key)?.n ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.n - a.n);
}

function chips() {
  const tone = tones();
  fill(byId("labels"), KINDS.map(kind => {
    const of = labels().filter(l => l.kind === kind);
    if (!of.length) return null;
    return make("div", { class: "chips", role: "group", "aria-label": t(`kind_${kind}`) }, make("span", { class: "quiet" }, t(`kind_${kind}`)), of.map(label => {
      const off = state.filter.off.has(label.key);
      return make("button", { type: "button", class: `chip ${kind === "relation" ? "plain" : tone(label.fact)}`, "aria-pressed": String(!off), "data-key": label.key, onclick: () => toggle(label.key) },
        label.type, make("small", {}, number(label.n)));
    }));
  }));
}

function toggle(key) {
  const { off } = state.filter;
  if (off.has(key)) off.delete(key); else off.add(key);
  tell("filter");
  byId("labels").querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function figures() {
  const facts = current()?.facts ?? [], hidden = facts.length - shown().length;
  byId("sure-value").textContent = percent(state.filter.sure);
  byId("sure").setAttribute("aria-valuetext", percent(state.filter.sure));
  byId("hidden").textContent = hidden ? t("hidden", number(facts.length - hidden), number(facts.length), number(hidden)) : t("all_shown", number(facts.length));
  byId("unfilter").hidden = !hidden;
  const rated = facts.some(f => f.confidence !== null);
  byId("sure").disabled = !rated;
  byId("sure-note").hidden = rated || !facts.length;
}

function show() {
  if (!current()) return;
  byId("sure").value = Math.round(state.filter.sure * 100);
  chips();
  figures();
}

export function startFilters() {
  byId("sure").addEventListener("input", e => { state.filter.sure = e.target.value / 100; tell("filter"); });
  byId("unfilter").addEventListener("click", () => { state.filter = { ...state.filter, sure: 0, off: new Set() }; tell("filter"); byId("sure").focus(); });
  on("run facts filter", show);
  onLanguage(show);
}

