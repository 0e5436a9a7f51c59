"""Useful tokens a CPU-second of training, ways of batching side by side: one process, one thread, same rows, same loss.

    python benchmarks/train_speed.py [--rows 600] [--rounds 30] [--write]

A Llama of 5.2 M parameters, real rows (DuIE relations, DuEE events, résumé entities in equal parts), AdamW, 8 rows a
step. A token is useful when it is of a row, not padding. The ways take turns within each round, so that what else
the machine does hits all of them alike; the figures are sums over the rounds.

    reference      rows in random order, padded with a mask, loss of all logits: `DataCollatorForSeq2Seq` and Trainer
    grouped        the same, rows of like length together (`group_by_length`)
    padded         our layout `padded`
    budget         our layout `padded`, batches of at most so many tokens in place of 8 rows
    packed         our layout `packed`, the same budget
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from real_rows import chat_of, examples_of, llama, make_rows, tokenizer_of
from results import record

from iepile.training.data import Example
from iepile.training.layouts.batch import IGNORE
from iepile.training.layouts.layout import Size, open_layout, plan
from iepile.training.loss import AnswerLoss

ROWS = 8
BUDGET = 1024


def reference_loss(model: Any, rows: Sequence[Example], pad: int = 0) -> Any:
    """Mean loss of the answer tokens, as transformers computes it from padded labels."""
    import torch

    width = max(len(r.ids) for r in rows)
    ids = torch.tensor([[*r.ids, *[pad] * (width - len(r.ids))] for r in rows])
    labels = torch.tensor([[*r.labels, *[IGNORE] * (width - len(r.ids))] for r in rows])
    mask = torch.tensor([[1] * len(r.ids) + [0] * (width - len(r.ids)) for r in rows])
    return model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss


class Way:
    """One way to train: its own model and optimizer, and its time so far."""

    def __init__(self, examples: Sequence[Example], vocabulary: int, batches: list[list[int]], layout: str) -> None:
        """`layout` empty: as transformers does it."""
        import torch

        self.examples, self.batches = examples, batches
        self.model = llama(vocabulary).train()
        self.loss: Callable[[Any, Sequence[Example]], Any] = reference_loss
        if layout:
            _, self.loss = of_layout(layout, self.model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, fused=True)
        self.seconds, self.tokens, self.answers, self.steps = 0.0, 0, 0, 0

    def first_loss(self) -> float:
        """Mean loss of an answer token over all rows before training, as this way computes it."""
        import torch

        total = 0.0
        with torch.no_grad():
            for batch in self.batches:
                rows = [self.examples[i] for i in batch]
                total += self.loss(self.model, rows).item() * sum(len(r.ids) - r.prompt for r in rows)
        return total / sum(len(r.ids) - r.prompt for r in self.examples)

    def run(self, batches: Sequence[list[int]]) -> None:
        """Train on some batches."""
        for batch in batches:
            rows = [self.examples[i] for i in batch]
            began = time.process_time()
            self.loss(self.model, rows).backward()
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.seconds += time.process_time() - began
            self.tokens += sum(len(r.ids) for r in rows)
            self.answers += sum(len(r.ids) - r.prompt for r in rows)
            self.steps += 1


def of_layout(name: str, model: Any, max_row_tokens: int = 0) -> tuple[Any, Callable[[Any, Sequence[Example]], Any]]:
    """A layout, and the mean loss of a batch with it."""
    import torch

    layout, answer_loss = open_layout(name, model, max_row_tokens), AnswerLoss(model, torch.device("cpu"), None)

    def loss(model: Any, rows: Sequence[Example]) -> Any:
        batch = layout.collate(rows, 0)
        return answer_loss(model, batch) / batch.targets

    return layout, loss


def take_turns(ways: dict[str, Way], rounds: int) -> None:
    """Every way trains on its share of each round."""
    for way in ways.values():
        way.run(way.batches[:1])
        way.seconds, way.tokens, way.answers, way.steps = 0.0, 0, 0, 0
    for n in range(rounds):
        for name in random.Random(n).sample(sorted(ways), len(ways)):
            way = ways[name]
            size = -(-len(way.batches) // rounds)
            way.run(way.batches[n * size : (n + 1) * size])


def figures(ways: dict[str, Way]) -> dict[str, dict[str, float]]:
    """What each way did."""
    return {name: {
        "useful tokens/s": round(w.tokens / w.seconds), "answer tokens/s": round(w.answers / w.seconds, 1),
        "steps": w.steps, "CPU seconds": round(w.seconds, 1),
    } for name, w in ways.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--budgets", default=str(BUDGET), help="token budgets to try, with commas")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        files = [make_rows(name, Path(scratch), 300) for name in ("DuIE", "DuEE", "resume")]
        tokenizer = tokenizer_of(files)
        chat = chat_of(tokenizer)
        each = options.rows // len(files)
        drawn = [e for f in files for e in random.Random(1).sample(list(examples_of(f, chat)), each)]
    lengths = [len(e.ids) for e in drawn]
    order = random.Random(2).sample(range(len(drawn)), len(drawn))
    numbers = iter(order)
    at_random = [batch for _ in range(0, len(drawn), ROWS) if (batch := list(islice(numbers, ROWS)))]
    vocabulary = len(tokenizer)
    model = llama(vocabulary)
    padded, packed = (of_layout(name, model)[0] for name in ("padded", "packed"))
    by_length = plan(padded, drawn, Size(ROWS), 3, 0)
    ways = {
        "reference": Way(drawn, vocabulary, at_random, ""),
        "grouped": Way(drawn, vocabulary, by_length, ""),
        "padded": Way(drawn, vocabulary, by_length, "padded"),
    }
    for budget in map(int, options.budgets.split(",")):
        ways[f"budget {budget}"] = Way(drawn, vocabulary, plan(padded, drawn, Size(0, budget), 3, 0), "padded")
    ways["packed"] = Way(drawn, vocabulary, plan(packed, drawn, Size(0, BUDGET), 3, 0), "packed")
    first = {name: way.first_loss() for name, way in ways.items()}
    if max(first.values()) - min(first.values()) > 1e-5 * first["reference"]:
        print(f"the losses differ: {first}", file=sys.stderr)
        return 1
    take_turns(ways, options.rounds)
    table = figures(ways)
    speed = {name: w.tokens / w.seconds for name, w in ways.items()}
    ratios = {
        "padded / reference": round(speed["padded"] / speed["reference"], 2),
        "padded / grouped": round(speed["padded"] / speed["grouped"], 2),
    }
    record("train_speed", options.write, {
        "rows": len(drawn), "tokens a row": round(sum(lengths) / len(lengths)), "longest": max(lengths),
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss before training": {k: round(v, 6) for k, v in first.items()}, "ways": table, "ratios": ratios,
    })
    return 0


if __name__ == "__main__":
    sys.exit(main())
