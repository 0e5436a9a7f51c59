// The service as the page calls it. Whatever goes wrong comes out as a Problem that says what happened and what to do.

import { token } from "./kept.js";

export class Problem extends Error {
  // kind: one of the names in problems.js; about: what the service said ({problem, field, expected, fix}).
  constructor(kind, about = {}, wait = 0) {
    super(about.problem ?? kind);
    this.kind = kind;
    this.about = about;
    this.wait = wait;
  }
}

const KINDS = { 400: "wrong", 401: "token", 403: "token", 404: "gone", 405: "wrong", 408: "slow", 409: "wrong", 421: "wrong", 413: "large", 415: "wrong", 422: "wrong", 429: "busy", 503: "stopping", 504: "slow", 507: "full" };

// Addresses are relative to the page, so that it works below any path of a proxy.
const address = path => new URL(path, document.baseURI);

async function ask(path, { method = "GET", json, body, signal } = {}) {
  const headers = {};
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  if (json !== undefined) { headers["Content-Type"] = "application/json"; body = JSON.stringify(json); }
  let answer;
  try {
    answer = await fetch(address(path), { method, headers, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("network");
  }
  if (answer.ok) return answer;
  throw await problemOf(answer);
}

async function problemOf(answer) {
  const wait = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  let said = {};
  try {
    const body = await answer.json();
    if (body.error && typeof body.error === "object") said = body.error;
    else if (typeof body.detail === "string") said = { problem: body.detail };
    else if (Array.isArray(body.detail)) said = { problem: body.detail[0]?.msg, field: body.detail[0]?.loc?.slice(1).join(".") };
  } catch { /* not JSON: a proxy between, say */ }
  const kind = KINDS[answer.status] ?? (answer.status >= 500 ? "broken" : "wrong");
  return new Problem(kind, said, Number.isFinite(wait) ? wait : 0);
}

const json = async (path, options) => (await ask(path, options)).json();

export const settings = () => json("page/settings.json");
export const models = async () => (await json("v1/models")).data;
export const schemas = () => json("v1/schemas");
export const schemaOf = name => json(`v1/schemas/${encodeURIComponent(name)}`);
export const checkSchema = body => json("v1/schemas/check", { method: "POST", json: body });
export const graphFile = async body => (await ask("v1/graph", { method: "POST", json: body })).blob();
export const graphForms = () => json("v1/graph/forms");
export const extract = (body, signal) => json("v1/extract", { method: "POST", json: body, signal });

// One object a line, as each arrives.
async function* jsonLines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      let part;
      try { part = await reader.read(); } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new Problem("network");
      }
      rest += part.value ?? "";
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of part.done && rest ? [...lines, rest] : lines) if (line.trim()) yield JSON.parse(line);
      if (part.done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export async function* extractStream(body, signal) {
  for await (const row of jsonLines(await ask("v1/extract", { method: "POST", json: { ...body, stream: true }, signal }))) {
    if (row.error) throw new Problem("wrong", row.error);
    yield row;
  }
}

export const jobs = {
  list: async () => (await json("v1/documents?limit=200")).jobs,
  get: id => json(`v1/documents/${encodeURIComponent(id)}`),
  cancel: id => json(`v1/documents/${encodeURIComponent(id)}/cancel`, { method: "POST" }),
  resume: id => json(`v1/documents/${encodeURIComponent(id)}/resume`, { method: "POST" }),
  remove: id => ask(`v1/documents/${encodeURIComponent(id)}`, { method: "DELETE" }),
  async result(id, offset, limit) {
    const rows = [];
    for await (const row of jsonLines(await ask(`v1/documents/${encodeURIComponent(id)}/result?offset=${offset}&limit=${limit}`))) rows.push(row);
    return rows;
  },
  graph: async (id, form) => (await ask(`v1/documents/${encodeURIComponent(id)}/graph?form=${encodeURIComponent(form)}`)).blob(),
  // Progress while it lasts: server-sent events, read by hand because an EventSource can bear no token.
  async *events(id, signal) {
    const answer = await ask(`v1/documents/${encodeURIComponent(id)}/events`, { signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const part = await reader.read();
      if (part.done) return;
      rest += part.value.replace(/\r\n?/g, "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").filter(l => l.startsWith("data:")).map(l => l.slice(5).trimStart()).join("\n");
        if (data) yield JSON.parse(data);
      }
    }
  },
  // A request of its own kind: only this one can tell how much has gone up.
  send: (form, progress) => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("v1/documents"));
    if (token.get()) request.setRequestHeader("Authorization", `Bearer ${token.get()}`);
    request.upload.onprogress = e => e.lengthComputable && progress(e.loaded / e.total);
    request.onerror = () => failed(new Problem("network"));
    request.onload = async () => {
      const answer = new Response(request.responseText, { status: request.status, headers: { "Retry-After": request.getResponseHeader("Retry-After") ?? "" } });
      if (answer.ok) done(JSON.parse(request.responseText)); else failed(await problemOf(answer));
    };
    request.send(form);
  }),
};

export const corrections = {
  list: () => json("v1/corrections/summary?limit=10000"),
  get: id => json(`v1/corrections/${encodeURIComponent(id)}`),
  save: body => json("v1/corrections", { method: "POST", json: body }),
  remove: id => ask(`v1/corrections/${encodeURIComponent(id)}`, { method: "DELETE" }),
  all: async () => (await ask("v1/corrections")).text(),
};
