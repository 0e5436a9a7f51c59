// The marked text of the result: marks, arcs, what is lit, and the selection that a review works with.

import { drawArcs } from "./arcs.js";
import { byId, draw, later, make } from "./dom.js";
import { kept, keep } from "./kept.js";
import { layText, marksOf, selectedPlace, stretchesOf } from "./marks.js";
import { choose, chosenFact, current, on, standing, state, tones } from "./state.js";
import { t } from "./words.js";

let laid = { stretches: [], marks: [] }, svg = null, width = 0, drawn = [], spot = [];
let arcs = kept("arcs", true);
export let selection = null;
const selected = [];
export const onSelection = does => selected.push(does);

export function linksOf(facts, tone) {
  const links = [], at = p => p?.start == null ? null : [p.start, p.end];
  const add = (from, to, label, fact, look) => { if (at(from) && at(to)) links.push({ from: at(from), to: at(to), label, tone: tone(fact), fact: fact.id, look }); };
  for (const fact of facts) {
    if (fact.kind === "relation") add(fact.parts[0], fact.parts[1], fact.type, fact, "relation");
    if (fact.kind === "event") {
      const trigger = fact.parts.find(p => p.slot === "trigger");
      if (trigger) for (const p of fact.parts) if (p.slot === "argument") add(trigger, p, p.role, fact, "event");
    }
  }
  return links;
}

function changed() {
  const now = standing();
  return now.length !== drawn.length || now.some((f, n) => f.parts !== drawn[n].parts || f.type !== drawn[n].type);
}

export function showText() {
  const doc = current(), box = byId("text");
  if (!doc) return;
  const facts = drawn = standing(), tone = tones();
  laid = layText(box, doc.points, marksOf(facts, tone), spot);
  if (spot.length) for (const s of stretchesOf(laid.stretches, ...spot)) s.element.classList.add("sentence");
  svg = draw("svg", { class: "arcs", "aria-hidden": "true", focusable: "false" });
  box.append(svg);
  redraw();
  light();
}

function redraw() {
  if (!svg || byId("pane-text").hidden || !current()) return;
  width = byId("text").clientWidth;
  svg.remove();
  drawArcs(byId("text"), svg, laid.stretches, arcs ? linksOf(standing(), tones()) : []);
  byId("text").append(svg);
  lightArcs();
}

function light(move = false) {
  const box = byId("text"), fact = chosenFact();
  for (const e of box.querySelectorAll(".lit")) e.classList.remove("lit");
  if (fact) {
    const pieces = fact.parts.filter(p => p.start != null).flatMap(p => stretchesOf(laid.stretches, p.start, p.end).map(s => s.element));
    for (const e of pieces) e.classList.add("lit");
    if (move && pieces.length) intoView(box, pieces[0]);
  }
  lightArcs();
}

function lightArcs() {
  for (const arc of svg?.children ?? []) {
    const lit = state.chosen !== null && arc.dataset.facts.split(" ").includes(String(state.chosen));
    arc.classList.toggle("lit", lit);
    if (lit) svg.append(arc);  // over the others
  }
}

function intoView(box, piece) {
  const a = box.getBoundingClientRect(), b = piece.getBoundingClientRect();
  if (b.top < a.top + 20 || b.bottom > a.bottom - 20) box.scrollTop += b.top - a.top - a.height / 3;
}

// Light a place that no fact of the list has: the sentence of an edge of the graph.
export function lightPlace(start, end) {
  spot = [start, end];
  showText();
  const [first] = stretchesOf(laid.stretches, start, end);
  if (first) intoView(byId("text"), first.element);
}

export function startText() {
  const box = byId("text"), toggle = byId("arcs");
  toggle.checked = arcs;
  toggle.addEventListener("change", () => { arcs = toggle.checked; keep("arcs", arcs); redraw(); });
  box.addEventListener("click", e => {
    const hit = e.target.closest("[data-facts]");
    if (!hit || selectedPlace(box, current().points)) return;
    // The same place clicked again: the next of the facts that share it.
    const ids = hit.dataset.facts.split(" ").map(Number), at = ids.indexOf(state.chosen);
    choose(ids[(at + 1) % ids.length], "text");
  });
  document.addEventListener("selectionchange", later(() => {
    if (byId("pane-text").hidden || !current()) return;
    // A click on a button or into a field lets the selection of the text go, but the review still needs it.
    const found = selectedPlace(box, current().points);
    const elsewhere = document.activeElement?.closest?.("#review-form, #selection, #facts");
    if (!found && elsewhere) return;
    selection = found;
    for (const does of selected) does();
  }, 120));
  new ResizeObserver(later(() => { if (box.clientWidth !== width) redraw(); }, 60)).observe(box);
  document.fonts?.ready.then(redraw);
  on("run", () => { spot = []; if (state.view === "text") showText(); });
  // A long text is not laid out again for a verdict that leaves its marks as they are, nor for every step of a slider.
  on("facts", () => { if (state.view === "text" && changed()) showText(); });
  on("filter", later(() => { if (state.view === "text" && current() && changed()) showText(); }, 50));
  on("run", () => { selection = null; for (const does of selected) does(); });
  on("chosen", () => light(state.from !== "text"));
}

export function clearSelection() {
  selection = null;
  getSelection().removeAllRanges();
  for (const does of selected) does();
}

export function legend(parent) {
  const doc = current(), tone = tones(), seen = new Map();
  for (const fact of doc?.facts ?? []) if (fact.kind !== "relation") seen.set(`${fact.kind} ${fact.type}`, fact);
  parent.replaceChildren(...[...seen.values()].map(f => make("span", { class: `legend ${tone(f)}` }, f.type)), make("span", { class: "quiet" }, t("arcs_hint")));
}
