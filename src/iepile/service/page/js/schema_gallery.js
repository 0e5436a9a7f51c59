// Schemas to start from: examples written for this page, with a text to try each on, and those that the service holds.

import { byId, fill, make } from "./dom.js";
import { setText, text } from "./compose.js";
import { explain } from "./problems.js";
import { empty, replace, undoSchema } from "./schema_model.js";
import { schemaOf, schemas } from "./service.js";
import { tell } from "./state.js";
import { toast } from "./toast.js";
import { visit } from "./views.js";
import { language, number, onLanguage, t } from "./words.js";

let samples = [], served = [], found = "";

export async function startGallery() {
  onLanguage(show);
  byId("gallery-search").addEventListener("input", e => { found = e.target.value; show(); });
  addEventListener("token", load);
  samples = await (await fetch(new URL("../words/samples.json", import.meta.url))).json();
  show();
  await load();
}

async function load() {
  try { served = await schemas(); } catch (error) { if (error.kind !== "token") console.info("schemas", error.kind); served = []; }
  show();
}

function use(schema, words = null) {
  const before = text(), had = !empty();
  replace(schema);
  tell("schema-replaced");
  if (words !== null) setText(words);
  visit(words === null ? "schema" : "extract");
  if (words === null) scrollTo({ top: 0 });
  const changedText = words !== null && before.trim() && before !== words;
  toast(t(words === null ? "schema_taken" : "example_taken"), had || changedText ? { label: t("undo"), does: () => { undoSchema(); tell("schema-replaced"); if (words !== null) setText(before); } } : null);
}

const counts = schema => ["entities", "relations", "events"].map(k => [k, Array.isArray(schema[k]) ? schema[k].length : typeof schema[k] === "number" ? schema[k] : Object.keys(schema[k] ?? {}).length]).filter(([, n]) => n).map(([k, n]) => t(`count_${k}`, number(n))).join(" · ");

function show() {
  const folded = found.normalize("NFKC").toLocaleLowerCase(), hit = (...words) => !folded || words.join(" ").toLocaleLowerCase().includes(folded);
  const ordered = [...samples].sort((a, b) => (b.language === language()) - (a.language === language()));
  fill(byId("samples"), ordered.filter(s => hit(s.name, s.about, JSON.stringify(s.schema))).map(s => make("li", { class: "card", lang: s.language },
    make("h3", {}, s.name), make("p", {}, s.about), make("p", { class: "quiet", lang: language() }, counts(s.schema)),
    make("div", { class: "row", lang: language() }, make("button", { type: "button", class: "main", "aria-label": t("of_fact", t("try_it"), s.name), onclick: () => use(s.schema, s.text) }, t("try_it")),
      make("button", { type: "button", "aria-label": t("of_fact", t("schema_only"), s.name), onclick: () => use(s.schema) }, t("schema_only"))))));
  fill(byId("welcome-samples"), ordered.filter(s => s.language === language()).map(s => make("button", { type: "button", onclick: () => use(s.schema, s.text) }, s.name)));
  const held = served.filter(s => hit(s.name, s.about ?? ""));
  byId("served-box").hidden = !served.length;
  fill(byId("served"), held.map(s => make("li", {}, make("button", { type: "button", class: "served", onclick: () => take(s.name) },
    make("b", {}, s.name), make("span", {}, s.about ?? ""), make("small", { class: "quiet" }, counts(s.labels ?? {}))))));
}

async function take(name) {
  try { use(await schemaOf(name)); } catch (error) { explain(error, { place: byId("schema-problem"), again: () => take(name) }); }
}
