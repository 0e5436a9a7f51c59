// Verdicts on facts, with undo; and saving the reviewed document as training data.

import { announce, byId } from "./dom.js";
import { inWords, reviewed, rowOfFact, sentenceOrder } from "./facts.js";
import { keepRun } from "./history.js";
import { explain } from "./problems.js";
import { corrections } from "./service.js";
import { chosenFact, current, on, shown, state, tell } from "./state.js";
import { toast } from "./toast.js";
import { visit } from "./views.js";
import { number, onLanguage, percent, t } from "./words.js";

const MOST_STEPS = 200;

// Every step goes through here: a new list of facts, the old one kept for undo.
function put(facts, said) {
  const doc = current();
  doc.undone.push(doc.facts);
  if (doc.undone.length > MOST_STEPS) doc.undone.shift();
  doc.redo = [];
  doc.facts = facts;
  tell("facts");
  if (said) announce(said);
  keepRun();
}

export function verdict(id, what) {
  const doc = current(), fact = doc.facts.find(f => f.id === id);
  if (!fact) return;
  // A rejected addition is as if it had never been.
  if (fact.verdict === "added" && what === "rejected") { state.chosen = null; put(doc.facts.filter(f => f.id !== id), t("said_removed", inWords(fact))); return; }
  if (fact.verdict === "added") return;
  const back = what === "" && fact.was ? "corrected" : what;
  const kept = what === "accepted" && fact.was ? "corrected" : back;
  put(doc.facts.map(f => f.id === id ? { ...f, verdict: kept } : f), `${t(kept ? `verdict_${kept}` : "verdict_none")}: ${inWords(fact)}`);
}

export function acceptFrom(least) {
  const doc = current(), ids = new Set(shown().filter(f => !f.verdict && f.confidence !== null && f.confidence >= least).map(f => f.id));
  if (ids.size) put(doc.facts.map(f => ids.has(f.id) ? { ...f, verdict: "accepted" } : f), t("said_accepted", number(ids.size)));
  toast(ids.size ? t("said_accepted", number(ids.size)) : t("none_from", percent(least)), ids.size ? { label: t("undo"), does: undo } : null);
}

export function correct(id, type, parts) {
  const doc = current();
  put(doc.facts.map(f => {
    if (f.id !== id) return f;
    const was = f.was ?? (f.verdict === "added" ? null : rowOfFact(f));
    return { ...f, type, parts, was, verdict: f.verdict === "added" ? "added" : "corrected" };
  }), t("said_corrected"));
}

export function addFact(kind, type, parts) {
  const doc = current(), id = Math.max(-1, ...doc.facts.map(f => f.id), ...doc.undone.flat().map(f => f.id)) + 1;
  state.chosen = id;
  put([...doc.facts, { id, kind, type, confidence: null, support: null, verdict: "added", was: null, parts }].sort(sentenceOrder), t("said_added"));
}

function swap(from, to) {
  const doc = current();
  if (!doc?.[from].length) return;
  doc[to].push(doc.facts);
  doc.facts = doc[from].pop();
  if (!chosenFact()) state.chosen = null;
  tell("facts");
  announce(t(from === "undone" ? "said_undone" : "said_redone"));
  keepRun();
}
export const undo = () => swap("undone", "redo");
export const redo = () => swap("redo", "undone");

async function save() {
  const doc = current(), button = byId("save");
  const body = reviewed(doc.row, doc.facts, state.run.schema, byId("keep-unreviewed").checked);
  button.disabled = true;
  try {
    const kept = await corrections.save({ ...body, ...(doc.saved && { replaces: doc.saved.id }) }).catch(error => {
      // The earlier one was deleted meanwhile: then this one is new.
      if (doc.saved && error.about?.field === "replaces") return corrections.save(body);
      throw error;
    });
    doc.saved = { id: kept.id, facts: doc.facts };
    toast(t("saved", number(Object.values(kept.facts).reduce((a, b) => a + b, 0))), { label: t("see_saved"), does: () => { visit("saved"); } });
    keepRun();
    tell("saved");
    show();
  } catch (error) {
    explain(error, { place: byId("review-problem"), again: save });
  } finally {
    button.disabled = false;
  }
}

function show() {
  const doc = current();
  if (!doc) return;
  const count = verdict => doc.facts.filter(f => f.verdict === verdict).length, left = count("");
  byId("progress-review").textContent = t("reviewed", number(doc.facts.length - left), number(doc.facts.length));
  byId("unreviewed").hidden = left === 0 || left === doc.facts.length && !doc.facts.length;
  byId("unreviewed-note").textContent = t("keep_unreviewed", number(left));
  byId("undo").disabled = !doc.undone.length;
  byId("redo").disabled = !doc.redo.length;
  byId("saved-note").textContent = doc.saved ? (doc.saved.facts === doc.facts ? t("is_saved") : t("changed_since")) : "";
}

export function startReview() {
  byId("undo").addEventListener("click", undo);
  byId("redo").addEventListener("click", redo);
  byId("save").addEventListener("click", save);
  byId("accept-from").addEventListener("submit", e => { e.preventDefault(); acceptFrom(Math.max(0, Math.min(100, byId("from").value || 0)) / 100); });
  on("run", () => byId("review-problem").replaceChildren());
  on("run facts", show);
  onLanguage(show);
}

