// The schema one works on: lists of labels, in order, as the editor shows them; read from and written to the JSON form of schema files.

import { kept, keep } from "./kept.js";
import { state, tell } from "./state.js";

const KINDS = ["entities", "relations", "events"];
let numbers = 0;
const numbered = values => ({ id: ++numbers, ...values });

export const blank = kind => numbered({ name: "", description: "", rest: {}, ...(kind === "relations" && { domain: "", range: "" }), ...(kind === "events" && { roles: [] }) });
export const blankRole = () => numbered({ name: "", description: "", rest: {} });

export const model = { entities: [], relations: [], events: [] };
const undone = [];

const listed = text => text.split(/[,，、]/).map(x => x.trim()).filter(Boolean);
const fields = value => typeof value === "string" ? { description: value } : value ?? {};
const pairs = labels => Array.isArray(labels) ? labels.map(l => typeof l === "string" ? [l, {}] : [l.name, l]) : Object.entries(labels ?? {});

// From {entities: {name: description or fields}, relations: ..., events: {name: {roles}}}.
export function read(schema) {
  const label = (name, value) => { const { description = "", name: _, ...rest } = fields(value); return { name, description, rest }; };
  model.entities = pairs(schema.entities).map(([n, v]) => numbered(label(n, v)));
  model.relations = pairs(schema.relations).map(([n, v]) => {
    const { domain = [], range = [], ...rest } = fields(v);
    return numbered({ ...label(n, rest), domain: [].concat(domain).join(", "), range: [].concat(range).join(", ") });
  });
  model.events = pairs(schema.events).map(([n, v]) => {
    const { roles = {}, ...rest } = Array.isArray(v) ? { roles: v } : fields(v);
    return numbered({ ...label(n, rest), roles: pairs(roles).map(([r, about]) => numbered(label(r, about))) });
  });
}

// To the same form. Lines without a name are left out: they are not written yet.
export function written() {
  const out = {};
  const named = kind => model[kind].filter(l => l.name.trim());
  const about = l => ({ ...l.rest, ...(l.description.trim() && { description: l.description.trim() }) });
  if (named("entities").length) out.entities = Object.fromEntries(named("entities").map(l => [l.name.trim(), about(l)]));
  if (named("relations").length) out.relations = Object.fromEntries(named("relations").map(l => {
    const domain = listed(l.domain), range = listed(l.range), { pairs: exact, ...rest } = about(l);
    // Exact pairs hold only as long as nobody has changed the types they are made of.
    const same = exact && exact.every(([h, r]) => domain.includes(h) && range.includes(r));
    return [l.name.trim(), { ...rest, ...(domain.length && { domain }), ...(range.length && { range }), ...(same && { pairs: exact }) }];
  }));
  if (named("events").length) out.events = Object.fromEntries(named("events").map(l => [l.name.trim(), { ...about(l),
    roles: Object.fromEntries(l.roles.filter(r => r.name.trim()).map(r => [r.name.trim(), Object.keys(r.rest).length ? about(r) : r.description.trim()])) }]));
  return out;
}

export const empty = () => !Object.keys(written()).length;

// Faults that need no service to be seen: id of the line -> name of the words that say what is wrong.
export function faults() {
  const found = new Map();
  const check = lines => {
    const seen = new Map();
    for (const l of lines) {
      const name = l.name.trim();
      const filled = l.description.trim() || (l.domain ?? "").trim() || (l.range ?? "").trim() || l.roles?.length;
      if (!name) { if (filled) found.set(l.id, "name_missing"); continue; }
      if (seen.has(name)) found.set(l.id, "name_twice");
      seen.set(name, l);
    }
  };
  for (const kind of KINDS) check(model[kind]);
  for (const e of model.events) check(e.roles);
  return found;
}

// After every change: kept in the browser, told to the views.
export function changed() {
  state.schema = written();
  keep("schema", KINDS.reduce((out, kind) => ({ ...out, [kind]: model[kind] }), {}));
  tell("schema");
}

const copy = () => JSON.parse(JSON.stringify(model));
export function remember() {
  undone.push(copy());
  if (undone.length > 100) undone.shift();
}
export const canUndo = () => undone.length > 0;
export function undoSchema() {
  if (!undone.length) return;
  Object.assign(model, undone.pop());
  changed();
}

// Another schema in place of this one; undo brings the old one back.
export function replace(schema) {
  remember();
  read(schema);
  changed();
}

export function renameType(from, to) {
  // Relations speak of entity types by name.
  const swap = text => listed(text).map(x => x === from ? to : x).join(", ");
  for (const r of model.relations) { if (listed(r.domain).includes(from)) r.domain = swap(r.domain); if (listed(r.range).includes(from)) r.range = swap(r.range); }
}

export function startModel() {
  const old = kept("schema");
  if (old && KINDS.every(k => Array.isArray(old[k]))) {
    const again = l => ({ ...l, id: ++numbers, ...(l.roles && { roles: l.roles.map(again) }) });
    for (const kind of KINDS) model[kind] = old[kind].map(again);
  }
  state.schema = written();
}

// The short list form: person, place; relations: born in; events: wedding(time, place)
export function asList(schema) {
  const names = part => Object.keys(part ?? {}), out = [];
  if (names(schema.entities).length) out.push(`entities: ${names(schema.entities).join(", ")}`);
  if (names(schema.relations).length) out.push(`relations: ${names(schema.relations).join(", ")}`);
  if (names(schema.events).length) out.push(`events: ${Object.entries(schema.events).map(([n, e]) => `${n}(${names(e.roles).join(", ")})`).join(", ")}`);
  return out.join(";\n");
}

// JSON is YAML too; this is the form that people write by hand.
export function asYaml(value, indent = "") {
  const scalar = x => JSON.stringify(x);
  return Object.entries(value).map(([key, v]) => {
    const name = `${indent}${/^[\p{L}_][\p{L}\p{N}_ -]*$/u.test(key) && !/^(true|false|null|yes|no|on|off|y|n|~)$/i.test(key) && key === key.trim() ? key : scalar(key)}:`;
    if (v && typeof v === "object" && !Array.isArray(v)) return Object.keys(v).length ? `${name}\n${asYaml(v, `${indent}  `)}` : `${name} {}\n`;
    return `${name} ${scalar(v)}\n`;
  }).join("");
}
