"""What `iepile quickstart` shows at its end: scores, three texts with their facts, and where things lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from iepile.cli import show
from iepile.cli.marked import marked
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows
from iepile.recipe import RunSummary
from iepile.records import Facts

LANGUAGES = {"zh": "Chinese", "en": "English"}


@dataclass(kw_only=True)
class QuickstartConfig:
    """The whole road on example data: documents, training, answers, F1 and a graph, in a few minutes."""

    output: str = "runs/quickstart"
    """Folder for everything; what is finished there is kept."""


def show_quickstart(done: RunSummary) -> None:
    """Print the report of a finished quickstart."""
    predicted = {_language(j.settings["output_file"]): j.result for j in done.results("predict")}
    scored = {_language(j.settings["path1"]): j.result for j in done.results("evaluate")}
    if show.as_json:
        show.summary({"predictions": predicted, "scores": {k: v["scores"] for k, v in scored.items()}})
        return
    train = done.results("train")[0]
    print(f"\nOne compact model, trained on {train.result['texts']:,} texts in {train.seconds / 60:.1f} minutes, "
          "asked for NER, RE and EE.\nNames in the test texts were never seen in training.")
    rows = [
        (LANGUAGES[lang], s["task"], s["group"], *(f"{s['score'][k]:.2f}" for k in ("precision", "recall", "f1")))
        for lang, report in scored.items() for s in report["scores"]
    ]
    show.table(("held-out test", "task", "facts", "P", "R", "F1"), rows)
    answers = sum(p["rows"] for p in predicted.values())
    mentions = sum(p["mentions"] for p in predicted.values())
    invalid = sum(p["invalid"] + p["salvaged"] for p in predicted.values())
    loose = sum(p["ungrounded"] for p in predicted.values())
    print(f"{answers:,} answers, {invalid} invalid; {mentions:,} mentions, {loose} not in the text.\n")
    for text, facts in _examples([Path(j.settings["output_file"]) for j in done.results("predict")]):
        print(marked(text, facts), end="\n\n")
    out = Path(done.output)
    print("Look at:")
    for path, what in (
        (out / "documents", "the annotated texts"),
        (out / "rows", "instructions for training and test"),
        (out / "train" / "model", "the model; ask it: iepile extract --model ... --text ..."),
        (out / "predictions", "answers with offsets and confidence"),
        (out / "scores", "all scores, and pages with every error marked in its text"),
        (out / "graph" / "zh.html", "the graph; click an edge to read its sentence (en.html too)"),
        (out / "graph", "graphs to ask: iepile kg find ..., triples with their source, GraphML for Gephi or yEd"),
    ):
        print(f"  {path!s:<{len(str(out)) + 16}} {what}")


def _language(path: str) -> str:
    return Path(path).name.split(".")[0]


def _examples(files: list[Path], wanted: int = 3) -> Iterator[tuple[str, Facts]]:
    """Texts with facts of all three kinds, from each file in turn."""
    found = [list(_first_rich(file, 2)) for file in files]
    order = [texts[n] for n in range(2) for texts in found if n < len(texts)]
    yield from order[:wanted]


def _first_rich(file: Path, wanted: int) -> Iterator[tuple[str, Facts]]:
    current: tuple[Any, str, Facts] | None = None
    for _, row in read_rows(file):
        facts = msgspec.convert(row.get("facts", {}), Facts)
        if current is not None and current[0] == row["id"]:
            current = (current[0], current[1], current[2] + facts)
            continue
        if current is not None and _rich(current[2]):
            yield current[1], current[2]
            wanted -= 1
            if not wanted:
                return
        current = (row["id"], read_instruction(row["instruction"]).input, facts)


def _rich(facts: Facts) -> bool:
    return bool(len(facts.entities) >= 3 and facts.relations and any(e.arguments for e in facts.events))
