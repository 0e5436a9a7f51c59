"""Sentences a second of the compact model with many labels asked at once, on one thread.

    python benchmarks/compact_labels.py ../shared/data --models runs/benchmark

The questions are the 65 event types of DuEE 1.0 with their 217 roles, as `iepile predict` asks them; then the same and
the 121 role names as entity types: 403 labels, what the prototype of 2026-11-20 was asked, which did 23 to 29 sentences
a second on the machine it was measured on; then 806 labels, half of them names that training never showed. `ratio` is
to the 26 of the prototype. Seconds are CPU seconds of the second of two passes over the 292 test sentences.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from compact_f1 import DATA, trained

from iepile.models.compact.example import Example, Label, Question
from iepile.models.compact.predictor import Predictor, UnseenLabelWarning

PROTOTYPE = 26.0


def with_roles(examples: Sequence[Example]) -> list[Example]:
    """The fillers of every role as entities of that name, too."""
    out = []
    for x in examples:
        spans = {k: list(v) for k, v in x.spans.items()}
        for label, pairs in x.pairs.items():
            spans.setdefault(Label("entity", label.text), []).extend(filler for _, filler in pairs)
        roles = sorted({p.text for p in x.asked_pairs})
        out.append(replace(x, spans=spans, asked_spans=(*x.asked_spans, *(Label("entity", name) for name in roles))))
    return out


def asked(spans: Sequence[Label], pairs: Sequence[Label]) -> dict[int, Question]:
    small = Question(tuple(x for x in spans if x.kind == "trigger"), tuple(pairs))
    large = Question(tuple(spans), tuple(pairs))
    huge = Question(
        (*spans, *(Label(x.kind, f"{x.text} II") for x in spans)),
        (*pairs, *(Label(x.kind, x.text, of=f"{x.of} II") for x in pairs)),
    )
    return {len(q.spans) + len(q.pairs): q for q in (small, large, huge)}


def speed(model: Predictor, texts: Sequence[str], question: Question) -> float:
    for _ in range(2):
        began = time.process_time()
        model.predict(texts, [question] * len(texts))
    return len(texts) / (time.process_time() - began)


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with DuEE1.0/")
    parser.add_argument("--models", type=Path, required=True, help="where the trained model is, or is to be")
    parser.add_argument("--max_steps", type=int, help="shorter training, to try the script")
    parser.add_argument("--onnx", action="store_true", help="measure the exported model as well")
    args = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", UnseenLabelWarning)
    train, dev, test = (with_roles(part) for part in DATA["duee"](args.folder))
    run = args.models / "duee-roles"
    model = trained("duee", (train, dev, test), 0, run, args.max_steps)
    engines: dict[str, Predictor] = {"torch": model}
    if args.onnx:
        from iepile.models.compact.onnx_export import export_onnx
        from iepile.models.compact.onnx_scorer import load_onnx

        engines["onnx"] = load_onnx(export_onnx(run / "model", run / "onnx"), threads=1)
    texts = [x.text for x in test]
    for labels, question in asked(test[0].asked_spans, test[0].asked_pairs).items():
        for name, engine in engines.items():
            rate = speed(engine, texts, question)
            print(json.dumps({"labels": labels, "engine": name, "sentences_per_s": round(rate, 1),
                              "ratio": round(rate / PROTOTYPE, 1)}), flush=True)


if __name__ == "__main__":
    main()
