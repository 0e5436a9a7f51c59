"""Answers of a small model in several label orders, with log-probabilities: for order_votes.py and calibration.py.

They are kept in the folder of the model (small_model.py), so that each benchmark asks only once.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from real_rows import ROOT
from small_model import model_in, rows_of

from iepile.extraction.confidence import string_logprobs, with_confidence
from iepile.extraction.engines.engine import Request, open_engine
from iepile.extraction.grounding import ground
from iepile.extraction.polls import poll_of_row
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows, write_rows
from iepile.records import Facts
from iepile.tasks import get_task

ORDERS = 5
NER = get_task("NER")
KINDS = ("raw sum", "raw mean", "raw least", "allowed sum", "allowed mean", "allowed least")
"""Log-probabilities of tokens as they are or among those allowed, and how those of a string are joined."""


def options_of(doc: str) -> argparse.Namespace:
    """What both benchmarks take."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--documents", type=int, default=300, help="texts of dev and of test")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of training, two epochs each")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/small_model",
                        help="model and answers are kept here")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    return parser.parse_args()


def asked_of_model(options: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Answers to dev and test texts; the model is trained first if it is not there."""
    model_in(options.folder, options.rounds)
    began = time.process_time()
    dev, test = (answers_in(split, options.folder, options.documents) for split in ("dev", "test"))
    print(f"answered in {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)
    return dev, test


def answers_in(split: str, folder: Path, documents: int) -> list[dict[str, Any]]:
    """For each text: its gold, and for each order the answers of all its questions with their log-probabilities."""
    kept = folder / f"answers.{split}.{documents}.json"
    if not kept.exists():
        write_rows(kept, _asked(rows_of(split, folder, documents), folder))
    return [row for _, row in read_rows(kept)]


def _asked(rows: Path, folder: Path) -> Iterator[dict[str, Any]]:
    engine: Any = open_engine("transformers", str(folder / "model"),
                              {"batch_size": 64, "max_new_tokens": 160, "threads": 1, "max_items": 12})
    texts: dict[str, dict[str, Any]] = {}
    requests: dict[str, Request] = {}
    for n, (_, row) in enumerate(read_rows(rows)):
        text, poll = poll_of_row("NER", row["instruction"])
        of = texts.setdefault(row["id"], {"text": text, "label": row["label"], "orders": [[] for _ in range(ORDERS)]})
        for order, asked in enumerate(poll.orders(ORDERS, 0)):
            request = asked.request(f"{n}:{order}")
            requests[request.key] = request
            of["orders"][order].append(request.key)
    answered = {c.key: c.text for c in engine.generate(requests.values())}
    told = dict(_logprobs(engine, [(requests[k], a) for k, a in answered.items()]))
    for of in texts.values():
        of["orders"] = [[{"instruction": requests[k].instruction, "answer": answered[k], **told[k]} for k in keys]
                        for keys in of["orders"]]
        yield of


def _logprobs(engine: Any, asked: Sequence[tuple[Request, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each answer, the ways to join the log-probabilities of each of its strings."""
    import torch

    chat, grammar, model = engine.chat, engine._grammar, engine.loaded.model
    todo = sorted(asked, key=lambda x: len(x[0].instruction))
    for at in range(0, len(todo), 32):
        batch = [(r, a, chat.prompt_ids(r.instruction), chat.answer_ids(a)) for r, a in todo[at : at + 32]]
        width = max(len(p) + len(t) for _, _, p, t in batch)
        ids = torch.tensor([[*p, *t] + [0] * (width - len(p) - len(t)) for _, _, p, t in batch])
        with torch.inference_mode():
            logits = model(input_ids=ids).logits.float()
        for row, (request, answer, prompt, tokens) in enumerate(batch):
            scores = logits[row, len(prompt) - 1 : len(prompt) + len(tokens) - 1]
            question = read_instruction(request.instruction)
            matcher = grammar.matcher(grammar.write(NER.shape(NER.read_items(question.schema)), request.instruction,
                                                    question.input))
            allowed = []
            for token in tokens:
                bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
                some = np.unpackbits(bits, bitorder="little")[: scores.shape[-1]].astype(bool)
                allowed.append(torch.from_numpy(some))
                if not matcher.consume_token(token):
                    break
            mask = torch.ones_like(scores, dtype=torch.bool)
            mask[: len(allowed)] = torch.stack(allowed)
            chosen = scores.gather(1, torch.tensor(tokens)[:, None])[:, 0]
            ends = [len(grammar.text(tokens[: n + 1])) for n in range(len(tokens))]
            out: dict[str, Any] = {}
            for name, some in (("raw", scores), ("allowed", scores.masked_fill(~mask, -torch.inf))):
                single = (chosen - some.logsumexp(-1)).tolist()
                summed = string_logprobs(answer, ends, single)
                sizes = string_logprobs(answer, ends, [1.0] * len(single))
                out[f"{name} sum"] = summed
                out[f"{name} mean"] = [s / max(1.0, n) for s, n in zip(summed, sizes, strict=True)]
                out[f"{name} least"] = _least(answer, ends, single)
            yield request.key, out


def _least(answer: str, ends: Sequence[int], single: Sequence[float]) -> list[float]:
    """Of each string, the log-probability of its least likely token."""
    tokens = [[0.0] * len(single) for _ in single]
    for n, row in enumerate(tokens):
        row[n] = single[n]
    parts = [string_logprobs(answer, ends, row) for row in tokens]
    return [min(p[k] for p in parts) for k in range(len(parts[0]))] if parts else []


def facts_of(document: dict[str, Any], order: int, kind: str) -> Facts:
    """What the answers in one order state, with places and confidence."""
    found = Facts()
    for asked in document["orders"][order]:
        items = NER.read_items(read_instruction(asked["instruction"]).schema)
        facts = NER.parse(asked["answer"], items).facts
        found += with_confidence(facts, asked["answer"], asked[kind])
    return ground(found, document["text"], fuzzy=False).facts


def gold_of(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(x["entity_type"], x["entity"]) for x in json.loads(document["label"])}


def stated(facts: Facts) -> dict[tuple[str, str], tuple[float, float]]:
    """Type and words to confidence and support; a fact in two places counts once."""
    out: dict[tuple[str, str], tuple[float, float]] = {}
    for e in facts.entities:
        key = e.type, e.span.text
        old = out.get(key, (0.0, 0.0))
        out[key] = max(old[0], e.confidence or 0.0), max(old[1], e.support or 0.0)
    return out


Counted = list[tuple[int, int, int]]
"""Right, stated and gold facts of each document."""


def counted(documents: Sequence[dict[str, Any]], facts: Sequence[Facts]) -> Counted:
    out = []
    for document, some in zip(documents, facts, strict=True):
        gold, told = gold_of(document), set(stated(some))
        out.append((len(gold & told), len(told), len(gold)))
    return out


def f1(counts: Counted) -> float:
    right, told, gold = (sum(c[n] for c in counts) for n in range(3))
    return 200 * right / max(1, told + gold)


def difference(a: Counted, b: Counted) -> list[float]:
    """F1 of a over b: value and the middle 95 % over draws of the documents."""
    rng = random.Random(0)
    draws = []
    for _ in range(1000):
        some = rng.choices(range(len(a)), k=len(a))
        draws.append(f1([a[n] for n in some]) - f1([b[n] for n in some]))
    draws.sort()
    return [round(x, 2) for x in (f1(a) - f1(b), draws[25], draws[974])]
