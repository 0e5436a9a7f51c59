// The schema editor: three lists of labels, each a line one types in; added, removed, renamed and moved by mouse and keyboard.

import { announce, byId, fill, later, make } from "./dom.js";
import { icon } from "./icons.js";
import { blank, blankRole, canUndo, changed, empty, faults, model, remember, renameType, undoSchema, written } from "./schema_model.js";
import { checkSchema } from "./service.js";
import { on } from "./state.js";
import { number, onLanguage, t } from "./words.js";

const KINDS = ["entities", "relations", "events"];
let dragged = null;

function input(line, key, word, more = {}) {
  return make(key === "description" ? "textarea" : "input", { rows: key === "description" ? 1 : null, value: line[key], "aria-label": t(word), placeholder: t(word), autocomplete: "off", class: `in-${key}`, "data-line": line.id, ...more,
    onfocus: e => { e.target.before = line[key]; },
    oninput: e => { line[key] = e.target.value; typing(); },
    onchange: e => { if (more.renames && e.target.before && line[key].trim()) { renameType(e.target.before.trim(), line[key].trim()); show(); } changed(); } });
}

const typing = later(() => { changed(); mark(); check(); }, 250);

function lineOf(line, lines, kind, role = false) {
  const at = lines.indexOf(line), named = line.name.trim() || t("unnamed");
  const button = (name, off, does) => make("button", { type: "button", class: "tool", disabled: off, "aria-label": t("of_fact", t(name), named), title: t(name), "data-does": name, onclick: does }, icon(name));
  const row = make("li", { class: `line ${kind}`, "data-id": line.id, onkeydown: e => keys(e, line, lines, kind, role) },
    make("span", { class: "grip", "aria-hidden": "true", draggable: "true", title: t("drag"), ondragstart: e => { dragged = { line, lines }; e.dataTransfer.effectAllowed = "move"; e.dataTransfer.setData("text/plain", named); e.stopPropagation(); }, ondragend: () => { dragged = null; } }, icon("drag")),
    make("div", { class: "inputs" },
      input(line, "name", role ? "role_name" : `name_${kind}`, { renames: kind === "entities" }),
      kind === "relations" && [input(line, "domain", "domain", { list: "type-names" }), input(line, "range", "range", { list: "type-names" })],
      input(line, "description", "description")),
    make("div", { class: "tools" }, button("up", at === 0, () => move(line, lines, -1)), button("down", at === lines.length - 1, () => move(line, lines, 1)), button("remove", false, () => drop(line, lines, kind))),
    make("p", { class: "wrong", id: `wrong-${line.id}`, hidden: true }),
    kind === "events" && !role && roles(line));
  row.addEventListener("dragover", e => { if (dragged?.lines === lines && dragged.line !== line) { e.preventDefault(); e.stopPropagation(); row.classList.add("over"); } });
  row.addEventListener("dragleave", () => row.classList.remove("over"));
  row.addEventListener("drop", e => { if (dragged?.lines !== lines) return; e.preventDefault(); e.stopPropagation(); const by = lines.indexOf(line) - lines.indexOf(dragged.line); move(dragged.line, lines, by); });
  return row;
}

function roles(event) {
  return make("div", { class: "role-box" }, make("ul", { class: "lines", "aria-label": t("roles_of", event.name.trim() || t("unnamed")) }, event.roles.map(r => lineOf(r, event.roles, "roles", true))),
    make("button", { type: "button", class: "small", "data-add-role": event.id, onclick: () => add(event.roles, blankRole()) }, icon("add"), t("add_role")));
}

// Enter: the next line, or a new one after the last. Alt with an arrow: the line moves.
function keys(e, line, lines, kind, role) {
  if (e.defaultPrevented || !["INPUT", "TEXTAREA"].includes(e.target.tagName)) return;
  if (e.key === "Enter" && !e.isComposing) {
    e.preventDefault();
    const at = lines.indexOf(line);
    if (at < lines.length - 1) focus(lines[at + 1]); else if (line.name.trim()) add(lines, role ? blankRole() : blank(kind));
  } else if (e.altKey && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
    e.preventDefault();
    move(line, lines, e.key === "ArrowUp" ? -1 : 1, e.target.className);
  }
}

const focus = (line, of = "in-name") => byId("schema-editor").querySelector(`[data-id="${line.id}"] .${of}`)?.focus();

function add(lines, line) {
  remember();
  lines.push(line);
  changed();
  show();
  focus(line);
}

function drop(line, lines, kind) {
  const at = lines.indexOf(line);
  remember();
  lines.splice(at, 1);
  changed();
  show();
  announce(t("said_removed", line.name.trim() || t("unnamed")));
  const next = lines[Math.min(at, lines.length - 1)];
  if (next) focus(next); else (byId("schema-editor").querySelector(`[data-add="${kind}"]`) ?? byId("schema-undo")).focus();
}

function move(line, lines, by, back = "") {
  const at = lines.indexOf(line), to = Math.max(0, Math.min(lines.length - 1, at + by));
  if (to === at) return;
  remember();
  lines.splice(at, 1);
  lines.splice(to, 0, line);
  changed();
  show();
  announce(t("said_moved", line.name.trim() || t("unnamed"), number(to + 1), number(lines.length)));
  if (back) { focus(line, back); return; }
  const row = byId("schema-editor").querySelector(`[data-id="${line.id}"]`), button = row.querySelector(`[data-does="${by < 0 ? "up" : "down"}"]`);
  (button.disabled ? row.querySelector(`[data-does="${by < 0 ? "down" : "up"}"]`) : button).focus();
}

function show() {
  fill(byId("schema-editor"), KINDS.map(kind => make("section", { class: "card" },
    make("h2", {}, t(`schema_${kind}`), model[kind].length > 0 && make("small", {}, number(model[kind].length))),
    make("p", { class: "quiet" }, t(`about_${kind}`)),
    make("ul", { class: "lines", "aria-label": t(`schema_${kind}`) }, model[kind].map(l => lineOf(l, model[kind], kind))),
    make("button", { type: "button", class: "small", "data-add": kind, onclick: () => add(model[kind], blank(kind)) }, icon("add"), t(`new_${kind}`)))));
  fill(byId("type-names"), model.entities.filter(e => e.name.trim()).map(e => make("option", { value: e.name.trim() })));
  mark();
}

// Faults stand at the field they are of.
function mark(said = new Map()) {
  byId("schema-undo").disabled = !canUndo();
  const found = faults();
  for (const row of byId("schema-editor").querySelectorAll(".line")) {
    const id = +row.dataset.id, wrong = byId(`wrong-${id}`), text = found.has(id) ? t(found.get(id)) : said.get(id) ?? "";
    wrong.hidden = !text;
    wrong.textContent = text;
    const field = row.querySelector(".in-name");
    if (text) { field.setAttribute("aria-invalid", "true"); field.setAttribute("aria-describedby", wrong.id); } else { field.removeAttribute("aria-invalid"); field.removeAttribute("aria-describedby"); }
  }
}

// What only the service can tell: the field it names is found again among the lines.
const check = later(async () => {
  if (empty() || faults().size) return;
  try {
    await checkSchema({ schema: written() });
    byId("schema-said").textContent = "";
    mark();
  } catch (error) {
    if (!["wrong", "large"].includes(error.kind)) return;
    const text = [error.about.problem, error.about.expected && `${t("expected")}: ${error.about.expected}`, error.about.fix].filter(Boolean).join(" · ");
    const line = KINDS.flatMap(k => model[k].map(l => [`${k}.${l.name.trim()}`, l])).filter(([name]) => (error.about.field ?? "").includes(name)).sort((a, b) => b[0].length - a[0].length)[0];
    if (line) mark(new Map([[line[1].id, text]])); else byId("schema-said").textContent = text;
  }
}, 500);

export function startEditor() {
  byId("schema-undo").addEventListener("click", () => { undoSchema(); show(); });
  on("schema-replaced", () => { show(); check(); });
  onLanguage(show);
}
