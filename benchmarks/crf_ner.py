"""The shipped CRF on NER: F1, time, size, and how far its confidence can be trusted.

    python benchmarks/crf_ner.py ../shared/data [--data resume_ner conll04] [--write]

Trained on the rows of the train split with default settings, scored by exact offsets on the test split. `ece` is the
expected calibration error of the confidence in ten bins: the CRF's own number, nothing is fitted. `of_target`: F1 on
resume_ner as a share of 94, which it should reach.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from baselines import DATA, measure
from results import record

from iepile.jsonl import read_rows
from iepile.records import Facts

TARGET = 94.0
SETS = ("resume_ner", "conll04", "CrossNER_AI", "MSRA")


def judged(answers: Path) -> Iterator[tuple[float, bool]]:
    """(Confidence, whether the label has it) of each entity answered."""
    for _, row in read_rows(answers):
        gold = {(e["entity_type"], *e["pos"]) for e in json.loads(row["label"])}
        for e in msgspec.convert(row.get("facts", {}), Facts).entities:
            yield e.confidence or 0.0, (e.type, e.span.start, e.span.end) in gold


def calibration_error(answered: list[tuple[float, bool]]) -> float:
    bins: dict[int, list[tuple[float, bool]]] = {}
    for sure, right in answered:
        bins.setdefault(min(int(sure * 10), 9), []).append((sure, right))
    return sum(abs(sum(s for s, _ in b) - sum(r for _, r in b)) for b in bins.values()) / max(len(answered), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the data sets")
    parser.add_argument("--data", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--write", action="store_true", help="record in benchmarks/results/crf_ner.json")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in args.data:
        data = DATA[name](args.folder)
        with tempfile.TemporaryDirectory() as scratch:
            found = measure("crf", data, Path(scratch), seed=0)
            answered = list(judged(Path(scratch) / "crf.NER.answers.jsonl"))
            size = (Path(scratch) / "crf/model/model.crfsuite").stat().st_size
        labels = Counter(e.type for d in data.train for e in d.entities)
        figures[name] = {
            "train": len(data.train), "test": len(data.test), "labels": len(labels), **found,
            "mb": round(size / 1e6, 1), "ece": round(calibration_error(answered), 3),
        }
        if name == "resume_ner":
            figures[name]["of_target"] = round(found["NER entity"]["offset"] / TARGET, 3)
        print(name, json.dumps(figures[name]), flush=True)
    record("crf_ner", args.write, {"data": figures})


if __name__ == "__main__":
    main()
