// The result as a table: one row a fact, sorted by any column, narrowed by what one types.

import { byId, fill, make } from "./dom.js";
import { inWords } from "./facts.js";
import { placeInWords } from "./places.js";
import { choose, current, on, shown, state, tones } from "./state.js";
import { visit } from "./views.js";
import { number, onLanguage, percent, t } from "./words.js";

const STEP = 200;
let most = STEP, sort = { by: "start", down: false }, typed = "";

const COLUMNS = {
  kind: f => t(`kind_one_${f.kind}`),
  type: f => f.type,
  words: f => inWords(f),
  place: f => placeInWords(current().row, f.start),
  start: f => f.start ?? Infinity,
  confidence: f => f.confidence ?? -1,
  verdict: f => f.verdict ? t(`verdict_${f.verdict}`) : "",
};

const compare = (a, b) => typeof a === "number" ? (a < b ? -1 : a > b ? 1 : 0) : a.localeCompare(b);

function rows() {
  const folded = typed.normalize("NFKC").toLocaleLowerCase(), read = COLUMNS[sort.by];
  return shown().map(f => ({ ...f, start: f.parts.map(p => p.start).filter(s => s != null).sort((a, b) => a - b)[0] }))
    .filter(f => !folded || `${f.type} ${inWords(f)}`.normalize("NFKC").toLocaleLowerCase().includes(folded))
    .map(f => [read(f), f]).sort((a, b) => (sort.down ? -1 : 1) * compare(a[0], b[0]) || a[1].id - b[1].id).map(([, f]) => f);
}

export function showTable() {
  const doc = current();
  if (!doc) return;
  const all = rows(), tone = tones();
  const columns = Object.keys(COLUMNS).filter(c => c !== "place" || Array.isArray(doc.row.meta?.places));
  fill(byId("table-head"), make("tr", {}, columns.map(c => make("th", { scope: "col", "aria-sort": sort.by === c ? (sort.down ? "descending" : "ascending") : null },
    make("button", { type: "button", "data-column": c, onclick: () => by(c) }, t(`column_${c}`), make("span", { class: "way", "aria-hidden": "true" }, sort.by === c ? (sort.down ? "↓" : "↑") : ""))))));
  fill(byId("table-body"), all.slice(0, most).map(f => make("tr", { class: `${f.verdict} ${f.id === state.chosen ? "chosen" : ""}`, "data-id": f.id, onclick: () => choose(f.id, "table") },
    columns.map(c => make("td", { class: `col-${c}` }, cell(c, f, tone))))));
  byId("more-rows").hidden = all.length <= most;
  byId("more-rows").textContent = t("more", number(Math.max(0, all.length - most)));
  byId("table-found").textContent = t("rows", number(all.length));
}

function cell(column, f, tone) {
  if (column === "type") return make("span", { class: `label ${f.kind === "relation" ? "plain" : tone(f)} ${f.kind}` }, f.type);
  if (column === "confidence") return f.confidence === null ? "" : percent(f.confidence);
  if (column === "start") return f.start === undefined ? "" : number(f.start);
  if (column === "words") return make("button", { type: "button", class: "link", onclick: e => { e.stopPropagation(); choose(f.id, "table"); visit("extract"); byId("tab-text").click(); } }, inWords(f));
  return COLUMNS[column](f);
}

function by(column) {
  sort = { by: column, down: sort.by === column ? !sort.down : column === "confidence" };
  showTable();
  byId("table-head").querySelector(`[data-column="${column}"]`).focus();
}

export function startTable() {
  const again = () => { if (state.view === "table") showTable(); };
  byId("table-filter").addEventListener("input", e => { typed = e.target.value; most = STEP; again(); });
  byId("more-rows").addEventListener("click", () => { most += STEP; showTable(); });
  on("run", () => { most = STEP; });
  on("run facts filter", again);
  on("chosen", () => { for (const row of byId("table-body").children) row.classList.toggle("chosen", +row.dataset.id === state.chosen); });
  onLanguage(again);
}
