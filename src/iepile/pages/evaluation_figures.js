// Figures in words and tables: the headline, what was odd about the rows, and the table one can sort.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const w = () => data.words[data.language];
const look = (table, key) => Object.hasOwn(table ?? {}, key) ? table[key] : key;
const named = key => look(w().names, key);
const filled = (text, ...values) => text.replace(/\{(\d)\}/g, (_, n) => values[n]);
const number = n => n.toLocaleString("en-US");
const percent = x => x.toFixed(2);
const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const family = kind => look(data.words.families, kind) === kind && kind !== "right" && kind !== "missing" ? "part"
  : look(data.words.families, kind);

// A row of a part: see `_rows` of report_page.py.
const [TASK, GROUP, VALUE, TEXTS, RIGHT, ANSWERED, GOLD, P, R, F1, P_IN, R_IN, F1_IN] = Array(13).keys();
const state = { group: 0, part: "label", sort: [GOLD, -1] };
const chosen = () => data.groups[state.group];
const rowsOf = part => data.parts[part].filter(r => r[TASK] === chosen()[0] && r[GROUP] === chosen()[1]);
const total = (task, group) => data.parts.all.find(r => r[TASK] === task && r[GROUP] === group);
const within = bounds => `[${percent(bounds[0])}, ${percent(bounds[1])}]`;

function make(name, parent, text, values = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(values))
    if (key.startsWith("on")) made[key] = value; else made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

function valueName(part, value) {
  if (part === "language") return named(value);
  if (part === "source") return value || w().unnamed;
  if (part !== "length") return value;
  return value ? `≤ ${value}` : `> ${data.longest}`;
}

function headline() {
  const words = w();
  byId("title").textContent = `${words.page} · ${data.file}`;
  byId("rules").textContent = `${words.rules}: ${data.setting} · ${look(words.rule, data.match)} · ${look(words.rule, data.match_mode)}`;
  byId("interval").textContent = filled(words.interval, number(data.draws), number(data.of));
  byId("switch").textContent = words.other;
  const cards = byId("cards"), field = byId("field"), odd = byId("oddities");
  for (const place of [cards, field, odd]) place.replaceChildren();
  for (const [task, group, main] of data.groups) {
    if (!main) continue;
    const r = total(task, group), card = make("div", cards, null, { class: "card", "data-task": task, "data-group": group });
    make("h2", card, `${task} · ${named(group)}`);
    const big = make("div", card, `F1 ${percent(r[F1])} `, { class: "f1" });
    make("small", big, within(r[F1_IN]));
    const list = make("dl", card);
    for (const [name, at, bounds] of [["P", P, P_IN], ["R", R, R_IN]]) {
      make("dt", list, name);
      make("small", make("dd", list, percent(r[at]) + " "), within(r[bounds]));
    }
    make("p", card, `${words.right} ${number(r[RIGHT])} · ${words.answered} ${number(r[ANSWERED])} · ${words.gold} ${number(r[GOLD])}`);
  }
  const further = data.groups.filter(g => !g[2]).map(([task, group]) => total(task, group)).filter(Boolean);
  if (further.length) {
    const box = make("details", field, null, { class: "box" });
    make("summary", box, words.field);
    const table = make("table", make("div", box, null, { class: "scroll" }), null, { class: "figures" });
    headings(table, words.show);
    const body = make("tbody", table);
    for (const r of further) figureRow(body, `${r[TASK]} · ${named(r[GROUP])}`, r);
  }
  if (data.completion.length) {
    const box = make("details", field, null, { class: "box", open: "" });
    make("summary", box, words.completion);
    const table = make("table", make("div", box, null, { class: "scroll" }), null, { class: "figures", id: "completion" });
    const head = make("tr", make("thead", table)), body = make("tbody", table);
    for (const name of [words.show, "P", "R", "F1", words.right, words.answered, words.gold]) make("th", head, name, { scope: "col" });
    for (const [task, part, ...figures] of data.completion) {
      const row = make("tr", body);
      make("th", row, `${task} · ${named(part)}`, { scope: "row" });
      figures.forEach((figure, n) => make("td", row, n < 3 ? percent(figure) : number(figure)));
    }
  }
  const box = make("details", odd, null, { class: "box" });
  make("summary", box, words.oddities + (data.notes.length ? ` · ${words.faults}` : ""));
  const counts = make("ul", box, null, { class: "facts-of-rows" });
  for (const [name, n] of data.counts) {
    const item = make("li", counts, look(words.counts, name) + " ");
    make("b", item, number(n));
  }
  if (data.notes.length) {
    box.open = true;
    make("h3", box, words.faults);
    const faults = make("ol", box, null, { class: "faults" });
    for (const [line, problem] of data.notes) make("li", faults, `${words.line} ${line}: ${problem}`);
  }
}

function columns() {
  const words = w();
  return [[words.texts, TEXTS], ["P", P], ["R", R], ["F1", F1], [words.right, RIGHT], [words.answered, ANSWERED], [words.gold, GOLD]];
}

function headings(table, first, sort) {
  const row = make("tr", make("thead", table));
  for (const [name, at] of [[first, VALUE], ...columns()]) {
    const cell = make("th", row, null, { scope: "col" });
    if (!sort) { cell.textContent = name; continue; }
    const on = state.sort[0] === at;
    cell.setAttribute("aria-sort", on ? (state.sort[1] > 0 ? "ascending" : "descending") : "none");
    make("button", cell, name + (on ? (state.sort[1] > 0 ? " ▲" : " ▼") : ""), { type: "button", onclick: () => sort(at) });
  }
}

function figureRow(body, name, r) {
  const row = make("tr", body);
  make("th", row, name, { scope: "row" });
  for (const [, at] of columns()) {
    const figure = [P, R, F1].includes(at);
    const cell = make("td", row, figure ? percent(r[at]) : number(r[at]));
    if (figure) { cell.append(" "); make("small", cell, within(r[at + 3])); }
  }
}

function table() {
  const words = w(), place = byId("table"), parts = byId("parts");
  byId("tables-title").textContent = words.tables;
  place.replaceChildren();
  parts.replaceChildren();
  for (const part of ["label", "source", "length", "language"]) {
    if (!rowsOf(part).length) continue;
    make("button", parts, words[part], { class: "tab", type: "button", "data-part": part, "aria-pressed": part === state.part,
      onclick: () => { state.part = part; table(); byId("parts").querySelector(`[data-part=${part}]`).focus(); } });
  }
  const part = rowsOf(state.part).length ? state.part : "source";
  headings(place, words[part], at => {
    state.sort = [at, state.sort[0] === at ? -state.sort[1] : at === VALUE ? 1 : -1];
    table();
    place.querySelectorAll("th button")[[VALUE, ...columns().map(c => c[1])].indexOf(at)].focus();
  });
  const [at, way] = state.sort;
  const size = v => v === "" ? Infinity : +v;
  const order = part === "length" && at === VALUE ? (a, b) => size(a[at]) - size(b[at])
    : (a, b) => typeof a[at] === "string" ? (a[at] < b[at] ? -1 : a[at] > b[at] ? 1 : 0) : a[at] - b[at];
  const body = make("tbody", place);
  for (const r of rowsOf(part).toSorted((a, b) => way * order(a, b))) figureRow(body, valueName(part, r[VALUE]), r);
}
