// The result around its four views: title, documents of the run, tabs.

import { byId, fill, make, short } from "./dom.js";
import { moreDocuments } from "./documents.js";
import { showGraph } from "./result_graph.js";
import { showJson } from "./result_json.js";
import { legend, showText } from "./result_text.js";
import { showTable } from "./result_table.js";
import { current, on, showDocument, state } from "./state.js";
import { number, onLanguage, t, time } from "./words.js";

const TABS = { text: showText, table: showTable, graph: showGraph, json: showJson };

export function showTab(name, focus = false) {
  state.view = name;
  for (const tab of Object.keys(TABS)) {
    const here = tab === name, button = byId(`tab-${tab}`);
    button.setAttribute("aria-selected", String(here));
    button.tabIndex = here ? 0 : -1;
    byId(`pane-${tab}`).hidden = !here;
    if (here && focus) button.focus();
  }
  if (current()) TABS[name]();
}

export function moveDocument(by) {
  showDocument(state.at + by);
}

function head() {
  const { run } = state, doc = current();
  byId("result").hidden = !doc;
  byId("welcome").hidden = Boolean(doc);
  if (!doc) return;
  const title = doc.row.meta?.title ?? (run.documents.length > 1 && doc.row.id && !/^[0-9a-f]{64}/.test(doc.row.id) ? doc.row.id : null) ?? short(run.title, 70);
  byId("result-title").textContent = title;
  byId("result-about").textContent = [time(run.time), run.model, run.seconds ? t("seconds", number(Math.max(0.1, Math.round(run.seconds * 10) / 10))) : ""].filter(Boolean).join(" · ");
  documents();
  legend(byId("legend"));
}

function documents() {
  const { run, at } = state, many = run.documents.length > 1 || (run.total ?? 0) > run.documents.length;
  byId("document-steps").hidden = !many;
  if (!many) return;
  fill(byId("document"), run.documents.map((d, n) => make("option", { value: n }, `${number(n + 1)}. ${short(d.row.id && !/^[0-9a-f]{64}/.test(d.row.id) ? d.row.id : d.row.text, 40)} (${number(d.facts.length)})`)));
  byId("document").value = at;
  byId("document-of").textContent = t("document_of", number(at + 1), number(run.total ?? run.documents.length));
  byId("before").disabled = at === 0;
  byId("after").disabled = at === run.documents.length - 1;
  byId("more-documents").hidden = !(run.job && run.documents.length < run.total);
}

export function startResult() {
  const tabs = Object.keys(TABS);
  for (const tab of tabs) byId(`tab-${tab}`).addEventListener("click", () => showTab(tab));
  byId("tabs").addEventListener("keydown", e => {
    const at = tabs.indexOf(state.view), to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    showTab(tabs[(to + tabs.length) % tabs.length], true);
  });
  byId("before").addEventListener("click", () => moveDocument(-1));
  byId("after").addEventListener("click", () => moveDocument(1));
  byId("document").addEventListener("change", e => showDocument(+e.target.value));
  byId("more-documents").addEventListener("click", moreDocuments);
  on("run", () => { head(); showTab(state.view); });
  on("facts documents", () => { if (current()) { documents(); legend(byId("legend")); } });
  onLanguage(() => { head(); });
}
