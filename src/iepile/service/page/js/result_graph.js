// The result as a graph: entities and triggers are nodes, relations and roles are lines. A line leads to its sentence in the text.

import { byId, colour, download, fill, later, make } from "./dom.js";
import { inWords } from "./facts.js";
import { explain } from "./problems.js";
import { allLines } from "./result_json.js";
import { lightPlace } from "./result_text.js";
import { sentenceAround } from "./sentences.js";
import { graphFile, graphForms } from "./service.js";
import { choose, current, on, passes, showDocument, state, tones } from "./state.js";
import { number, onLanguage, t } from "./words.js";

const MOST = 300;
let cy = null, loading = null, whole = false, steady = false;

const folded = text => text.normalize("NFKC").trim().replace(/\s+/g, " ").toLocaleLowerCase();

// The script sets a global name, as scripts of its kind do.
const library = () => loading ??= import(new URL("../vendor/cytoscape.min.js", import.meta.url)).then(() => globalThis.cytoscape);

// Mentions of one name are one node; an event is a node of its own.
export function graphOf(documents, tone) {
  const nodes = new Map(), edges = [];
  const node = (key, label, look, type) => {
    if (!nodes.has(key)) nodes.set(key, { id: key, label, look, type, tone: "t8", degree: 0 });
    return nodes.get(key);
  };
  const entity = p => node(`e ${folded(p.text)}`, p.text, "entity", p.type);
  documents.forEach(({ doc, at }) => {
    const facts = doc.facts.filter(f => f.verdict !== "rejected" && passes(f));
    for (const f of facts) if (f.kind === "entity") { const n = entity(f.parts[0]); n.tone = tone(f); n.type = f.type; }
    for (const f of facts) {
      const line = (a, b, label) => { edges.push({ from: a.id, to: b.id, label, fact: f.id, at }); a.degree++; b.degree++; };
      if (f.kind === "relation") line(entity(f.parts[0]), entity(f.parts[1]), f.type);
      if (f.kind !== "event") continue;
      const trigger = f.parts.find(p => p.slot === "trigger"), event = node(`v ${at} ${f.id}`, trigger ? `${trigger.text} (${f.type})` : f.type, "event", f.type);
      event.tone = tone(f);
      for (const p of f.parts) if (p.slot === "argument") line(event, entity(p), p.role);
    }
  });
  return { nodes: [...nodes.values()], edges };
}

// Nodes begin on a spiral, not at random: the same facts give the same picture.
const start = n => ({ x: 40 * Math.sqrt(n + 1) * Math.cos(2.4 * n), y: 40 * Math.sqrt(n + 1) * Math.sin(2.4 * n) });

function style() {
  const tone = Array.from({ length: 9 }, (_, n) => ({ selector: `node.t${n}`, style: { "background-color": colour(`t${n}`) } }));
  return [
    { selector: "node", style: { width: "data(size)", height: "data(size)", label: "data(label)", "font-size": 13, color: colour("ink"), "text-outline-color": colour("paper"), "text-outline-width": 2, "text-valign": "bottom", "text-margin-y": 3, "text-max-width": 140, "text-wrap": "ellipsis", "overlay-opacity": 0 } },
    ...tone,
    { selector: "node.event", style: { shape: "diamond" } },
    { selector: "edge", style: { width: 1.6, "line-color": colour("edge"), "target-arrow-color": colour("edge"), "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "bezier", label: "data(label)", "font-size": 11, color: colour("soft"), "text-outline-color": colour("paper"), "text-outline-width": 2, "text-rotation": "autorotate", "overlay-opacity": 0 } },
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
    layout: { name: "cose", animate: false, randomize: false, nodeRepulsion: () => 5000, idealEdgeLength: () => 70, componentSpacing: 50, padding: 24, boundingBox: { x1: 0, y1: 0, w, h }, nodeDimensionsIncludeLabels: true },
  });
  if (cy.zoom() > 1.3) { cy.zoom(1.3); cy.center(); }
  cy.on("tap", "edge", e => lead(e.target.data("at"), e.target.data("fact")));
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
      const file = await graphFile({ documents: allLines().trim().split("\n").map(l => JSON.parse(l)), form });
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
  on("run", () => { byId("graph-all-box").hidden = (state.run?.documents.length ?? 0) < 2; fill(byId("graph-sentence")); });
  on("run facts filter", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cy?.style(style()));
  addEventListener("dress", () => cy?.style(style()));
  onLanguage(again);
}
