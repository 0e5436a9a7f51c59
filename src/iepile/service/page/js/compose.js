// What goes in: a text or files, a schema, the few settings. The draft is kept, so that nothing typed is lost.

import { announce, byId, fill, later, make } from "./dom.js";
import { keepNow, keepRun } from "./history.js";
import { icon } from "./icons.js";
import { sendFiles } from "./documents.js";
import { kept, keep } from "./kept.js";
import { explain } from "./problems.js";
import { empty, faults, written } from "./schema_model.js";
import { extract, extractStream } from "./service.js";
import { on, opened, showRun, state, tell } from "./state.js";
import { noToast } from "./toast.js";
import { visit } from "./views.js";
import { number, onLanguage, t } from "./words.js";

let files = [], running = null, limits = { max_characters: 200_000, max_texts: 64, max_file: 64 << 20, max_upload: 256 << 20, max_files: 1000, endings: [] };

export const text = () => byId("input").value;
export function setText(value) { byId("input").value = value; typed(); }
export function setLimits(value) { limits = value; byId("files").accept = limits.endings.join(","); show(); }
export const model = () => byId("model").value;

const texts = () => byId("lines").checked ? text().split("\n").map(x => x.trim()).filter(Boolean) : [text()];

const typed = later(() => { keep("draft", text()); count(); }, 200);

function count() {
  const letters = Array.from(text()).length, many = texts();
  byId("count").textContent = byId("lines").checked ? t("texts_and_letters", number(text().trim() ? many.length : 0), number(letters)) : t("letters", number(letters));
  const long = letters > limits.max_characters, tooMany = many.length > limits.max_texts;
  byId("too-long").hidden = !long && !tooMany;
  byId("as-file").hidden = !long && !tooMany;
  byId("too-long").textContent = tooMany ? t("too_many_texts", number(limits.max_texts)) : t("too_long", number(limits.max_characters));
}

// What is too long to be answered at once goes in as a file; lines that are texts of their own as a table of one column.
function textAsFiles() {
  if (!byId("lines").checked) return [new File([text()], "text.txt", { type: "text/plain" })];
  return [new File([["text", ...texts()].map(x => `"${x.replaceAll('"', '""')}"\r\n`).join("")], "texts.csv", { type: "text/csv" })];
}

function showFiles() {
  byId("file-list").hidden = !files.length;
  byId("files-instead").hidden = !files.length || !text().trim();
  fill(byId("file-list"), files.map(f => make("li", {}, icon("file"), make("span", { class: "name" }, f.name), make("small", { class: "quiet" }, size(f.size)),
    make("button", { type: "button", class: "tool", "aria-label": t("of_fact", t("remove"), f.name), onclick: () => { files = files.filter(x => x !== f); showFiles(); byId("choose").focus(); } }, icon("remove")))));
  byId("input-box").classList.toggle("with-files", files.length > 0);
  byId("extract").textContent = files.length ? t("send_files", number(files.length)) : t("extract");
}

export const size = bytes => bytes < 1024 ? `${bytes} B` : bytes < 1 << 20 ? `${number(Math.round(bytes / 1024))} kB` : `${number(Math.round(bytes / (1 << 20) * 10) / 10)} MB`;

function take(list) {
  const good = [], bad = [];
  for (const file of list) {
    const ending = file.name.slice(file.name.lastIndexOf(".")).toLowerCase();
    if (limits.endings.length && !limits.endings.includes(ending)) bad.push(t("cannot_read", file.name));
    else if (file.size > limits.max_file) bad.push(t("file_large", file.name, size(limits.max_file)))
    else if (files.length + good.length >= limits.max_files) bad.push(t("too_many_files", file.name, number(limits.max_files)));
    else good.push(file);
  }
  files = [...files, ...good];
  fill(byId("file-problems"), bad.map(b => make("li", {}, b)));
  if (bad.length) announce(bad.join(" ")); else announce(t("files_taken", number(good.length)));
  showFiles();
}

function schemaLine() {
  const schema = state.schema, names = [...Object.keys(schema.entities ?? {}), ...Object.keys(schema.relations ?? {}), ...Object.keys(schema.events ?? {})];
  byId("no-schema").hidden = names.length > 0;
  byId("edit-schema").textContent = t(names.length ? "edit_schema" : "choose_schema");
  fill(byId("schema-names"), names.slice(0, 24).map(n => make("li", {}, n)), names.length > 24 && make("li", { class: "quiet" }, `+${number(names.length - 24)}`));
}

function settings() {
  const chosen = byId("text-language").value;
  return chosen ? { language: chosen } : {};
}

function working(on_) {
  byId("extract").disabled = on_;
  byId("stop").hidden = !on_;
  byId("compose").setAttribute("aria-busy", String(on_));
  byId("working").hidden = !on_;
}

async function submit(event) {
  event?.preventDefault();
  if (running) return;
  const place = byId("compose-problem");
  fill(place);
  const missing = !files.length && !text().trim() ? ["need_text", "input"] : empty() ? ["need_schema", "edit-schema"] : faults().size ? ["schema_faults", "edit-schema"] : null;
  if (missing) { fill(place, make("div", { class: "problem", role: "alert" }, make("strong", {}, t(missing[0])))); byId(missing[1]).focus(); return; }
  noToast();
  running = new AbortController();
  working(true);
  try {
    if (files.length) {
      await sendFiles(files, { schema: written(), model: model(), settings: settings() }, share => { byId("working-note").textContent = t("going_up", Math.round(100 * share)); });
      files = [];
      fill(byId("file-problems"));
      showFiles();
      visit("documents");
    } else await ask(running.signal);
  } catch (error) {
    explain(error, { place, again: submit });
    if (error.name === "AbortError") announce(t("stopped"));
  } finally {
    running = null;
    working(false);
  }
}

async function ask(signal) {
  const all = texts(), started = performance.now();
  byId("working-note").textContent = t("reading");
  announce(t("reading"));
  const body = { schema: written(), ...(model() && { model: model() }), ...(Object.keys(settings()).length && { settings: settings() }) };
  const run = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, time: Date.now() / 1000, title: all[0].trim().slice(0, 120), schema: written(), model: model(), documents: [], seconds: 0 };
  if (all.length === 1) {
    const got = await extract({ ...body, text: all[0] }, signal);
    run.documents = got.documents.map(row => opened(row));
    run.model = got.model ?? run.model;
  } else {
    for await (const row of extractStream({ ...body, texts: all }, signal)) {
      run.documents.push(opened(row));
      byId("working-note").textContent = t("read_of", number(run.documents.length), number(all.length));
      if (run.documents.length === 1) showRun(run); else tell("documents");
    }
  }
  run.seconds = (performance.now() - started) / 1000;
  showRun(run, state.run === run ? state.at : 0);
  const facts = run.documents.reduce((n, d) => n + d.facts.length, 0);
  announce(t("done", number(facts), number(Math.round(run.seconds * 10) / 10)));
  await keepNow();
  visit("extract");
  byId("result").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  byId("result-title").focus({ preventScroll: true });
}

function show() {
  count();
  showFiles();
  schemaLine();
}

export function startCompose() {
  byId("input").value = kept("draft", "");
  byId("lines").checked = kept("lines", false);
  byId("input").addEventListener("input", typed);
  byId("lines").addEventListener("change", e => { keep("lines", e.target.checked); count(); });
  byId("compose").addEventListener("submit", submit);
  byId("stop").addEventListener("click", () => running?.abort());
  byId("clear").addEventListener("click", () => { setText(""); files = []; fill(byId("file-problems")); showFiles(); byId("input").focus(); });
  byId("as-file").addEventListener("click", () => { take(textAsFiles()); setText(""); byId("extract").focus(); });
  byId("choose").addEventListener("click", () => byId("files").click());
  byId("files").addEventListener("change", e => { take(e.target.files); e.target.value = ""; });
  // Files may be dropped anywhere on the page; what is no file (a dragged line of the schema) is left alone.
  const holdsFiles = e => e.dataTransfer?.types.includes("Files");
  addEventListener("dragover", e => { if (holdsFiles(e)) { e.preventDefault(); document.body.classList.add("dropping"); } });
  addEventListener("dragleave", e => { if (!e.relatedTarget) document.body.classList.remove("dropping"); });
  addEventListener("drop", e => {
    document.body.classList.remove("dropping");
    if (!holdsFiles(e)) return;
    e.preventDefault();
    visit("extract");
    take(e.dataTransfer.files);
  });
  // The last words before the page closes are kept too.
  addEventListener("pagehide", () => { keep("draft", text()); keepRun(); });
  on("schema schema-replaced", schemaLine);
  onLanguage(show);
}

export const submitNow = () => byId("compose").requestSubmit();
