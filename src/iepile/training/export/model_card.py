"""README.md of an export: what the model is, its data, settings and scores, in the form the hub shows.

Nothing is made up: what is not known is said to be unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from iepile.models.card import ModelCard
from iepile.training.export.merged import hub_name, told
from iepile.training.export.provenance import DataFile, Scores, data_files, settings_told

FILE = "README.md"
LIBRARIES = {"merged": "transformers", "adapter": "peft", "gguf": "gguf", "onnx": "onnx"}
_RELATIONS = {"merged": "finetune", "adapter": "adapter", "gguf": "quantized"}
_FORMS = {"merged": "a whole model in safetensors", "adapter": "an adapter, without its base model",
          "gguf": "one GGUF file with an Ollama Modelfile", "onnx": "an ONNX file of the compact model"}
_USE = {
    "merged": "iepile predict --model . --input_file test.json --output_file pred.json",
    "adapter": "iepile predict --model BASE_MODEL --checkpoint_dir . --input_file test.json --output_file pred.json",
    "gguf": "ollama create my-extractor -f Modelfile",
    "onnx": "iepile predict --model . --input_file test.json --output_file pred.json",
}
UNKNOWN, NONE = "unknown", "none"


class Facts(msgspec.Struct, frozen=True):
    """What a card tells."""

    name: str
    form: str
    """The format of the export."""
    card: ModelCard
    run: dict[str, Any] | None = None
    scores: Scores | None = None
    system: str = ""
    """The system sentence that holds."""
    stops: tuple[str, ...] = ()
    """Tokens that end an answer."""
    dtype: str = ""
    tuning: str = ""
    """How it was tuned, in words; empty: unknown."""
    notes: tuple[str, ...] = ()
    """What else a user must know."""


def write_model_card(folder: Path, facts: Facts) -> None:
    """Write README.md into a folder."""
    (folder / FILE).write_text(render(facts), "utf-8")


def render(facts: Facts) -> str:
    """The card as Markdown."""
    data = data_files(facts.run) if facts.run else []
    parts = [f"---\n{_front(facts, data)}---", f"# {facts.name}", _what(facts)]
    if facts.form != "onnx":
        parts.append(_prompt(facts))
    for title, body in (("Data", _data(data)), ("Settings", _settings(facts)), ("Scores", _scores(facts.scores))):
        parts.append(f"## {title}\n\n{body}")
    if facts.notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {n}" for n in facts.notes))
    return "\n\n".join(parts) + "\n"


def _front(facts: Facts, data: Sequence[DataFile]) -> str:
    import yaml

    front: dict[str, Any] = {}
    if base := hub_name(facts.card.base_model):
        front["base_model"] = base
        front["base_model_relation"] = _RELATIONS.get(facts.form, "finetune")
    languages = sorted({name for d in data for name in d.languages})
    if languages:
        front["language"] = languages
    front["library_name"] = LIBRARIES[facts.form]
    tags = ["information-extraction", "iepile"]
    tags += ["lora"] if facts.card.finetuning_type == "lora" else []
    front["tags"] = tags + [t.lower() for t in facts.card.tasks]
    if facts.form in ("merged", "gguf"):
        front["pipeline_tag"] = "text-generation"
    return str(yaml.safe_dump(front, sort_keys=False, allow_unicode=True))


def _what(facts: Facts) -> str:
    base = facts.card.base_model
    known = told(base) + ("" if hub_name(base) else " (a local folder)")
    nothing = NONE if facts.form == "onnx" else UNKNOWN
    rows = [("form", _FORMS[facts.form]), ("base model", known if base else nothing),
            ("tuning", facts.tuning or UNKNOWN), ("tasks", ", ".join(facts.card.tasks) or UNKNOWN),
            ("number format", facts.dtype or UNKNOWN), ("made with", f"iepile {facts.card.version or UNKNOWN}")]
    return ("A model for information extraction: it is asked with an instruction, a schema and a text in one JSON "
            "string, and answers with the facts of the text as JSON.\n\n" + _table(("", ""), rows)
            + f"\n\n## Use\n\n```bash\n{_USE[facts.form]}\n```")


def _prompt(facts: Facts) -> str:
    rows = [("chat template", facts.card.template or UNKNOWN), ("system sentence", facts.system or "none"),
            ("ends an answer", ", ".join(f"`{s}`" for s in facts.stops) or UNKNOWN)]
    return "## Prompt\n\n" + _table(("", ""), rows)


def _data(data: Sequence[DataFile]) -> str:
    if not data:
        return "Unknown: no run of iepile lies beside the model."
    rows = []
    for d in data:
        what = ", ".join(f"{k} {v:,}" for k, v in d.tasks.items())
        tongues = ", ".join(f"{k} {v:,}" for k, v in d.languages.items())
        rows.append((d.setting, d.name, UNKNOWN if d.rows is None else f"{d.rows:,}", what or UNKNOWN,
                     tongues or UNKNOWN, f"`{d.sha256}`" if d.sha256 else UNKNOWN))
    return _table(("setting", "file", "rows", "rows by task", "rows by language", "SHA-256"), rows)


def _settings(facts: Facts) -> str:
    if not facts.run:
        return "Unknown: no run of iepile lies beside the model."
    told = [(f"`{k}`", str(v)) for k, v in settings_told(facts.run).items()]
    return "Settings that are not named are empty or off.\n\n" + _table(("setting", "value"), told)


def _scores(scores: Scores | None) -> str:
    if scores is None:
        return "Unknown: none were given."
    rows = [(r.task, r.group, f"{r.score.precision:.2f}", f"{r.score.recall:.2f}", f"{r.score.f1:.2f}",
             f"{r.score.tp:,}", f"{r.score.pred:,}", f"{r.score.gold:,}") for r in scores.scores]
    return (f"Protocol `{scores.setting}`, predictions `{Path(scores.file).name}`. In percent, micro averages.\n\n"
            + _table(("task", "facts", "P", "R", "F1", "right", "answered", "gold"), rows))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).replace("|", "\\|")
