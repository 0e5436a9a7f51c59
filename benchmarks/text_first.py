"""What it saves to read a text once for all questions about it: answer tokens a CPU-second of training, by layout.

    python benchmarks/text_first.py [--texts 24] [--rounds 12] [--write]

One process, one thread; a Llama of 5.2 M parameters, real rows, AdamW, batches of at most 2,048 tokens. The three ways
learn the same answers and take turns within each round; the figures are sums over the rounds.

    schema_first   IEPile's order, layout `padded`
    text_first     the schema after the text, layout `padded`
    branched       the schema after the text, layout `branched`: its rows are checked to have the loss of text_first
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from real_rows import SOURCES, chat_of, examples_of, llama, make_rows, tokenizer_of
from results import record
from train_speed import Way, figures, of_layout, take_turns

from iepile.training.layouts.layout import Size, plan

BUDGET = 2048


class Case(NamedTuple):
    """Rows to train on."""

    source: str
    negatives: float
    texts: int
    """Texts for each one that --texts names."""


CASES = {
    "RE, all labels": Case("DuIE", 1.0, 1),
    "RE, about 3 questions a text": Case("DuIE", 0.19, 3),
    "EE, all types": Case("DuEE", 1.0, 1),
    "EE, about 3 questions a text": Case("DuEE", 0.16, 3),
}


def measure(case: Case, texts: int, rounds: int, folder: Path) -> dict[str, object]:
    """The figures of one case."""
    rows = make_rows(case.source, folder, texts * case.texts, case.negatives)
    chat = chat_of(tokenizer_of([make_rows(case.source, folder, 400, 1.0)]))
    rows = make_rows(case.source, folder, texts * case.texts, case.negatives)
    schema_first, text_first = examples_of(rows, chat), examples_of(rows, chat, text_first=True)
    size = len(chat.tokenizer)
    model = llama(size)
    ways: dict[str, Way] = {}
    for name, layout_name, examples in (("schema_first", "padded", schema_first), ("text_first", "padded", text_first),
                                        ("branched", "branched", text_first)):
        layout, _ = of_layout(layout_name, model)
        ways[name] = Way(examples, size, plan(layout, examples, Size(0, BUDGET), 3, 0), layout_name)
    separate, shared = (ways[name].first_loss() for name in ("text_first", "branched"))
    if abs(separate - shared) > 1e-5 * separate:
        raise SystemExit(f"the losses differ: {separate} in separate rows, {shared} branched")
    groups = len({e.group for e in text_first})
    take_turns(ways, rounds)
    table = figures(ways)
    speed = {name: w.answers / w.seconds for name, w in ways.items()}
    return {
        "task": SOURCES[case.source].task, "data": case.source, "texts": groups, "rows": len(text_first),
        "questions a text": round(len(text_first) / groups, 1),
        "tokens a row": round(sum(len(e.ids) for e in text_first) / len(text_first)),
        "loss before training": {"separate": round(separate, 6), "branched": round(shared, 6)},
        "ways": table, "branched / schema_first": round(speed["branched"] / speed["schema_first"], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: measure(case, options.texts, options.rounds, Path(scratch)) for name, case in CASES.items()}
    record("text_first", options.write, {"cases": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
