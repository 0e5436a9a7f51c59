// Schemas in and out: files of ours (YAML, JSON), and the short list one types.

import { byId, download } from "./dom.js";
import { explain } from "./problems.js";
import { asList, asYaml, replace, undoSchema, written } from "./schema_model.js";
import { checkSchema } from "./service.js";
import { on, tell } from "./state.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

let touched = false;

async function take(body) {
  const place = byId("schema-problem");
  try {
    const got = await checkSchema(body);
    replace(got.schema);
    tell("schema-replaced");
    touched = false;
    place.replaceChildren();
    toast(t("schema_read"), { label: t("undo"), does: () => { undoSchema(); tell("schema-replaced"); } });
    return true;
  } catch (error) {
    explain(error, { place, again: () => take(body) });
    return false;
  }
}

const refresh = () => { if (!touched) byId("short-list").value = asList(written()); };

export function startExchange() {
  byId("import").addEventListener("change", async e => { const [chosen] = e.target.files; e.target.value = ""; if (chosen) await take({ file: await chosen.text() }); });
  byId("export-yaml").addEventListener("click", () => download("schema.yaml", "application/yaml", asYaml(written())));
  byId("export-json").addEventListener("click", () => download("schema.json", "application/json", `${JSON.stringify(written(), null, 1)}\n`));
  byId("short-list").addEventListener("input", () => { touched = true; });
  byId("read-list").addEventListener("click", () => take({ schema: byId("short-list").value }));
  on("schema schema-replaced", refresh);
  refresh();
}
