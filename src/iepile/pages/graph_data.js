// The graph as the script sees it: nodes, facts between them, and lines, each all facts of one direction between two nodes.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const w = () => data.words[data.language];
const filled = (text, ...values) => text.replace(/\{(\d)\}/g, (_, n) => values[n]);
const number = n => n.toLocaleString("en-US");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const folded = text => text.normalize("NFKC").toLocaleLowerCase();
const COLOURS = 8, LETTERS = 26;

// What rows of the data hold: see `_Shown` of view.py.
const nodes = data.nodes.map(([name, type, event, places_in_all, places, also, x, y], id) =>
  ({ id, name, type, event, places_in_all, places, also, x, y, key: folded(name), keys: [name, ...also].map(folded), facts: [], near: new Set(), visible: true, degree: 0 }));
const facts = data.facts.map(([head, tail, relation, places_in_all, ungrounded, confidence, places], id) =>
  ({ id, head: nodes[head], tail: nodes[tail], relation, places_in_all, ungrounded: ungrounded === places_in_all, confidence, places, visible: true }));
const lines = [];
{
  const found = new Map();
  for (const fact of facts) {
    const key = `${fact.head.id} ${fact.tail.id}`;
    if (!found.has(key)) { found.set(key, { id: lines.length, head: fact.head, tail: fact.tail, facts: [], visible: true }); lines.push(found.get(key)); }
    fact.line = found.get(key);
    fact.line.facts.push(fact);
    fact.head.facts.push(fact);
    if (fact.tail !== fact.head) { fact.tail.facts.push(fact); fact.head.near.add(fact.tail); fact.tail.near.add(fact.head); }
  }
  for (const node of nodes) node.degree = node.near.size;
}
const counted = values => {
  const times = new Map();
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
  return [...times].sort((a, b) => b[1] - a[1] || (String(a[0]) < String(b[0]) ? -1 : 1));
};
const types = counted(nodes.map(n => n.type)), relations = counted(facts.map(f => f.relation));
const tone = new Map(types.filter(([type]) => type !== null).map(([type], n) => [type, `t${Math.min(n, COLOURS)}`]));
const toneOf = type => tone.get(type) ?? `t${COLOURS}`;
const typeName = type => type === null ? w().no_type : type;
const short = (text, most = LETTERS) => { const letters = Array.from(text.slice(0, 4 * most).replace(/\s+/g, " ")); return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : letters.join(""); };

function make(name, parent, text, values = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(values))
    if (key.startsWith("on")) made[key] = value; else made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}
