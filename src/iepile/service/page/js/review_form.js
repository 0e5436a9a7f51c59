// The form in which a fact is corrected or added. Words are taken from the selection of the text or typed; typed words are looked up.

import { byId, fill, freshId, make } from "./dom.js";
import { icon } from "./icons.js";
import { selection, clearSelection, onSelection } from "./result_text.js";
import { addFact, correct } from "./review.js";
import { current, on, state } from "./state.js";
import { number, t } from "./words.js";

let draft = null;  // {id, kind, type, parts}

const blank = (slot, found = null) => ({ slot, role: "", type: null, text: found?.text ?? "", start: found?.start ?? null, end: found?.end ?? null });

export function openEditor(fact) {
  open({ id: fact.id, kind: fact.kind, type: fact.type, parts: fact.parts.map(p => ({ ...p })) });
}

export function openNew(kind) {
  const taken = selection;
  const parts = kind === "entity" ? [blank("entity", taken)] : kind === "relation" ? [blank("head", taken), blank("tail")] : [blank("trigger", taken)];
  open({ id: null, kind, type: known(kind)[0] ?? "", parts });
}

function open(what) {
  draft = what;
  // Ends of relations name what they are in the entities of the document.
  byId("review-form").hidden = false;
  build();
  byId("review-form").querySelector("input").focus();
  byId("review-form").scrollIntoView({ block: "nearest" });
}

export function closeEditor() {
  if (!draft) return false;
  const { id } = draft;
  draft = null;
  byId("review-form").hidden = true;
  fill(byId("review-form"));
  const back = id === null ? byId("add-entity") : byId("facts").querySelector(".chosen .fact-name");
  (back ?? byId("text")).focus({ preventScroll: true });
  return true;
}

function known(kind) {
  const asked = state.run?.schema ?? {};
  const named = Object.keys({ entity: asked.entities, relation: asked.relations, event: asked.events }[kind] ?? {});
  return [...new Set([...named, ...current().facts.filter(f => f.kind === kind).map(f => f.type)])];
}

function rolesOf(type) {
  const event = state.run?.schema?.events?.[type];
  const named = event ? Object.keys(event.roles ?? {}) : [];
  return [...new Set([...named, ...current().facts.filter(f => f.kind === "event" && f.type === type).flatMap(f => f.parts.map(p => p.role).filter(Boolean))])];
}

function field(name, value, change, options = null, more = {}) {
  const id = freshId("field"), list = options && freshId("list");
  return make("div", { class: "field" }, make("label", { for: id }, name),
    make("input", { id, value, list, autocomplete: "off", required: true, oninput: e => change(e.target.value, e.target), ...more }),
    options && make("datalist", { id: list }, options.map(o => make("option", { value: o }))),
    make("p", { class: "wrong", id: `${id}-wrong`, hidden: true }));
}

function wrong(input, text) {
  const place = byId(`${input.id}-wrong`);
  place.hidden = !text;
  place.textContent = text ?? "";
  if (text) { input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", place.id); } else { input.removeAttribute("aria-invalid"); input.removeAttribute("aria-describedby"); }
}

// The words of a part: typed or selected; where they stand more than once, which of them.
function mention(p, n) {
  const points = current().points, entities = [...new Set(current().facts.filter(f => f.kind === "entity").map(f => f.parts[0].text))];
  const name = p.slot === "argument" ? t("words_of_role") : t(`slot_${p.slot}`);
  const which = make("select", { "aria-label": t("which_place", name), hidden: true, onchange: e => { [p.start, p.end] = points.places(p.text)[e.target.value]; } });
  const look = () => {
    const places = points.places(p.text);
    const at = places.findIndex(([start]) => start === p.start);
    if (places.length) [p.start, p.end] = places[Math.max(0, at)]; else p.start = p.end = null;
    which.hidden = places.length < 2;
    fill(which, places.map(([start, end], k) => make("option", { value: k }, t("place_of", number(k + 1), number(places.length), around(points, start, end)))));
    which.value = Math.max(0, at);
    return places.length;
  };
  const box = field(name, p.text, (text, input) => { p.text = text; p.start = null; wrong(input, look() || !text ? null : t("not_in_text")); }, entities, { class: "mention", required: p.slot !== "trigger" });
  look();
  const take = make("button", { type: "button", class: "small", onclick: () => { if (selection) { Object.assign(p, selection); build(); byId("review-form").querySelectorAll(".mention")[n].focus(); } }, "data-take": "" }, t("use_selection"));
  take.disabled = !selection;
  box.append(which, take);
  return box;
}

function around(points, start, end) {
  return `…${points.slice(Math.max(0, start - 12), start)}[${points.slice(start, Math.min(end, start + 12))}]${points.slice(end, Math.min(points.length, end + 12))}…`.replace(/\s+/g, " ");
}

function build() {
  const form = byId("review-form"), { kind } = draft;
  const arguments_ = draft.parts.filter(p => p.slot === "argument");
  fill(form,
    make("h3", {}, t(draft.id === null ? `add_${kind}` : `correct_${kind}`)),
    field(t(`label_${kind}`), draft.type, text => { draft.type = text.trim(); }, known(kind), { class: "type" }),
    draft.parts.map((p, n) => p.slot === "argument" ? make("fieldset", { class: "argument" }, make("legend", {}, t("argument", number(arguments_.indexOf(p) + 1))),
      field(t("role"), p.role, text => { p.role = text.trim(); }, rolesOf(draft.type)), mention(p, n),
      make("button", { type: "button", class: "small", onclick: () => { draft.parts.splice(n, 1); build(); form.querySelector(".add-argument").focus(); } }, icon("remove"), t("remove_argument"))) : mention(p, n)),
    kind === "event" && make("button", { type: "button", class: "small add-argument", onclick: () => { draft.parts.push({ ...blank("argument"), role: rolesOf(draft.type).find(r => !draft.parts.some(p => p.role === r)) ?? "" }); build(); [...form.querySelectorAll("fieldset")].pop().querySelector("input").focus(); } }, icon("add"), t("add_argument")),
    make("div", { class: "row" }, make("button", { type: "submit", class: "main" }, t(draft.id === null ? "add" : "apply")), make("button", { type: "button", onclick: closeEditor }, t("cancel"))));
}

function submit(event) {
  event.preventDefault();
  if (!draft) return;
  const form = byId("review-form"), mentions = [...form.querySelectorAll(".mention")];
  let bad = null;
  draft.parts.forEach((p, n) => {
    const missing = !p.text && p.slot === "trigger" ? null : !p.text ? t("words_missing") : p.start === null ? t("not_in_text") : null;
    wrong(mentions[n], missing);
    if (missing) bad ??= mentions[n];
  });
  const type = form.querySelector(".type");
  wrong(type, draft.type ? null : t("label_missing"));
  if (!draft.type) bad = type;
  for (const [n, input] of [...form.querySelectorAll("fieldset input:not(.mention)")].entries()) {
    const empty = !draft.parts.filter(p => p.slot === "argument")[n].role;
    wrong(input, empty ? t("label_missing") : null);
    if (empty) bad ??= input;
  }
  if (bad) { bad.focus(); return; }
  const parts = draft.parts.filter(p => p.slot !== "trigger" || p.text).map(p => typed(p, draft));
  const { id, kind, type: label } = draft;
  if (id === null) addFact(kind, label, parts); else correct(id, label, parts);
  closeEditor();
  clearSelection();
}

// The type of a relation's end: that of the entity which stands there, else what the schema allows if that is one type.
function typed(p, { kind, type }) {
  if (kind !== "relation") return p;
  const entity = current().facts.find(f => f.kind === "entity" && f.verdict !== "rejected" && f.parts[0].start === p.start && f.parts[0].end === p.end);
  const allowed = state.run?.schema?.relations?.[type]?.[p.slot === "head" ? "domain" : "range"] ?? [];
  return { ...p, type: entity?.type ?? (allowed.length === 1 ? allowed[0] : p.type ?? null) };
}

// The bar that appears with a selection.
function bar() {
  const place = byId("selection");
  place.hidden = !selection;
  byId("selected-words").textContent = selection ? selection.text : "";
  for (const take of byId("review-form").querySelectorAll("[data-take]")) take.disabled = !selection;
}

export function startReviewForm() {
  byId("review-form").addEventListener("submit", submit);
  for (const kind of ["entity", "relation", "event"]) for (const name of [`add-${kind}`, `select-${kind}`]) byId(name).addEventListener("click", () => openNew(kind));
  // A press on the bar must not take the selection away before the click is heard.
  byId("selection").addEventListener("mousedown", e => e.preventDefault());
  byId("review-form").addEventListener("mousedown", e => { if (e.target.closest("[data-take]")) e.preventDefault(); });
  onSelection(bar);
  on("run", () => { draft = null; byId("review-form").hidden = true; fill(byId("review-form")); });
}
