// A text with its marks: one span for every stretch between two borders, so that marks may nest and cross.

import { make, short } from "./dom.js";

const MOST_LANES = 4;

// Marks of facts: entities and triggers carry their label; ends of relations and arguments are marked where nothing else marks them.
export function marksOf(facts, tone) {
  const found = new Map();
  const add = (p, label, look, fact, of) => {
    if (p.start == null || p.end <= p.start) return;
    const key = `${p.start} ${p.end} ${label ?? ""} ${look}`;
    if (!found.has(key)) found.set(key, { start: p.start, end: p.end, label, look, tone: tone(of), facts: [], lane: 0, lanes: 1 });
    found.get(key).facts.push(fact.id);
  };
  for (const fact of facts) if (fact.kind === "entity") add(fact.parts[0], fact.type, "entity", fact, fact);
  for (const fact of facts) if (fact.kind === "event") for (const p of fact.parts) if (p.slot === "trigger") add(p, fact.type, "trigger", fact, fact);
  const taken = new Set([...found.values()].map(m => `${m.start} ${m.end}`));
  for (const fact of facts) for (const p of fact.parts)
    if (["head", "tail", "argument"].includes(p.slot) && !taken.has(`${p.start} ${p.end}`)) add(p, null, "bare", fact, { kind: "entity", type: p.type });
  return withLanes([...found.values()].sort((a, b) => a.start - b.start || b.end - a.end || (a.look < b.look ? 1 : -1)));
}

// Lanes: marks that share a letter lie in different ones, the outer one lower. Lanes are counted in each knot of marks that touch.
function withLanes(marks) {
  let knot = [], ends = [], reach = -1;
  const close = () => { for (const m of knot) m.lanes = Math.min(ends.length, MOST_LANES); knot = []; ends = []; };
  for (const mark of marks) {
    if (mark.start >= reach) close();
    let lane = ends.findIndex(end => end <= mark.start);
    if (lane < 0) lane = ends.length;
    ends[lane] = mark.end;
    mark.lane = Math.min(lane, MOST_LANES - 1);
    knot.push(mark);
    reach = Math.max(reach, mark.end);
  }
  close();
  return marks;
}

// Fills a box with paragraphs of stretches; also: further places where one ends. Returns {stretches: [{start, end, element, paragraph}], marks}.
export function layText(box, points, marks, also = []) {
  const stretches = [], lines = [];
  let at = 0;
  for (const line of points.text.split("\n")) { const end = at + line.length; lines.push([points.point(at), points.point(end)]); at = end + 1; }
  const borders = new Set([...also, ...marks.flatMap(m => [m.start, m.end])]);
  const sorted = [...borders].sort((a, b) => a - b);
  let next = 0, border = 0, active = [];
  const paragraphs = lines.map(([from, to]) => {
    const paragraph = make("p", { dir: "auto" });
    let start = from;
    while (border < sorted.length && sorted[border] <= from) border++;
    while (start < to || (from === to && start === from)) {
      const end = border < sorted.length && sorted[border] < to ? sorted[border++] : to;
      active = active.filter(m => m.end > start);
      while (next < marks.length && marks[next].start <= start) { if (marks[next].end > start) active.push(marks[next]); next++; }
      paragraph.append(...stretch(points, start, end, active, stretches, paragraph));
      start = end;
      if (from === to) break;
    }
    return paragraph;
  });
  box.replaceChildren(...paragraphs);
  return { stretches, marks };
}

function stretch(points, start, end, active, stretches, paragraph) {
  const words = points.slice(start, end);
  const element = make("span", { "data-from": start }, words || "\u200b");
  stretches.push({ start, end, element, paragraph });
  if (!active.length || !words) return [element];
  const inner = active.reduce((a, b) => b.end - b.start < a.end - a.start ? b : a);
  element.className = `mark ${inner.tone} ${inner.look}`;
  element.dataset.facts = [inner, ...active.filter(m => m !== inner)].flatMap(m => m.facts).join(" ");
  if (active.length > 1 || inner.lanes > 1) underline(element, active);
  // The label follows the mark: above it, labels longer than their words would lie over each other.
  const tags = active.filter(m => m.end === end && m.label !== null).sort((a, b) => b.start - a.start)
    .map(m => make("span", { class: `tag ${m.tone} ${m.look}`, "data-label": short(m.label, 24), "data-facts": m.facts.join(" ") }));
  return [element, ...tags];
}

function underline(element, active) {
  const images = [], places = [];
  let lanes = 1;
  for (const mark of active) {
    const up = 3 * mark.lane;
    images.push(`linear-gradient(var(--${mark.tone}), var(--${mark.tone}))`);
    places.push(`0 calc(100% - ${3 * (mark.lanes - 1) - up}px)`);
    lanes = Math.max(lanes, mark.lanes);
  }
  Object.assign(element.style, { backgroundImage: images.join(", "), backgroundPosition: places.join(", "), paddingBottom: `${2 + 3 * (lanes - 1)}px` });
}

// The stretches of a place, by halving.
export function stretchesOf(stretches, start, end) {
  let low = 0, high = stretches.length;
  while (low < high) { const middle = (low + high) >> 1; if (stretches[middle].end <= start) low = middle + 1; else high = middle; }
  const found = [];
  for (let n = low; n < stretches.length && stretches[n].start < end; n++) found.push(stretches[n]);
  return found;
}

// What is selected inside the box, in code points; null where nothing is.
export function selectedPlace(box, points) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!box.contains(range.startContainer) || !box.contains(range.endContainer)) return null;
  let start = placeOf(range.startContainer, range.startOffset, points, false), end = placeOf(range.endContainer, range.endOffset, points, true);
  if (start === null || end === null) return null;
  // Blanks at the ends are chosen by a double click, not meant.
  const words = points.slice(start, end), inside = words.trim();
  if (!inside) return null;
  const lead = words.length - words.trimStart().length;
  start = points.point(points.unit(start) + lead);
  end = points.point(points.unit(start) + inside.length);
  return { text: inside, start, end };
}

function placeOf(node, offset, points, ending) {
  const owner = node.nodeType === Node.TEXT_NODE ? node.parentElement : null;
  if (owner?.dataset.from !== undefined) {
    const from = points.unit(+owner.dataset.from);
    return points.point(Math.min(from + offset, points.text.length));
  }
  // Between elements: the start of the next stretch, or the end of the one before.
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const after = element.childNodes[offset] ?? null;
  const all = [...element.closest(".text").querySelectorAll("[data-from]")];
  if (after) {
    const next = all.find(s => after.contains(s) || after === s || (after.compareDocumentPosition(s) & Node.DOCUMENT_POSITION_FOLLOWING));
    if (next) return ending ? endBefore(all, next) : +next.dataset.from;
  }
  const last = all.filter(s => element.contains(s) || element.compareDocumentPosition(s) & Node.DOCUMENT_POSITION_PRECEDING).pop();
  return last ? endOf(last) : null;
}

const endOf = s => +s.dataset.from + Array.from(s.textContent === "\u200b" ? "" : s.textContent).length;
const endBefore = (all, next) => { const n = all.indexOf(next); return n > 0 ? endOf(all[n - 1]) : 0; };
