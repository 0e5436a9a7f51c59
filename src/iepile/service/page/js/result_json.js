// The result as the unified format writes it: to read, to copy, to download as JSON lines.

import { byId, download } from "./dom.js";
import { lookedFor, rowWith } from "./facts.js";
import { current, on, passes, standing, state, looked } from "./state.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const MOST = 200_000;

const shownRow = () => rowWith(current().row, standing(), looked());

export function showJson() {
  if (!current()) return;
  const text = JSON.stringify(shownRow(), null, 1);
  byId("json").textContent = text.length > MOST ? `${text.slice(0, MOST)}\n…` : text;
}

export function allLines() {
  return state.run.documents.map(doc => JSON.stringify(rowWith(doc.row, doc.facts.filter(f => passes(f) && f.verdict !== "rejected"), lookedFor(doc.row, state.run.schema, doc.facts)))).join("\n") + "\n";
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
  byId("download").addEventListener("click", () => download("iepile.jsonl", "application/x-ndjson", allLines()));
  on("run facts filter", () => { if (state.view === "json") showJson(); });
}
