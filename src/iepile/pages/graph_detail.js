// What is known of a node or a line, and the sentences it was read from, with both ends marked.
const MOST_FACTS = 100;

function choose(thing, move, back) {
  if (thing === seen.chosen && !move) return;
  if (seen.chosen && !back && thing && thing !== seen.chosen) seen.before.push(seen.chosen);
  if (!thing) seen.before = [];
  seen.chosen = thing;
  picture.choose(thing, move);
  point(seen.list.indexOf(thing));
  detail();
  byId("detail").scrollTop = 0;
}
const back = () => { const before = seen.before.pop(); if (before) choose(before, true, true); };

function detail() {
  const place = byId("detail"), thing = seen.chosen, words = w();
  place.hidden = !thing;
  place.replaceChildren();
  if (!thing) return;
  const bar = make("div", place, null, { class: "bar" });
  if (seen.before.length) make("button", bar, words.back, { type: "button", class: "plain", "data-do": "back", onclick: back });
  make("button", bar, words.close, { type: "button", class: "plain", "data-do": "close", onclick: () => choose(null) });
  if (thing.near) aboutNode(place, thing); else aboutLine(place, thing);
}

function aboutNode(place, node) {
  const words = w();
  make("h2", place, node.name, { dir: "auto" });
  const about = make("div", place, null, { class: "about" }), type = make("span", about);
  dot(type, node.type);
  type.append(node.event ? `${words.events}: ${typeName(node.type)}` : typeName(node.type));
  make("span", about, `${number(node.near.size)} ${words.neighbours}`);
  if (!node.visible) make("span", about, words.hidden);
  if (node.also.length) make("p", place, `${words.also}: ${node.also.join(" · ")}`, { class: "about", dir: "auto" });
  const out = node.facts.filter(f => f.head === node), into = node.facts.filter(f => f.head !== node);
  factList(place, node.event ? words.roles : words.out, out, f => f.tail);
  factList(place, words.takes_part, into.filter(f => f.head.event), f => f.head);
  factList(place, words.into, into.filter(f => !f.head.event), f => f.head);
  make("h3", place, words.sentences);
  if (node.places.length) sentences(place, node.places, node.places_in_all);
  else make("p", place, words.no_place);
}

function factList(place, title, some, other) {
  const words = w();
  if (!some.length) return;
  make("h3", place, `${title} (${number(some.length)})`);
  const items = make("ul", place, null, { class: "facts" });
  const fill = most => {
    items.replaceChildren();
    for (const f of some.slice(0, most)) {
      const item = make("li", items, null, { class: f.visible ? "" : "off" });
      make("button", item, f.relation, { type: "button", class: "link", "data-fact": f.id, dir: "auto", title: words.from, onclick: () => choose(f.line, true) });
      item.append(other(f) === f.tail ? " → " : " ← ");
      make("button", item, (other(f).event ? "◆ " : "") + short(other(f).name, 80), { type: "button", class: "link", "data-node": other(f).id, dir: "auto", onclick: () => choose(other(f), true) });
      if (f.confidence !== null) make("i", item, ` ${f.confidence.toFixed(2)}`, { title: words.confidence });
      if (f.ungrounded) make("em", item, ` ${words.not_in}`);
    }
    if (some.length > most) make("button", make("li", items), filled(words.more_nodes, number(some.length - most)), { type: "button", class: "link", onclick: () => fill(some.length) });
  };
  fill(MOST_FACTS);
}

function aboutLine(place, line) {
  const words = w(), head = make("h2", place);
  make("button", head, (line.head.event ? "◆ " : "") + short(line.head.name, 120), { type: "button", class: "link", "data-node": line.head.id, dir: "auto", onclick: () => choose(line.head, true) });
  head.append(" → ");
  make("button", head, short(line.tail.name, 120), { type: "button", class: "link", "data-node": line.tail.id, dir: "auto", onclick: () => choose(line.tail, true) });
  for (const f of line.facts) {
    make("h3", place, null).append(make("bdi", null, f.relation), f.visible ? "" : ` · ${words.hidden}`);
    sentences(place, f.places, f.places_in_all, true);
  }
}

function sentences(place, places, inAll, both) {
  const words = w();
  for (const p of places) sentence(place, p, both);
  if (inAll > places.length) make("p", place, filled(words.more, number(inAll - places.length)));
}

function sentence(place, [snippet, from, headStart, headEnd, tailStart, tailEnd, document, source, model, confidence, ungrounded, where], both) {
  const words = w(), box = make("div", place, null, { class: "place" });
  if (snippet < 0) make("p", box, words.no_text);
  else marked(make("div", box, null, { class: "quote", dir: "auto" }), data.snippets[snippet], from, [["head", headStart, headEnd], ["tail", tailStart, tailEnd]]);
  const about = make("div", box, null, { class: "about" });
  const tell = (name, value) => { if (value !== null) make("span", about, `${words[name]} `).append(make("bdi", null, value)); };
  tell("document", document);
  tell("where", where && placed(where));
  tell("source", source);
  tell("model", model);
  tell("confidence", confidence === null ? null : confidence.toFixed(2));
  const spans = [[headStart, headEnd], ...(both ? [[tailStart, tailEnd]] : [])].filter(s => s[0] !== null);
  tell("characters", spans.length ? spans.map(s => s.join("–")).join(", ") : null);
  if (ungrounded) make("em", about, words.not_in);
}

// Pages and paragraphs in the language of the page; the names of sections and sheets stand in quotes and stay.
function placed(where) {
  const words = w();
  return where.split(/("[^"]*")/).map((part, n) => n % 2 ? part : part.replace(/\b(page|paragraph|row) (\d+)/g, (all, name, n) => filled(words["in_" + name], n))
    .replace(/\b(section|sheet|column) $/, (all, name) => words["in_" + name] + " ").replace(/ to /, ` ${words.in_to} `)).join("");
}

// `spans` count code points of the document, of which the text is the part from `from`.
function marked(box, text, from, spans) {
  const letters = Array.from(text);
  const within = spans.filter(s => s[1] !== null).map(([name, start, end]) => [name, Math.max(0, start - from), Math.min(letters.length, end - from)]).filter(s => s[1] < s[2]);
  const borders = [...new Set([0, letters.length, ...within.flatMap(s => [s[1], s[2]])])].sort((a, b) => a - b);
  for (let n = 0; n + 1 < borders.length; n++) {
    const names = within.filter(s => s[1] <= borders[n] && s[2] >= borders[n + 1]).map(s => s[0]);
    const words = letters.slice(borders[n], borders[n + 1]).join("");
    if (names.length) make("mark", box, words, { class: names.join(" "), title: names.map(name => w()["legend_" + name]).join(", ") }); else box.append(words);
  }
}

document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "Escape") { choose(null); return; }
  if (e.target.matches("input, select, textarea")) return;
  const does = { "/": () => byId("query").focus(), b: back, f: picture.whole, "+": () => picture.zoom(1.4), "=": () => picture.zoom(1.4), "-": () => picture.zoom(1 / 1.4) }[e.key];
  if (does) { e.preventDefault(); does(); }
});
