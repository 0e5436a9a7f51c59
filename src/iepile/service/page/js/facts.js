// Facts as the page holds them, read from and written to rows of the unified format.
//
// A fact: {id, kind, type, confidence, support, verdict, was, parts}. A part is a piece of text with what it does in the fact:
// {slot: "entity" | "head" | "tail" | "trigger" | "argument", role, type, text, start, end, ...}; start and end are null where
// the place is unknown. Facts are never changed: a review puts new ones in their place, so that undo is an older list.

export const KINDS = ["entity", "relation", "event"];
export const VERDICTS = ["accepted", "corrected", "added", "rejected"];

const place = pos => Array.isArray(pos) && pos.length === 2 ? pos : [null, null];
const part = (slot, text, pos, more = {}) => { const [start, end] = place(pos); return { slot, role: "", type: null, text, start, end, ...more }; };

export function factsOf(row) {
  const facts = [];
  const add = (kind, type, item, parts) => facts.push({ id: facts.length, kind, type, confidence: item.confidence ?? null, support: item.support ?? null, verdict: "", was: null, parts });
  for (const e of row.entity ?? []) add("entity", e.entity_type, e, [part("entity", e.entity, e.pos)]);
  for (const r of row.relation ?? [])
    add("relation", r.relation, r, [part("head", r.head, r.head_pos, { type: r.head_type ?? null }), part("tail", r.tail, r.tail_pos, { type: r.tail_type ?? null })]);
  for (const e of row.event ?? []) {
    const trigger = e.event_trigger && e.event_trigger !== "NAN" ? [part("trigger", e.event_trigger, e.trigger_pos)] : [];
    const roles = (e.arguments ?? []).map(a => part("argument", a.argument, a.argument_pos, { role: a.role, confidence: a.confidence ?? null, support: a.support ?? null }));
    add("event", e.event_type, e, [...trigger, ...roles]);
  }
  return facts;
}

export function rowOfFact(fact) {
  const sure = x => ({ ...(x.confidence != null && { confidence: x.confidence }), ...(x.support != null && { support: x.support }) });
  const pos = (name, p) => p.start == null ? {} : { [name]: [p.start, p.end] };
  if (fact.kind === "entity") {
    const [e] = fact.parts;
    return { entity: e.text, entity_type: fact.type, ...pos("pos", e), ...sure(fact) };
  }
  if (fact.kind === "relation") {
    const [head, tail] = fact.parts;
    return { head: head.text, relation: fact.type, tail: tail.text, ...(head.type && { head_type: head.type }), ...(tail.type && { tail_type: tail.type }), ...pos("head_pos", head), ...pos("tail_pos", tail), ...sure(fact) };
  }
  const trigger = fact.parts.find(p => p.slot === "trigger");
  return { event_trigger: trigger?.text ?? "", event_type: fact.type, ...(trigger ? pos("trigger_pos", trigger) : {}),
    arguments: fact.parts.filter(p => p.slot === "argument").map(a => ({ argument: a.text, role: a.role, ...pos("argument_pos", a), ...sure(a) })), ...sure(fact) };
}

// The kinds somebody looked for: lists that the row has, and what the schema asks.
export function lookedFor(row, schema, facts) {
  const asked = { entity: schema?.entities, relation: schema?.relations, event: schema?.events };
  return KINDS.filter(kind => row[kind] || (asked[kind] && Object.keys(asked[kind]).length) || facts.some(f => f.kind === kind));
}

// A row with these facts; kinds that were looked for have a list, be it empty.
export function rowWith(row, facts, looked) {
  const { entity, relation, event, ...rest } = row;
  const out = { ...rest };
  for (const kind of KINDS) if (looked.includes(kind)) out[kind] = facts.filter(f => f.kind === kind).map(rowOfFact);
  return out;
}

// What a review says of a document: its row without what was rejected, and how its facts fared.
export function reviewed(row, facts, schema, keepUnreviewed) {
  const of = verdict => facts.filter(f => f.verdict === verdict);
  const standing = facts.filter(f => f.verdict !== "rejected" && (f.verdict || keepUnreviewed));
  const rejected = {};
  for (const kind of KINDS) {
    // Of a corrected fact, the model's own wording was wrong.
    const wrong = [...of("rejected").filter(f => f.kind === kind).map(f => f.was ?? rowOfFact(f)), ...of("corrected").filter(f => f.kind === kind && f.was).map(f => f.was)];
    if (wrong.length) rejected[kind] = wrong;
  }
  return {
    document: rowWith(row, standing.map(f => f.verdict && f.verdict !== "accepted" ? { ...f, confidence: null, support: null } : f), lookedFor(row, schema, facts)),
    verdicts: { accepted: of("accepted").length, corrected: of("corrected").length, added: of("added").length, unreviewed: keepUnreviewed ? of("").length : 0, rejected },
  };
}

export const labelsOf = fact => [fact.type];
export const sentenceOrder = (a, b) => first(a) - first(b) || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.id - b.id;
const first = fact => Math.min(...fact.parts.map(p => p.start ?? Infinity), Infinity);

// A fact in one line: "Ada", "Ada -> Acme", "met (host: Ada)".
export function inWords(fact) {
  if (fact.kind === "entity") return fact.parts[0].text;
  if (fact.kind === "relation") return `${fact.parts[0].text} → ${fact.parts[1].text}`;
  const trigger = fact.parts.find(p => p.slot === "trigger"), roles = fact.parts.filter(p => p.slot === "argument");
  return `${trigger?.text ?? "–"}${roles.length ? ` (${roles.map(a => `${a.role}: ${a.text}`).join(", ")})` : ""}`;
}
