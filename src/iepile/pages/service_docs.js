// The description of the interface as a page: routes by their tags, with what they take, answer and cost to ask.
// Everything of the description goes in as text, never as markup.
"use strict";

function make(tag, content, className) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const part of [].concat(content ?? [])) made.append(part);
  return made;
}

function pick(spec, node) {
  const seen = new Set();
  while (node && node.$ref && !seen.has(node.$ref)) {
    seen.add(node.$ref);
    node = node.$ref.slice(2).split("/").reduce((at, key) => at && at[key.replaceAll("~1", "/")], spec);
  }
  return node ?? {};
}

function named(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf || schema.oneOf) return (schema.anyOf ?? schema.oneOf).map(named).join(" or ");
  if (schema.type === "array") return `list of ${named(schema.items) || "anything"}`;
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  return [].concat(schema.type ?? "anything").join(" or ");
}

function fields(spec, schema) {
  const found = pick(spec, schema);
  const required = new Set(found.required ?? []);
  const rows = Object.entries(found.properties ?? {}).map(([name, of]) => make("tr", [
    make("td", [make("code", name), required.has(name) ? " (required)" : ""]),
    make("td", named(of)),
    make("td", [of.description ?? pick(spec, of).description ?? "",
      "default" in of && of.default !== null ? ` Default: ${JSON.stringify(of.default)}` : ""], "quiet"),
  ]));
  return rows.length ? make("table", rows) : null;
}

function example(content) {
  const first = Object.values(content.examples ?? {})[0];
  return first?.value ?? content.example ?? content.schema?.examples?.[0] ?? content.schema?.example;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function command(method, path, operation, body) {
  const parts = ["curl"];
  if (method !== "get") parts.push("-X", method.toUpperCase());
  if (operation.security?.length) parts.push("-H", quoted("Authorization: Bearer TOKEN"));
  if (body !== undefined) parts.push("-H", quoted("Content-Type: application/json"), "-d", quoted(JSON.stringify(body)));
  parts.push(quoted(location.origin + path));
  return parts.join(" ");
}

function route(spec, path, method, operation) {
  const shown = make("details", make("summary", [
    make("b", method.toUpperCase()), make("code", path), ` ${operation.summary ?? ""}`]));
  for (const paragraph of (operation.description ?? "").split("\n\n")) {
    if (paragraph) shown.append(make("p", paragraph));
  }
  if (operation.parameters?.length) {
    shown.append(make("h3", "Parameters"), make("table", operation.parameters.map((of) => make("tr", [
      make("td", make("code", of.name)), make("td", `${of.in}, ${named(of.schema)}`),
      make("td", of.description ?? "", "quiet")]))));
  }
  const contents = Object.entries(operation.requestBody?.content ?? {});
  for (const [kind, content] of contents) {
    shown.append(make("h3", ["Body: ", make("code", kind)]));
    const table = fields(spec, content.schema);
    if (table) shown.append(table);
  }
  const json = operation.requestBody?.content?.["application/json"];
  shown.append(make("h3", "Example"), make("pre", command(method, path, operation, json && example(json))));
  shown.append(make("h3", "Answers"), make("table", Object.entries(operation.responses).map(([status, of]) => make("tr", [
    make("td", make("code", status)), make("td", pick(spec, of).description ?? ""),
    make("td", Object.entries(of.content ?? {}).map(([kind, c]) => `${kind}: ${named(c.schema)}`).join("; "), "quiet"),
  ]))));
  return shown;
}

function show(spec) {
  document.getElementById("about").textContent = `${spec.info.summary ?? ""} Version ${spec.info.version}.`;
  const routes = document.getElementById("routes");
  routes.replaceChildren();
  const all = Object.entries(spec.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [path, method, operation]));
  for (const tag of [...(spec.tags ?? []), { name: undefined, description: "" }]) {
    const own = all.filter(([, , operation]) => operation.tags?.[0] === tag.name);
    if (!own.length) continue;
    routes.append(make("h2", tag.name ?? "others"), make("p", tag.description ?? "", "quiet"));
    for (const [path, method, operation] of own) routes.append(route(spec, path, method, operation));
  }
  routes.append(make("h2", "Types"));
  for (const [name, of] of Object.entries(spec.components?.schemas ?? {}).sort()) {
    const table = fields(spec, of);
    if (table) routes.append(make("details", [make("summary", make("code", name)), make("p", of.description ?? ""), table]));
  }
}

fetch("openapi.json").then((response) => response.json()).then(show).catch(() => {
  document.getElementById("routes").textContent = "The description could not be read. Load the page again.";
});
