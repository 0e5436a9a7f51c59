// The result as the unified format writes it: to read, to copy, to download as JSON lines.

import { byId, download, fill } from "./dom.js";
import { lookedFor, rowWith } from "./facts.js";
import { explain } from "./problems.js";
import { jobs } from "./service.js";
import { current, looked, on, opened, passes, standing, state } from "./state.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const MOST = 200_000, AT_ONCE = 500;

const shownRow = () => rowWith(current().row, standing(), looked());

export function showJson() {
  if (!current()) return;
  const text = JSON.stringify(shownRow(), null, 1);
  byId("json").textContent = text.length > MOST ? `${text.slice(0, MOST)}\n…` : text;
}

const shownOf = doc => rowWith(doc.row, doc.facts.filter(f => passes(f) && f.verdict !== "rejected"), lookedFor(doc.row, state.run.schema, doc.facts));

// Rows of all documents of the run, as filtered and reviewed. Those of a job that were not loaded are fetched from the service.
export async function allRows() {
  const { run } = state, rows = run.documents.map(shownOf);
  while (run.job && rows.length < run.total) {
    const more = await jobs.result(run.job, rows.length, AT_ONCE);
    if (!more.length) break;
    rows.push(...more.map(row => shownOf(opened(row))));
  }
  return rows;
}

async function save() {
  const button = byId("download");
  button.disabled = true;
  try {
    download("iepile.jsonl", "application/x-ndjson", (await allRows()).map(row => `${JSON.stringify(row)}\n`).join(""));
    fill(byId("json-problem"));
  } catch (error) { explain(error, { place: byId("json-problem"), again: save }); }
  button.disabled = false;
}

export function startJson() {
  byId("copy").addEventListener("click", async () => {
    const text = JSON.stringify(shownRow(), null, 1);
    try { await navigator.clipboard.writeText(text); toast(t("copied")); } catch {
      // No clipboard without https: select it, so that the keys of the system copy it.
      getSelection().selectAllChildren(byId("json"));
      toast(t("copy_by_hand"));
    }
  });
  byId("download").addEventListener("click", save);
  on("run facts filter", () => { if (state.view === "json") showJson(); });
}
