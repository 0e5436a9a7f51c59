// The page comes to life: words first, then what is shown, then what the service has to say.

import { setLimits, startCompose } from "./compose.js";
import { byId, fill, make } from "./dom.js";
import { startDocuments } from "./documents.js";
import { startFactList } from "./fact_list.js";
import { startFilters } from "./filters.js";
import { restoreLast, startHistory } from "./history_view.js";
import { dressButtons, icon } from "./icons.js";
import { keep, kept } from "./kept.js";
import { startKeys } from "./keys.js";
import { explainAbove } from "./problems.js";
import { startResult } from "./result.js";
import { startGraph } from "./result_graph.js";
import { startJson } from "./result_json.js";
import { startTable } from "./result_table.js";
import { startText } from "./result_text.js";
import { startReview } from "./review.js";
import { startReviewForm } from "./review_form.js";
import { startSaved } from "./saved.js";
import { startEditor } from "./schema_editor.js";
import { startExchange } from "./schema_exchange.js";
import { startGallery } from "./schema_gallery.js";
import { startModel } from "./schema_model.js";
import { models, settings } from "./service.js";
import { startViews } from "./views.js";
import { firstLanguage, language, onLanguage, speak, t } from "./words.js";

const DRESSES = ["auto", "light", "dark"];

function dress(name) {
  if (name === "auto") delete document.documentElement.dataset.dress; else document.documentElement.dataset.dress = name;
  const button = byId("dress");
  fill(button, icon(name));
  button.setAttribute("aria-label", t("dress", t(`dress_${name}`)));
  button.title = t("dress", t(`dress_${name}`));
  dispatchEvent(new Event("dress"));
}

async function askService() {
  try {
    setLimits(await settings());
    const held = await models();
    fill(byId("model"), held.map(m => make("option", { value: m.id }, m.id)));
    byId("model-box").hidden = held.length < 2;
    fill(byId("page-problem"));
  } catch (error) {
    explainAbove(error, askService);
  }
}

function start() {
  dressButtons();
  startModel();
  for (const begin of [startCompose, startResult, startText, startFilters, startFactList, startReview, startReviewForm, startTable, startJson, startGraph, startEditor, startExchange, startSaved, startHistory, startKeys]) begin();
  onLanguage(() => { byId("language").textContent = t("other_language"); byId("language").lang = language() === "en" ? "zh-CN" : "en"; dress(kept("dress", "auto")); });
  byId("language").addEventListener("click", () => speak(language() === "en" ? "zh" : "en", true));
  byId("dress").addEventListener("click", () => { const next = DRESSES[(DRESSES.indexOf(kept("dress", "auto")) + 1) % DRESSES.length]; keep("dress", next); dress(next); });
  addEventListener("token", askService);
}

start();
await speak(firstLanguage());
startViews();
document.body.classList.add("ready");
await Promise.all([askService(), restoreLast()]);
await Promise.all([startGallery(), startDocuments()]);
document.body.dataset.state = "ready";
