// Which nodes and facts are seen, and the list of nodes that a search finds.
const MOST_LISTED = 200, MOST_BOXES = 300;
const filter = { types: new Set(), relations: new Set(), degree: 0, sure: 0, text: "any", query: "" };
const seen = { chosen: null, before: [], list: [], at: 0 };
const byDegree = nodes.toSorted((a, b) => b.degree - a.degree || a.id - b.id);

function sift() {
  const between = filter.relations.size || filter.sure > 0 || filter.text !== "any";
  for (const node of nodes) { node.visible = !filter.types.has(node.type); node.passing = new Set(); }
  for (const line of lines) line.visible = false;
  for (const f of facts) {
    f.visible = f.head.visible && f.tail.visible && !filter.relations.has(f.relation) && (f.confidence === null || f.confidence >= filter.sure)
      && (filter.text === "any" || f.ungrounded === (filter.text === "ungrounded"));
    if (f.visible && f.head !== f.tail) { f.head.passing.add(f.tail); f.tail.passing.add(f.head); }
  }
  for (const node of nodes)
    node.visible &&= node.passing.size >= filter.degree && !(between && node.near.size && !node.passing.size);
  for (const f of facts) { f.visible &&= f.head.visible && f.tail.visible; if (f.visible) f.line.visible = true; }
  picture.filter();
  byId("visible").textContent = filled(w().visible, ...[nodes, facts].flatMap(all => [number(all.filter(x => x.visible).length), number(all.length)]));
  list();
  if (seen.chosen) detail();
}

function showFilters() {
  const words = w(), place = byId("filter-fields");
  place.replaceChildren();
  boxes(place, "types", words.types, types, typeName, true);
  boxes(place, "relations", words.relations, relations, relation => relation, false);
  const two = make("div", place, null, { class: "two" });
  make("input", make("label", two, words.degree), null, { type: "number", min: 0, "data-filter": "degree",
    oninput: e => { filter.degree = Math.max(0, +e.target.value || 0); sift(); } }).value = filter.degree;
  const text = make("select", make("label", two, words.text), null, { "data-filter": "text", onchange: e => { filter.text = e.target.value; sift(); } });
  for (const name of ["any", "grounded", "ungrounded"]) text.add(new Option(words[name], name, false, name === filter.text));
  if (facts.some(f => f.confidence !== null)) {
    const label = make("label", two), value = make("span", label, `${words.sure} ${filter.sure.toFixed(2)}`);
    make("input", label, null, { type: "range", min: 0, max: 1, step: .01, "data-filter": "sure", title: words.sure_note, value: filter.sure,
      oninput: e => { filter.sure = +e.target.value; value.textContent = `${w().sure} ${filter.sure.toFixed(2)}`; },
      onchange: sift });
    make("p", two, words.sure_note);
  }
  make("button", place, words.reset, { type: "button", class: "link", "data-filter": "reset", onclick: () => {
    filter.types.clear(); filter.relations.clear();
    Object.assign(filter, { degree: 0, sure: 0, text: "any" });
    showFilters();
  } });
  sift();
}

// A set of the filter holds what is taken away.
function boxes(place, name, title, counts, named, dots) {
  const words = w(), set = make("fieldset", place), legend = make("legend", set, title);
  const shown = counts.slice(0, MOST_BOXES), fields = [];
  for (const [button, on] of [["all", true], ["none", false]])
    make("button", legend, words[button], { type: "button", class: "link", "data-all": `${name} ${button}`, onclick: () => {
      filter[name] = new Set(on ? [] : counts.map(c => c[0]));
      fields.forEach(f => { f.checked = on; });
      sift();
    } });
  const list = make("div", set, null, { class: "checks", "data-boxes": name });
  for (const [value, times] of shown) {
    const label = make("label", list, null, { title: short(named(value), 200) });
    const field = make("input", label, null, { type: "checkbox", onchange: e => { filter[name][e.target.checked ? "delete" : "add"](value); sift(); } });
    field.checked = !filter[name].has(value);
    fields.push(field);
    if (dots) dot(label, value);
    make("span", label, short(named(value), 80), { dir: "auto" });
    make("small", label, number(times));
  }
  if (counts.length > shown.length) make("p", list, filled(words.more_nodes, number(counts.length - shown.length)));
}

function list() {
  const words = w(), place = byId("list"), query = folded(filter.query.trim());
  const found = byDegree.filter(n => n.visible && (!query || n.keys.some(key => key.includes(query))));
  if (query) {
    const rank = n => n.key === query ? 0 : n.key.startsWith(query) ? 1 : 2;
    found.sort((a, b) => rank(a) - rank(b));
  }
  seen.list = found.slice(0, MOST_LISTED);
  byId("found").textContent = nodes.length && !found.length ? words.nothing : filled(words.found, number(found.length))
    + (found.length > MOST_LISTED ? ` · ${filled(words.first, MOST_LISTED)}` : "");
  place.setAttribute("aria-label", words.list);
  place.replaceChildren();
  seen.list.forEach((node, n) => {
    const item = make("li", place, null, { role: "option", id: `node-${n}`, onclick: () => { point(n); choose(node, true); } });
    dot(item, node.type);
    make("b", item, (node.event ? "◆ " : "") + short(node.name, 60), { dir: "auto" });
    make("small", item, `${short(typeName(node.type), 20)} · ${number(node.near.size)}`, { title: `${number(node.near.size)} ${words.neighbours}` });
  });
  point(seen.list.indexOf(seen.chosen));
}

function point(n) {
  const place = byId("list");
  place.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
  seen.at = Math.min(n, seen.list.length - 1);
  const item = place.children[seen.at];
  for (const field of [place, byId("query")]) if (item) field.setAttribute("aria-activedescendant", item.id); else field.removeAttribute("aria-activedescendant");
  if (!item) return;
  item.setAttribute("aria-selected", "true");
  const top = item.offsetTop - place.offsetTop;
  if (top < place.scrollTop || top + item.offsetHeight > place.scrollTop + place.clientHeight) place.scrollTop = top - place.clientHeight / 2;
}

byId("query").oninput = e => { filter.query = e.target.value; list(); };
for (const id of ["query", "list"]) byId(id).addEventListener("keydown", e => {
  if (e.isComposing) return;
  const does = { ArrowDown: () => point(Math.max(0, seen.at + 1)), ArrowUp: () => point(Math.max(0, seen.at - 1)),
    Enter: () => { const node = seen.list[Math.max(0, seen.at)]; if (node) choose(node, true); } }[e.key];
  if (does) { e.preventDefault(); does(); }
});
