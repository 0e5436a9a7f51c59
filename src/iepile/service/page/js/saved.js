// Corrections that the service keeps: listed, opened again, downloaded as training data, deleted.

import { announce, byId, download, fill, make, short } from "./dom.js";
import { explain } from "./problems.js";
import { corrections } from "./service.js";
import { on, opened, showRun, state } from "./state.js";
import { toast } from "./toast.js";
import { visit } from "./views.js";
import { number, onLanguage, t, time } from "./words.js";

let list = [];

async function load() {
  const place = byId("saved-problem");
  try {
    list = (await corrections.list()).corrections.reverse();
    fill(place);
    show();
  } catch (error) { explain(error, { place, again: load }); }
}

function item(entry) {
  const name = short(entry.text, 80);
  const button = (word, does, look = "") => make("button", { type: "button", class: look, "aria-label": t("of_fact", t(word), name), onclick: does }, t(word));
  return make("li", { class: "card kept" }, make("p", { class: "excerpt", dir: "auto" }, name),
    make("p", { class: "quiet" }, time(entry.saved), " · ", ["entity", "relation", "event"].filter(k => k in entry.facts).map(k => t(`count_${k}`, number(entry.facts[k]))).join(" · ")),
    make("div", { class: "row" }, button("open", () => open(entry), "main"), button("delete", () => remove(entry))));
}

async function open(entry) {
  try {
    const row = await corrections.get(entry.id);
    const doc = opened(row);
    // What was kept has been looked at: it stands as accepted.
    doc.facts = doc.facts.map(f => ({ ...f, verdict: "accepted" }));
    doc.saved = { id: entry.id, facts: doc.facts };
    showRun({ id: `kept ${entry.id}`, time: Date.now() / 1000, title: short(entry.text, 120), schema: state.schema, model: "", documents: [doc], seconds: 0 });
    visit("extract");
    byId("result-title").focus();
  } catch (error) { explain(error, { place: byId("saved-problem"), again: () => open(entry) }); }
}

async function remove(entry) {
  try {
    const document = await corrections.get(entry.id);
    await corrections.remove(entry.id);
    list = list.filter(e => e.id !== entry.id);
    show();
    byId("saved-title").focus();
    const { review: verdicts, ...meta } = document.meta ?? {};
    const back = { document: { ...document, meta }, ...(verdicts && { verdicts }) };
    toast(t("said_deleted"), { label: t("undo"), does: async () => { try { await corrections.save(back); await load(); } catch (error) { explain(error, { place: byId("saved-problem") }); } } });
  } catch (error) { explain(error, { place: byId("saved-problem"), again: () => remove(entry) }); }
}

async function fetchAll() {
  try { download("corrections.jsonl", "application/x-ndjson", await corrections.all()); announce(t("downloaded")); } catch (error) { explain(error, { place: byId("saved-problem"), again: fetchAll }); }
}

function show() {
  fill(byId("saved-list"), list.map(item));
  byId("no-saved").hidden = list.length > 0;
  byId("saved-count").textContent = list.length ? t("saved_count", number(list.length)) : "";
  byId("download-saved").disabled = !list.length;
}

export function startSaved() {
  byId("download-saved").addEventListener("click", fetchAll);
  on("saved view-saved", load);
  onLanguage(show);
}
