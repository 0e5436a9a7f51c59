// Relations and arguments over the text: brackets from one mark to another, in lanes that do not cross their neighbours.
// A link between two lines leaves the upper one at its end and comes into the lower one at its start.

import { draw } from "./dom.js";
import { stretchesOf } from "./marks.js";

const LANE = 15, FOOT = 4, ROUND = 5, MOST_LANES = 24, FIRST = 24, LETTER = 6.4, WIDE = 11.5;
const widthOf = label => [...label].reduce((sum, c) => sum + (c > "\u2e7f" ? WIDE : LETTER), 10);

// links: [{from: [start, end], to: [start, end], label, tone, fact, look}]
export function drawArcs(box, svg, stretches, links) {
  for (const e of box.querySelectorAll(".up")) { e.classList.remove("up"); e.style.removeProperty("--up"); }
  svg.replaceChildren();
  if (!links.length) return;
  const found = links.map(link => ({ link, from: anchor(stretches, ...link.from), to: anchor(stretches, ...link.to) })).filter(l => l.from && l.to);
  const frame = box.getBoundingClientRect();
  const runs = together(found.flatMap(l => runsOf(l, measure(l.from), measure(l.to), frame)));
  // Only lines that have arcs grow, and only upwards: see .up in result.css.
  for (const { element, lanes } of intoLanes(runs)) {
    element.classList.add("up");
    element.style.setProperty("--up", `${FIRST + LANE * lanes}px`);
  }
  // Lines moved down, none was broken elsewhere: only heights are read again.
  const base = box.getBoundingClientRect();
  svg.setAttribute("width", box.clientWidth);
  svg.setAttribute("height", box.scrollHeight);
  const tops = new Map();
  const top = end => { if (!tops.has(end.element)) tops.set(end.element, end.element.getClientRects()[0]?.top ?? 0); return tops.get(end.element) - base.top + box.scrollTop; };
  svg.append(...runs.map(run => picture(run, top(run.end), box.clientWidth)));
}

function anchor(stretches, start, end) {
  const [first] = stretchesOf(stretches, start, end);
  return first ?? null;
}

function measure(stretch) {
  const rects = stretch.element.getClientRects(), r = rects[0];
  return { element: stretch.element, x: r ? r.left + Math.min(r.width, 400) / 2 : 0, left: r?.left ?? 0, width: r?.width ?? 0, line: r ? Math.round(r.bottom) : 0 };
}

function runsOf({ link }, from, to, frame) {
  const shift = x => x - frame.left;
  const same = Math.abs(from.line - to.line) < 8;
  if (same) {
    // Two links at one mark should not stand on one spot: heads leave to the side where they go.
    const lean = from.x < to.x ? 4 : -4;
    return [{ link, end: from, a: shift(from.x) + lean, b: shift(to.x) - lean, line: from.line, arrow: "b", foot: "ab" }];
  }
  const down = from.line < to.line, [upper, lower] = down ? [from, to] : [to, from];
  return [
    { link, end: upper, a: shift(upper.x) + 4, b: frame.width - 6, line: upper.line, arrow: down ? "" : "a", foot: "a" },
    { link, end: lower, a: 6, b: shift(lower.x) - 4, line: lower.line, arrow: down ? "b" : "", foot: "b" },
  ];
}

// Links of one name that leave a mark for other lines, all in one direction, are one line on the page: it leads to each of their facts.
function together(runs) {
  const found = new Map();
  for (const run of runs) {
    run.facts = [run.link.fact];
    const one = run.foot === "ab" ? run : `${run.line} ${run.a} ${run.b} ${run.arrow} ${run.foot} ${run.link.look} ${run.link.label}`;
    if (found.has(one)) found.get(one).facts.push(run.link.fact); else found.set(one, run);
  }
  return [...found.values()];
}

// Narrow ones lie low, wide ones over them. Returns how many lanes each line needs, with an element that stands in it.
function intoLanes(runs) {
  const lines = new Map();
  for (const run of runs) {
    const wide = widthOf(run.link.label), middle = (run.a + run.b) / 2;
    run.left = Math.min(run.a, run.b, middle - wide / 2);
    run.right = Math.max(run.a, run.b, middle + wide / 2);
    const key = Math.round(run.line / 8);
    if (!lines.has(key)) lines.set(key, []);
    lines.get(key).push(run);
  }
  for (const line of lines.values()) {
    line.sort((a, b) => (a.right - a.left) - (b.right - b.left) || a.left - b.left);
    const lanes = [];
    for (const run of line) {
      let lane = lanes.findIndex(taken => taken.every(t => t.right + 3 < run.left || t.left - 3 > run.right));
      if (lane < 0) { lane = Math.min(lanes.length, MOST_LANES - 1); lanes[lane] ??= []; }
      lanes[lane].push(run);
      run.lane = lane;
    }
  }
  return [...lines.values()].map(line => ({ element: line[0].end.element, lanes: Math.max(...line.map(run => run.lane)) + 1 }));
}

function picture(run, top, width) {
  const { link, a, b } = run, foot = top - FOOT, y = foot - 9 - LANE * run.lane, way = b > a ? 1 : -1;
  const round = Math.min(ROUND, Math.abs(b - a) / 2);
  const rise = run.foot.includes("a") ? `M${a},${foot} V${y + round} Q${a},${y} ${a + way * round},${y}` : `M${a},${y}`;
  const fall = run.foot.includes("b") ? `H${b - way * round} Q${b},${y} ${b},${y + round} V${foot}` : `H${b}`;
  const group = draw("g", { class: `arc ${link.tone} ${link.look}`, "data-facts": [...new Set(run.facts)].join(" ") });
  group.append(draw("path", { d: `${rise} ${fall}`, class: "line" }));
  if (run.arrow) { const x = run.arrow === "b" ? b : a; group.append(draw("path", { d: `M${x - 4},${foot - 5} L${x + 4},${foot - 5} L${x},${foot + 1} Z`, class: "tip" })); }
  const half = widthOf(link.label) / 2, x = Math.max(half, Math.min(width - half, (a + b) / 2));
  group.append(draw("text", { x, y: y + 4, "text-anchor": "middle" }, link.label));
  return group;
}
