// The picture: Cytoscape draws nodes where the data puts them.
const MANY = 2000;
const picture = (() => {
  const many = lines.length > MANY;
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const size = n => Math.min(70, 14 + 5 * Math.sqrt(n.degree));
  const cy = cytoscape({
    container: byId("picture"),
    elements: {
      nodes: nodes.map(n => ({ data: { id: `n${n.id}`, label: short(n.name), size: size(n), font: Math.max(12, size(n) * .6) },
        position: { x: n.x, y: n.y }, classes: (n.event ? "event " : "") + toneOf(n.type) })),
      edges: lines.map(l => ({ data: { id: `l${l.id}`, source: `n${l.head.id}`, target: `n${l.tail.id}`,
        label: short(l.facts.map(f => f.relation).join(", ")) }, classes: l.facts.every(f => f.ungrounded) ? "ungrounded" : "" })),
    },
    layout: { name: "preset", fit: true, padding: 30 },
    style: style(many),
    minZoom: .01, maxZoom: 4, hideEdgesOnViewport: many, textureOnViewport: many, boxSelectionEnabled: false, autoungrabify: many, selectionType: "single",
  });

  function style(many) {
    const tones = Array.from({ length: COLOURS + 1 }, (_, n) => ({ selector: `node.t${n}`, style: { "background-color": colour(`t${n}`) } }));
    return [
      { selector: "node", style: { width: "data(size)", height: "data(size)", label: "data(label)", "font-size": "data(font)", "min-zoomed-font-size": 8,
        color: colour("ink"), "text-outline-color": colour("paper"), "text-outline-width": 2, "text-valign": "bottom", "text-margin-y": 2, "border-width": 0, "overlay-opacity": 0 } },
      ...tones,
      { selector: "node.event", style: { shape: "diamond" } },
      { selector: "edge", style: { width: many ? 1.2 : 1.6, "line-color": colour("edge"), "target-arrow-color": colour("edge"), "target-arrow-shape": "triangle", "arrow-scale": .8,
        "curve-style": many ? "straight" : "bezier", "overlay-opacity": 0 } },
      // A label on every line costs seconds where there are many: then only those of the chosen node have one.
      { selector: many ? "edge.near, edge.chosen" : "edge", style: { label: "data(label)", "font-size": 10, "min-zoomed-font-size": 8, color: colour("soft"),
        "text-outline-color": colour("paper"), "text-outline-width": 2, "text-rotation": "autorotate" } },
      { selector: "edge.ungrounded", style: { "line-style": "dashed" } },
      { selector: ".off", style: { display: "none" } },
      { selector: "edge.near", style: { "line-color": colour("link"), "target-arrow-color": colour("link"), color: colour("ink"), width: 2.4, "z-index": 8 } },
      { selector: "node.near", style: { "border-width": 3, "border-color": colour("link"), "z-index": 9, "min-zoomed-font-size": 6 } },
      { selector: "edge.chosen", style: { "line-color": colour("chosen"), "target-arrow-color": colour("chosen"), color: colour("ink"), width: 4, "z-index": 10 } },
      { selector: "node.chosen", style: { "border-width": 5, "border-color": colour("chosen"), "z-index": 11, "min-zoomed-font-size": 0 } },
    ];
  }

  cy.on("tap", "node", e => choose(nodes[+e.target.id().slice(1)], false));
  cy.on("tap", "edge", e => choose(lines[+e.target.id().slice(1)], false));
  cy.on("tap", e => { if (e.target === cy) choose(null); });
  const of = thing => cy.getElementById((thing.near ? "n" : "l") + thing.id);
  const whole = () => cy.fit(cy.elements(":visible"), 30);
  const zoom = by => cy.zoom({ level: cy.zoom() * by, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  byId("picture").addEventListener("keydown", e => {
    const way = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[e.key];
    if (way) { e.preventDefault(); cy.panBy({ x: way[0], y: way[1] }); }
  });

  return {
    cy, whole, zoom,
    show() {
      const words = w(), tools = byId("tools"), legend = byId("legend");
      const dress = matchMedia("(prefers-color-scheme: dark)").matches;
      if (dress !== dark) { dark = dress; cy.style(style(many)); }
      byId("picture").setAttribute("aria-label", words.picture);
      tools.replaceChildren();
      for (const [name, title, does] of [["+", "+", () => zoom(1.4)], ["−", "−", () => zoom(1 / 1.4)], [words.fit, words.fit, whole]])
        make("button", tools, name, { type: "button", "aria-label": title, onclick: does });
      legend.replaceChildren();
      const named = types.filter(([type]) => type !== null), shown = named.slice(0, COLOURS);
      for (const [type] of shown) { const item = make("span", legend); dot(item, type); item.append(short(type)); }
      if (named.length > COLOURS) { const item = make("span", legend); dot(item, undefined); item.append(words.other_types); }
      if (nodes.some(n => n.event)) make("span", legend, words.legend_event);
      if (facts.some(f => f.ungrounded)) make("span", legend, words.legend_dashed);
    },
    filter() {
      cy.batch(() => {
        for (const [all, letter] of [[nodes, "n"], [lines, "l"]])
          for (const thing of all) {
            if (thing.visible === (thing.drawn ?? true)) continue;
            thing.drawn = thing.visible;
            cy.getElementById(letter + thing.id).toggleClass("off", !thing.visible);
          }
      });
    },
    choose(thing, move) {
      cy.batch(() => {
        cy.elements(".near, .chosen").removeClass("near chosen");
        if (!thing) return;
        of(thing).addClass("chosen");
        if (thing.near) { const lines = of(thing).connectedEdges(); lines.addClass("near"); lines.connectedNodes().not(of(thing)).addClass("near"); }
        else of(thing).connectedNodes().addClass("near");
      });
      if (!thing || !move || !thing.visible) return;
      if (cy.zoom() < .5) cy.zoom(.7);
      cy.center(of(thing));
    },
  };
})();

function dot(parent, type) {
  const made = make("span", parent, null, { class: "dot", "aria-hidden": "true" });
  made.style.background = `var(--${toneOf(type)})`;
}
