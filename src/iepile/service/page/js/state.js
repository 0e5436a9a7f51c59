// What the page shows: the run, its document, the chosen fact, the filters. Views listen for what concerns them.
//
// Events: "run" (another run or document), "facts" (a review changed them), "filter", "chosen", "schema".

import { factsOf, lookedFor, sentenceOrder } from "./facts.js";
import { Points } from "./points.js";

export const state = {
  run: null,
  at: 0,
  chosen: null,
  view: "text",
  filter: { sure: 0, off: new Set(), unsure: true },
  schema: { entities: {}, relations: {}, events: {} },
};

const waiting = new Map();
export function on(events, does) {
  for (const event of events.split(" ")) waiting.set(event, [...(waiting.get(event) ?? []), does]);
}
export function tell(event) { for (const does of waiting.get(event) ?? []) does(); }

export const current = () => state.run?.documents[state.at] ?? null;

// A document as the page works with it.
export function opened(row, stored = {}) {
  return { row, points: new Points(row.text), facts: stored.facts ?? factsOf(row).sort(sentenceOrder), undone: [], redo: [], saved: stored.saved ?? null };
}

export function showRun(run, at = 0) {
  state.run = run;
  state.at = Math.min(at, Math.max(0, run ? run.documents.length - 1 : 0));
  state.chosen = null;
  state.filter = { sure: 0, off: new Set(), unsure: true };
  tell("run");
}

export function showDocument(at) {
  if (!state.run || at < 0 || at >= state.run.documents.length) return;
  state.at = at;
  state.chosen = null;
  tell("run");
}

export function choose(id, from = "") {
  state.chosen = id;
  state.from = from;
  tell("chosen");
}

export const chosenFact = () => current()?.facts.find(f => f.id === state.chosen) ?? null;

export function passes(fact) {
  const { sure, off } = state.filter;
  if (off.has(`${fact.kind} ${fact.type}`)) return false;
  // What people said themselves has no confidence to be measured by.
  return fact.confidence === null || fact.confidence >= sure || fact.verdict === "accepted" || fact.verdict === "corrected" || fact.verdict === "added";
}

export const shown = () => (current()?.facts ?? []).filter(passes);
export const standing = () => shown().filter(f => f.verdict !== "rejected");

// Colours: one a type of the document, in the order of the schema, the first eight of their own.
const COLOURS = 8;
export function tones() {
  const doc = current(), names = new Map();
  const add = name => { if (!names.has(name)) names.set(name, `t${Math.min(names.size, COLOURS)}`); };
  const asked = state.run?.schema ?? {};
  for (const fact of doc?.facts ?? []) if (fact.kind === "entity" && !(fact.type in (asked.entities ?? {}))) add(fact.type);
  const before = [...names.keys()];
  names.clear();
  for (const name of [...Object.keys(asked.entities ?? {}), ...before]) add(name);
  for (const fact of doc?.facts ?? []) if (fact.kind === "event") add(`event ${fact.type}`);
  return fact => names.get(fact.kind === "event" ? `event ${fact.type}` : fact.type) ?? `t${COLOURS}`;
}

export const looked = () => { const doc = current(); return doc ? lookedFor(doc.row, state.run.schema, doc.facts) : []; };
