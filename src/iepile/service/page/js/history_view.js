// Earlier runs, as this browser keeps them.

import { byId, fill, make, short } from "./dom.js";
import { forget, forgetAll, restored, runs } from "./history.js";
import { setText } from "./compose.js";
import { on, showRun } from "./state.js";
import { visit } from "./views.js";
import { number, onLanguage, t, time } from "./words.js";

let sure = 0;

async function show() {
  const all = await runs();
  byId("no-history").hidden = all.length > 0;
  byId("forget-all").hidden = !all.length;
  byId("forget-all").textContent = t("forget_all");
  fill(byId("history-list"), all.map(run => {
    const name = short(run.title, 80), button = (word, does, look = "") => make("button", { type: "button", class: look, "aria-label": t("of_fact", t(word), name), onclick: does }, t(word));
    return make("li", { class: "card kept" }, make("p", { class: "excerpt", dir: "auto" }, name),
      make("p", { class: "quiet" }, time(run.time), " · ", t("count_documents", number(run.documents.length)), " · ", t("count_facts", number(run.facts)), run.model ? ` · ${run.model}` : ""),
      make("div", { class: "row" }, button("restore", () => restore(run), "main"), button("delete", async () => { await forget(run.id); byId("history-title").focus(); })));
  }));
}

function restore(run) {
  showRun(restored(run));
  if (!run.job && run.documents.length === 1) setText(run.documents[0].row.text);
  visit("extract");
  byId("result-title").focus();
}

export async function restoreLast() {
  const [last] = await runs();
  if (last) showRun(restored(last));
}

export function startHistory() {
  // Clearing cannot be undone, so it is asked for twice.
  byId("forget-all").addEventListener("click", async e => {
    if (Date.now() - sure > 4000) { sure = Date.now(); e.target.textContent = t("forget_sure"); setTimeout(show, 4100); return; }
    sure = 0;
    await forgetAll();
    byId("history-title").focus();
  });
  on("history view-history", show);
  onLanguage(show);
}
