// The result as a graph: entities and triggers are nodes, relations and roles are lines. A line leads to its sentence in the text.

import { byId, colour, download, fill, later, make } from "./dom.js";
import { inWords } from "./facts.js";
import { explain } from "./problems.js";
import { allRows } from "./result_json.js";
import { lightPlace } from "./result_text.js";
import { sentenceAround } from "./sentences.js";
import { graphFile, graphForms, jobs } from "./service.js";
import { choose, current, on, passes, showDocument, state, tones } from "./state.js";
import { number, onLanguage, t } from "./words.js";

const MOST = 300, CELL = 150;
let cy = null, loading = null, whole = false, steady = false;

// The script sets a global name, as scripts of its kind do.
const library = () => loading ??= import(new URL("../vendor/cytoscape.min.js", import.meta.url)).then(() => globalThis.cytoscape);

// A name of one type is one node, as in the service's graphs; an event is a node of its own. A role names no type: its words are
// the entity that stands in their place, else the one thing of that name.
export function graphOf(documents, tone) {
  const nodes = new Map(), edges = [], types = new Map();
  const node = (key, label, look, type) => {
    if (!nodes.has(key)) nodes.set(key, { id: key, label, look, type, tone: "t8", degree: 0 });
    return nodes.get(key);
  };
  const entity = (text, type) => node(JSON.stringify(["e", text, type ?? ""]), text, "entity", type ?? null);
  const standing = documents.map(({ doc, at }) => ({ at, facts: doc.facts.filter(f => f.verdict !== "rejected" && passes(f)) }));
  const known = (text, type) => { if (type) types.set(text, (types.get(text) ?? new Set()).add(type)); };
  for (const { facts } of standing) for (const f of facts) {
    if (f.kind === "entity") { known(f.parts[0].text, f.type); entity(f.parts[0].text, f.type).tone = tone(f); }
    if (f.kind === "relation") for (const p of f.parts) known(p.text, p.type);
  }
  for (const { at, facts } of standing) {
    const there = new Map(facts.filter(f => f.kind === "entity" && f.parts[0].start != null).map(f => [`${f.parts[0].start} ${f.parts[0].end}`, f.type]));
    const end = p => {
      const named = types.get(p.text), only = named?.size === 1 ? [...named][0] : null;
      return entity(p.text, p.type ?? there.get(`${p.start} ${p.end}`) ?? only);
    };
    for (const f of facts) {
      const line = (a, b, label) => { edges.push({ from: a.id, to: b.id, label, fact: f.id, at }); a.degree++; b.degree++; };
      if (f.kind === "relation") line(end(f.parts[0]), end(f.parts[1]), f.type);
      if (f.kind !== "event") continue;
      const trigger = f.parts.find(p => p.slot === "trigger"), event = node(`v ${at} ${f.id}`, trigger ? `${trigger.text} (${f.type})` : f.type, "event", f.type);
      event.tone = tone(f);
      for (const p of f.parts) if (p.slot === "argument") line(event, end(p), p.role);
    }
  }
  return { nodes: [...nodes.values()], edges };
}

// Nodes begin on a spiral, not at random: the same facts give the same picture.
const start = n => ({ x: 40 * Math.sqrt(n + 1) * Math.cos(2.4 * n), y: 40 * Math.sqrt(n + 1) * Math.sin(2.4 * n) });

function style() {
  const tone = Array.from({ length: 9 }, (_, n) => ({ selector: `node.t${n}`, style: { "background-color": colour(`t${n}`) } }));
  return [
    { selector: "node", style: { width: "data(size)", height: "data(size)", label: "data(label)", "font-size": 15, color: colour("ink"), "text-outline-color": colour("paper"), "text-outline-width": 2, "text-valign": "bottom", "text-margin-y": 3, "text-max-width": 140, "text-wrap": "ellipsis", "overlay-opacity": 0 } },
    ...tone,
    { selector: "node.event", style: { shape: "diamond" } },
    { selector: "edge", style: { width: 1.6, "line-color": colour("edge"), "target-arrow-color": colour("edge"), "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "bezier", label: "data(label)", "font-size": 12, color: colour("soft"), "text-outline-color": colour("paper"), "text-outline-width": 2, "text-rotation": "autorotate", "min-zoomed-font-size": 6, "overlay-opacity": 0 } },
    { selector: "edge.chosen", style: { "line-color": colour("chosen"), "target-arrow-color": colour("chosen"), width: 3.5, color: colour("ink") } },
    { selector: "node.chosen", style: { "border-width": 4, "border-color": colour("chosen") } },
  ];
}

export async function showGraph() {
  if (!current() || steady) return;
  const documents = whole ? state.run.documents.map((doc, at) => ({ doc, at })) : [{ doc: current(), at: state.at }];
  const { nodes, edges } = graphOf(documents, tones());
  const kept = new Set([...nodes].sort((a, b) => b.degree - a.degree).slice(0, MOST).map(n => n.id));
  const lines = edges.filter(e => kept.has(e.from) && kept.has(e.to));
  byId("graph-counts").textContent = nodes.length > MOST ? t("graph_cut", number(MOST), number(nodes.length)) : t("graph_counts", number(nodes.length), number(edges.length));
  byId("graph-empty").hidden = nodes.length > 0;
  list(lines, nodes);
  let cytoscape;
  try { cytoscape = await library(); } catch { byId("graph-counts").textContent = t("graph_failed"); return; }
  cy?.destroy();
  const { clientWidth: w, clientHeight: h } = byId("picture");
  cy = cytoscape({
    container: byId("picture"),
    elements: {
      nodes: nodes.filter(n => kept.has(n.id)).map((n, k) => ({ data: { id: n.id, label: n.label, size: Math.min(60, 16 + 6 * Math.sqrt(n.degree)) }, classes: `${n.tone} ${n.look}`, position: start(k) })),
      edges: lines.map((e, n) => ({ data: { id: `l${n}`, source: e.from, target: e.to, label: e.label, fact: e.fact, at: e.at } })),
    },
    style: style(), minZoom: 0.1, maxZoom: 3, boxSelectionEnabled: false,
    layout: { name: "preset" },
  });
  layOut(w / Math.max(1, h));
  cy.on("tap", "edge", e => lead(e.target.data("at"), e.target.data("fact")));
}

// What hangs together is laid out by forces; what stands alone goes below, in rows wide enough for its names.
function layOut(shape) {
  const linked = cy.nodes().filter(n => n.degree() > 0), alone = cy.nodes().difference(linked);
  const side = 90 * Math.sqrt(cy.nodes().length + 4), w = side * Math.sqrt(Math.max(0.6, shape)), h = side / Math.sqrt(Math.max(0.6, shape));
  linked.union(cy.edges()).layout({ name: "cose", animate: false, randomize: false, nodeRepulsion: () => 90_000, nodeOverlap: 20, idealEdgeLength: () => 95, gravity: 0.6, componentSpacing: 90, fit: false, boundingBox: { x1: 0, y1: 0, w, h }, nodeDimensionsIncludeLabels: true }).run();
  const box = linked.length ? linked.boundingBox() : { x1: 0, y2: 0, w: 0 }, wide = Math.max(CELL, box.w, CELL * Math.ceil(Math.sqrt(alone.length * shape / 2)));
  const columns = Math.max(1, Math.floor(wide / CELL));
  alone.positions((n, k) => ({ x: box.x1 + CELL * (k % columns + 0.5), y: box.y2 + 60 + 58 * Math.floor(k / columns) }));
  cy.fit(cy.elements(), 24);
  // On a narrow screen the whole of it would be too small to read: then its middle is shown, and one moves.
  if (cy.zoom() > 1.3 || cy.zoom() < 0.5) { cy.zoom(Math.max(0.5, Math.min(1.3, cy.zoom()))); cy.center(); }
}

// The same lines as a list: for the keyboard, and for those who do not see the picture.
function list(lines, nodes) {
  const name = new Map(nodes.map(n => [n.id, n.label]));
  fill(byId("graph-lines"), lines.slice(0, MOST).map(e => make("li", {}, make("button", { type: "button", class: "link", onclick: () => lead(e.at, e.fact) }, `${name.get(e.from)} – ${e.label} → ${name.get(e.to)}`))));
  byId("graph-lines-box").hidden = !lines.length;
}

// To the sentence of a line: shown under the picture, marked in the text.
function lead(at, id) {
  // Another document of the run: the views follow, the picture stays as it is.
  if (at !== state.at) { steady = true; showDocument(at); steady = false; }
  const doc = state.run.documents[at], fact = doc.facts.find(f => f.id === id);
  if (!fact) return;
  choose(id, "graph");
  const places = fact.parts.filter(p => p.start != null), start = Math.min(...places.map(p => p.start)), end = Math.max(...places.map(p => p.end));
  cy?.elements().removeClass("chosen");
  cy?.edges().filter(e => e.data("fact") === id && e.data("at") === at).addClass("chosen").connectedNodes().addClass("chosen");
  if (!places.length) { fill(byId("graph-sentence"), make("p", { class: "quiet" }, t("ungrounded"))); return; }
  const [from, to] = sentenceAround(doc.points, start, end);
  fill(byId("graph-sentence"), make("p", {}, quoted(doc, fact, from, to)),
    make("button", { type: "button", onclick: () => { byId("tab-text").click(); lightPlace(from, to); byId("text").focus(); } }, t("show_in_text")));
  byId("graph-sentence").setAttribute("aria-label", inWords(fact));
}

function quoted(doc, fact, from, to) {
  const out = [];
  let at = from;
  for (const p of fact.parts.filter(p => p.start != null && p.start >= from && p.end <= to).sort((a, b) => a.start - b.start)) {
    if (p.start < at) continue;
    out.push(doc.points.slice(at, p.start), make("mark", {}, doc.points.slice(p.start, p.end)));
    at = p.end;
  }
  return [...out, doc.points.slice(at, to)].filter(x => x !== "").reduce((box, x) => { box.append(x); return box; }, make("q", { dir: "auto" }));
}

// A job as the service has it: then the service makes the graph of all its documents, however many.
const untouched = () => state.run.job && state.filter.sure === 0 && !state.filter.off.size && state.run.documents.every(doc => doc.facts.every(f => !f.verdict));

function offerAll() {
  const run = state.run, some = run?.job && run.documents.length < run.total;
  byId("graph-all-box").hidden = (run?.documents.length ?? 0) < 2;
  byId("graph-all").nextElementSibling.textContent = some ? t("graph_loaded", number(run.documents.length), number(run.total)) : t("graph_all");
}

export function startGraph() {
  const again = later(() => { if (state.view === "graph") showGraph(); }, 200);
  byId("graph-all").addEventListener("change", e => { whole = e.target.checked; showGraph(); });
  byId("graph-fit").addEventListener("click", () => cy?.fit(cy.elements(), 30));
  for (const [name, by] of [["graph-in", 1.3], ["graph-out", 1 / 1.3]]) byId(name).addEventListener("click", () => cy?.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } }));
  byId("graph-form").addEventListener("change", async e => {
    const form = e.target.value;
    e.target.value = "";
    if (!form) return;
    try {
      const file = untouched() ? await jobs.graph(state.run.job, form) : await graphFile({ documents: await allRows(), form });
      // Forms that are folders come as a zip file.
      download(`graph${file.type.includes("zip") ? ".zip" : e.target.dataset[form]}`, file.type, file);
    } catch (error) { explain(error, { place: byId("graph-problem") }); }
  });
  const forms = async () => {
    try {
      for (const form of await graphForms()) {
        if (!form.endings.length) continue;
        byId("graph-form").append(make("option", { value: form.name, title: form.about }, form.name));
        byId("graph-form").dataset[form.name] = form.endings[0];
      }
    } catch { /* asked for again with the token */ }
  };
  addEventListener("token", forms);
  forms();
  on("run", () => { fill(byId("graph-sentence")); });
  on("run documents", offerAll);
  onLanguage(offerAll);
  on("run facts filter documents", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cy?.style(style()));
  addEventListener("dress", () => cy?.style(style()));
  onLanguage(again);
}
