// Documents handed in: jobs of the service with their progress. They are found again after a reload, for the service keeps them.

import { announce, byId, fill, make } from "./dom.js";
import { explain, inTwo } from "./problems.js";
import { jobs } from "./service.js";
import { keepNow } from "./history.js";
import { on, opened, showRun, state, tell } from "./state.js";
import { visit } from "./views.js";
import { number, onLanguage, t, time } from "./words.js";

const PAGE = 50, EVERY = 2000, OVER = ["done", "failed", "cancelled"];
const known = new Map(), watched = new Map();

export async function sendFiles(files, { schema, model, settings }, progress) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  form.append("schema", JSON.stringify(schema));
  if (model) form.append("model", model);
  if (Object.keys(settings).length) form.append("settings", JSON.stringify(settings));
  const job = await jobs.send(form, progress);
  take(job);
  announce(t("job_taken", number(files.length)));
}

function take(job) {
  const before = known.get(job.id);
  known.set(job.id, { ...before, ...job });
  if (before && !OVER.includes(before.state) && OVER.includes(job.state)) announce(t(`job_${job.state}`, title(known.get(job.id))));
  if (!OVER.includes(job.state)) watch(job.id);
  else if (job.files_failed && !known.get(job.id).files) jobs.get(job.id).then(take, () => {});
  show();
}

async function load() {
  const place = byId("documents-problem");
  try {
    const list = await jobs.list();
    for (const id of known.keys()) if (!list.some(j => j.id === id)) known.delete(id);
    fill(place);
    for (const job of list) take(job);
    show();
  } catch (error) { explain(error, { place, again: load }); }
}

// Events while they come; where they break off, the state is asked for now and then.
async function watch(id) {
  if (watched.has(id)) return;
  const stop = new AbortController();
  watched.set(id, stop);
  try {
    for await (const news of jobs.events(id, stop.signal)) { if (known.has(id)) take({ ...news, id }); if (OVER.includes(news.state)) break; }
  } catch { /* asked for below */ }
  let failed = 0;
  while (known.has(id) && !OVER.includes(known.get(id).state) && !stop.signal.aborted) {
    try { take(await jobs.get(id)); failed = 0; } catch (error) {
      if (error.kind === "gone") { known.delete(id); break; }
      if (error.kind === "token" || ++failed > 30) break;
    }
    await new Promise(done => setTimeout(done, EVERY * Math.min(8, 1 + failed)));
  }
  stop.abort();
  watched.delete(id);
  try { if (known.has(id)) { known.set(id, { ...known.get(id), ...await jobs.get(id) }); } } catch { /* shown as it was */ }
  show();
}

const title = job => !job.name ? t("texts_of_job", job.id.slice(0, 8)) : job.file_count > 1 ? t("name_and_more", job.name, number(job.file_count - 1)) : job.name;

function item(job) {
  const share = job.total ? job.done / job.total : 0, over = OVER.includes(job.state);
  const bad = (job.files ?? []).filter(f => f.problem);
  const button = (word, does, look = "") => make("button", { type: "button", class: look, "aria-label": t("of_fact", t(word), title(job)), onclick: does }, t(word));
  return make("li", { class: `card job ${job.state}`, "data-id": job.id },
    make("div", { class: "job-head" }, make("h3", {}, title(job)), make("span", { class: `state ${job.state}` }, t(`state_${job.state}`))),
    make("p", { class: "quiet" }, `${time(job.created)} · `, job.total ? t("documents_done", number(job.done), number(job.total)) : over ? "" : t("documents_unknown"), !over && job.seconds_left ? ` · ${t("seconds_left", number(Math.ceil(job.seconds_left)))}` : ""),
    !over && make("progress", { max: 1, value: share, "aria-label": t("progress_of", title(job)) }),
    job.counts && make("p", { class: "quiet" }, ["entities", "relations", "events"].filter(k => job.counts[k]).map(k => t({ entities: "count_entity", relations: "count_relation", events: "count_event" }[k], number(job.counts[k]))).join(" · ")),
    job.error && make("p", { class: "wrong" }, inTwo(job.error)),
    job.counts?.errors > 0 && make("p", { class: "wrong" }, t("documents_failed", number(job.counts.errors))),
    bad.length > 0 && make("details", { open: bad.length <= 3 }, make("summary", {}, t("files_bad", number(bad.length))), make("ul", {}, bad.map(f => make("li", {}, make("b", {}, f.name), ": ", inTwo(f.problem))))),
    make("div", { class: "row" }, job.done > 0 && button("open", () => open(job), "main"), !over && button("cancel", () => act(job, "cancel")), (["failed", "cancelled"].includes(job.state) || job.counts?.errors > 0) && button("resume", () => act(job, "resume")), over && button("delete", () => act(job, "remove"))));
}

async function act(job, what) {
  try {
    await jobs[what](job.id);
    if (what === "remove") known.delete(job.id); else take(await jobs.get(job.id));
    show();
    announce(t({ remove: "said_removed", cancel: "job_cancelled", resume: "job_resumed" }[what], title(job)));
    byId("documents-title").focus();
  } catch (error) { explain(error, { place: byId("documents-problem"), again: () => act(job, what) }); }
}

async function open(job) {
  try {
    const { schema } = await jobs.get(job.id), rows = await jobs.result(job.id, 0, PAGE);
    const run = { id: `job ${job.id}`, time: Date.now() / 1000, title: title(job), schema, model: job.model, documents: rows.map(r => opened(r)), seconds: 0, job: job.id, total: job.done };
    showRun(run);
    await keepNow();
    visit("extract");
    byId("result-title").focus();
  } catch (error) { explain(error, { place: byId("documents-problem"), again: () => open(job) }); }
}

// Results of a large job come a page at a time.
export async function moreDocuments() {
  const { run } = state;
  try {
    const rows = await jobs.result(run.job, run.documents.length, PAGE);
    run.documents.push(...rows.map(r => opened(r)));
    if (!rows.length) run.total = run.documents.length;
    tell("documents");
    await keepNow();
  } catch (error) { explain(error, { place: byId("review-problem"), again: moreDocuments }); }
}

// While a button is pressed the list stays as it is: a click needs the same button at its end as at its beginning.
let pressed = false;

function show() {
  if (pressed) return;
  const list = [...known.values()].sort((a, b) => b.created - a.created);
  const focused = document.activeElement?.closest?.("#jobs li")?.dataset.id, label = document.activeElement?.getAttribute?.("aria-label");
  fill(byId("jobs"), list.map(item));
  byId("no-jobs").hidden = list.length > 0;
  const open_ = list.filter(j => !OVER.includes(j.state)).length;
  byId("open-jobs").hidden = !open_;
  byId("open-jobs").textContent = number(open_);
  if (focused) [...byId("jobs").querySelectorAll(`[data-id="${CSS.escape(focused)}"] button`)].find(b => b.getAttribute("aria-label") === label)?.focus();
}

export function startDocuments() {
  byId("refresh-jobs").addEventListener("click", load);
  byId("jobs").addEventListener("pointerdown", () => { pressed = true; });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { if (pressed) setTimeout(() => { pressed = false; show(); }); });
  addEventListener("token", load);
  on("view-documents", load);
  onLanguage(show);
  return load();
}
