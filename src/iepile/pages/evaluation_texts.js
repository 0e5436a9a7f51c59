// The error browser: filters, the list of texts, and one text with its facts.
const filter = { task: "", kind: data.wrong ? "*" : "", label: "", source: "", query: "", sort: "line", pair: null, group: null };
const seen = { list: [], at: 0, fact: null };
const fullLabel = (label, role) => role ? `${label}|${role}` : label;
const goldName = f => f.gold ? fullLabel(f.label, f.role) : null;
const answeredName = f => f.answered ? fullLabel(f.answered_label, f.answered_role) : null;
const labelsOf = f => [f.label, f.answered_label].filter(l => l !== null);

function meets(f) {
  if (filter.kind === "*" ? f.kind === "right" : filter.kind && f.kind !== filter.kind) return false;
  if (filter.group && f.group !== filter.group) return false;
  if (filter.label && !labelsOf(f).includes(filter.label)) return false;
  return !filter.pair || (goldName(f) === filter.pair[0] && answeredName(f) === filter.pair[1]);
}

function matching() {
  const query = filter.query.toLocaleLowerCase();
  const byFact = filter.kind || filter.label || filter.pair || filter.group;
  const found = data.texts.filter(t => (!filter.task || t.task === filter.task)
    && (filter.source === "" || t.source === JSON.parse(filter.source))
    && (!query || t.text.toLocaleLowerCase().includes(query) || t.id.toLocaleLowerCase().includes(query))
    && (!byFact || t.facts.some(meets)));
  const errors = t => t.facts.filter(f => f.kind !== "right" && meets(f));
  const sure = (t, best) => { const all = errors(t).map(f => f.confidence).filter(c => c !== null); return all.length ? best(...all) : null; };
  const last = (a, b, way) => a === null ? (b === null ? 0 : 1) : b === null ? -1 : way * (a - b);
  const orders = {
    errors: (a, b) => errors(b).length - errors(a).length,
    sure: (a, b) => last(sure(a, Math.max), sure(b, Math.max), -1),
    unsure: (a, b) => last(sure(a, Math.min), sure(b, Math.min), 1),
  };
  return orders[filter.sort] ? found.toSorted(orders[filter.sort]) : found;
}

// From a plot or the matrix: only what is asked for is filtered.
function browse(wanted) {
  Object.assign(filter, { task: "", kind: "", label: "", source: "", query: "", pair: null, group: null }, wanted);
  browser();
  byId("browser").scrollIntoView();
}

function browser() {
  const words = w();
  byId("browser-title").textContent = words.browser;
  byId("sample").textContent = data.texts.length < data.of
    ? filled(words.sample, number(data.texts.length), number(data.of), number(data.wrong)) : filled(words.every, number(data.of), number(data.wrong));
  byId("keys").textContent = words.keys;
  const place = byId("filters");
  place.replaceChildren();
  const unique = values => [...new Set(values)].sort();
  const select = (name, title, entries) => {
    const field = make("select", make("label", place, title), null, { "data-filter": name,
      onchange: e => { filter[name] = e.target.value; list(); } });
    for (const [value, text] of entries) field.add(new Option(text, value, false, value === filter[name]));
  };
  const every = ["", words.any], facts = data.texts.flatMap(t => t.facts);
  const times = new Map();
  for (const f of facts) times.set(f.kind, (times.get(f.kind) ?? 0) + 1);
  select("task", words.task, [every, ...unique(data.texts.map(t => t.task)).map(t => [t, t])]);
  select("kind", words.class, [every, ["*", words.any_error], ...[...data.classes, "right"].filter(k => times.has(k) || k === filter.kind)
    .map(k => [k, `${named(k)} (${number(times.get(k) ?? 0)})`])]);
  select("label", words.label, [every, ...unique(facts.flatMap(labelsOf)).map(l => [l, l])]);
  select("source", words.source, [every, ...unique(data.texts.map(t => t.source)).map(s => [JSON.stringify(s), s || words.unnamed])]);
  select("sort", words.sort, ["line", "errors", "sure", "unsure"].map(s => [s, words["sort_" + s]]));
  make("input", make("label", place, words.search), null, { type: "search", id: "query", autocomplete: "off",
    oninput: e => { filter.query = e.target.value; list(); } }).value = filter.query;
  const only = filter.pair ? filled(words.pair, filter.pair[0] ?? words.nothing, filter.pair[1] ?? words.nothing) : filter.group && named(filter.group);
  if (only) make("button", place, only + " ×",
    { class: "chip", type: "button", "aria-label": `${words.remove}: ${only}`, onclick: () => { filter.pair = filter.group = null; browser(); } });
  list();
}

function list() {
  const words = w(), place = byId("list");
  seen.list = matching();
  byId("found").textContent = filled(words.found, number(seen.list.length));
  place.replaceChildren();
  place.setAttribute("aria-label", words.texts);
  seen.list.forEach((t, n) => {
    const item = make("li", place, null, { role: "option", id: `text-${n}`, onclick: () => open(n) });
    make("div", item, Array.from(t.text.slice(0, 400)).slice(0, 120).join("").replace(/\s+/g, " "), { dir: "auto" });
    const small = make("small", item), errors = t.facts.filter(f => f.kind !== "right").length;
    make("span", small, [t.task, t.source, `${words.line} ${t.line}`].filter(Boolean).join(" · "));
    make("b", small, errors ? `✗ ${errors}` : "✓");
  });
  open(0);
}

function open(n) {
  const place = byId("list"), detail = byId("detail");
  place.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
  seen.at = Math.max(0, Math.min(n, seen.list.length - 1));
  detail.replaceChildren();
  if (!seen.list.length) { place.removeAttribute("aria-activedescendant"); make("p", detail, w().none_found); return; }
  const item = place.children[seen.at];
  item.setAttribute("aria-selected", "true");
  place.setAttribute("aria-activedescendant", item.id);
  const [top, bottom] = [item.offsetTop - place.offsetTop, item.offsetTop - place.offsetTop + item.offsetHeight];
  if (top < place.scrollTop) place.scrollTop = top;
  if (bottom > place.scrollTop + place.clientHeight) place.scrollTop = bottom - place.clientHeight;
  one(detail, seen.list[seen.at]);
}

function one(parent, t) {
  const words = w();
  const steps = make("div", parent, null, { class: "steps" });
  make("button", steps, `← ${words.previous}`, { class: "plain", type: "button", onclick: () => open(seen.at - 1) });
  make("span", steps, `${number(seen.at + 1)} / ${number(seen.list.length)}`);
  make("button", steps, `${words.next} →`, { class: "plain", type: "button", onclick: () => open(seen.at + 1) });
  const where = make("div", parent, null, { class: "place" });
  for (const part of [t.task, t.source, `${words.line} ${t.line}`, t.id]) if (part) make("span", where, part);
  const legend = make("div", parent, null, { class: "legend" });
  for (const name of ["legend_gold", "legend_answered", "legend_dashed", "legend_right"]) make("span", legend, words[name]);
  seen.fact = null;
  markedText(parent, t.text, t.facts, choose);
  if (t.characters > Array.from(t.text).length) make("p", parent, filled(words.cut, number(t.characters), number(Array.from(t.text).length)));
  const wrong = t.facts.filter(f => f.kind !== "right"), right = t.facts.length - wrong.length;
  make("h3", parent, wrong.length ? `${words.errors_here} (${wrong.length})` : words.no_errors_here);
  const facts = make("ul", parent, null, { class: "facts" });
  t.facts.forEach((f, n) => { if (f.kind !== "right") factItem(facts, f, n); });
  if (right) {
    const box = make("details", parent);
    make("summary", box, `${words.rights} (${number(right)})`);
    const rest = make("ul", box, null, { class: "facts rights" });
    t.facts.forEach((f, n) => { if (f.kind === "right") factItem(rest, f, n); });
  }
  if (t.more) make("p", parent, filled(words.more, number(t.more)));
  if (t.events) events(parent, t.events);
  if (t.problems.length) {
    make("h3", parent, words.problems);
    const odd = make("ol", parent, null, { class: "faults" });
    for (const [line, kind, what] of t.problems) make("li", odd, `${words.line} ${line} · ${look(words.odd, kind)}: ${what}`);
  }
}

function factItem(parent, f, n) {
  const words = w(), wrong = f.kind !== "right", tone = `var(--${family(f.kind)})`;
  const item = make("li", parent, null, { "data-fact": n, tabindex: "0", onclick: () => choose(n), onmouseenter: () => light(n), onmouseleave: () => light(seen.fact),
    onkeydown: e => { if (e.key === "Enter") choose(n); } });
  if (filter.kind || filter.label || filter.group) item.classList.toggle("dim", wrong && !meets(f));
  if (wrong) {
    make("span", item, n + 1, { class: "n" }).style.color = tone;
    const kind = make("span", item, named(f.kind), { class: "kind" });
    kind.style.color = tone;
    make("br", kind);
    make("em", kind, `${named(f.group)} · ${words.line} ${f.line}`);
  }
  const sides = make("span", item, null, { class: "sides" });
  for (const side of wrong ? SIDES : ["answered"]) {
    if (!f[side]) continue;
    make("i", sides, wrong ? words[side] : named(f.group));
    const line = make("span", sides);
    make("b", line, fullLabel(...(side === "gold" ? [f.label, f.role] : [f.answered_label, f.answered_role])).replace("|", " · "));
    for (const [name, text, start] of f[side]) {
      line.append(" ");
      if (!f.role && name !== "mention" && name !== "trigger") line.append(`${named(name)} `);
      make("q", line, text, { dir: "auto" });
      if (start === null) { line.append(" "); make("em", line, `(${words.not_in})`); }
    }
    if (side === "answered" && f.confidence !== null) { line.append(" "); make("em", line, f.confidence.toFixed(2), { title: words.confidence }); }
  }
}

function events(parent, both) {
  const words = w(), box = make("details", parent), two = make("div", box, null, { class: "two" });
  box.prepend(make("summary", null, words.events));
  both.forEach((of, n) => {
    const side = make("div", two);
    make("b", side, n ? words.events_answered : words.events_gold);
    if (!of.length) make("p", side, words.no_event);
    for (const [type, trigger, roles] of of) {
      make("div", side, `${type}: ${trigger ?? words.no_trigger}`);
      const items = make("ul", side);
      for (const [role, text] of roles) make("li", items, `${role}: ${text}`);
    }
  });
}

function light(n) {
  for (const mark of byId("detail").querySelectorAll(".mark"))
    mark.classList.toggle("lit", n !== null && mark.dataset.facts.split(" ").includes(String(n)));
}

function choose(n) {
  seen.fact = n;
  light(n);
  byId("detail").querySelector(".facts .on")?.classList.remove("on");
  const item = byId("detail").querySelector(`[data-fact="${n}"]`);
  item.closest("details")?.setAttribute("open", "");
  item.classList.add("on");
  item.scrollIntoView({ block: "nearest" });
}

function step(way) {
  const wrong = (seen.list[seen.at]?.facts ?? []).filter(f => f.kind !== "right").length;
  if (wrong) choose(seen.fact === null ? (way > 0 ? 0 : wrong - 1) : (seen.fact + way + wrong) % wrong);
}

document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, select, textarea")) return;
  const here = byId("list") === document.activeElement;
  const does = { j: () => open(seen.at + 1), k: () => open(seen.at - 1), n: () => step(1), p: () => step(-1),
    "/": () => byId("query").focus(), ...(here && { ArrowDown: () => open(seen.at + 1), ArrowUp: () => open(seen.at - 1),
      Home: () => open(0), End: () => open(seen.list.length - 1) }) }[e.key];
  if (does) { e.preventDefault(); does(); }
});
