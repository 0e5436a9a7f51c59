"""What the confidence of a language model is worth, before and after `iepile calibrate`.

    python benchmarks/calibration.py [--documents 300] [--folder runs/small_model] [--write]

The model and its answers are those of order_votes.py. Told are, on test texts:

    confidence    what ranks and tells right from wrong best: the sum, the mean or the least of the log-probabilities
                  of an entity's tokens, raw or among the tokens the grammar allows; in a vote, the mean over the
                  orders that state it or over all (0 where it is not stated)
    calibration   calibration error before and after calibrating on dev, for one order and votes of three and five;
                  precision and recall on test at the thresholds for wanted precisions, and what dev promised

The peer is the same model's confidence as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from order_answers import KINDS, asked_of_model, counted, facts_of, gold_of, options_of, stated
from results import record

from iepile.extraction.calibrate import CalibrateConfig, calibrate
from iepile.extraction.calibration import Calibration, above, apply_calibration, read_calibration
from iepile.extraction.reliability import calibration_error
from iepile.extraction.votes import vote
from iepile.instruction import read_instruction
from iepile.jsonl import dumps, write_rows
from iepile.records import Facts

WANTED = (0.7, 0.8, 0.9)


def ranked(pairs: Sequence[tuple[float, bool]]) -> float:
    """Area under the ROC curve: how often a right fact is told surer than a wrong one."""
    ordered = sorted(pairs)
    ranks: dict[float, list[int]] = {}
    for n, (score, _) in enumerate(ordered, 1):
        ranks.setdefault(score, []).append(n)
    good = sum(r for _, r in ordered)
    total = sum(fmean(ranks[s]) for s, r in ordered if r)
    return (total - good * (good + 1) / 2) / max(1, good * (len(ordered) - good))


def judged(documents: Sequence[dict[str, Any]], facts: Sequence[Facts], of: Callable[[tuple[float, float]], float]
           ) -> dict[str, float]:
    """How well a number told of each fact ranks and means what it says."""
    pairs = [(of(told), key in gold_of(d)) for d, some in zip(documents, facts, strict=True)
             for key, told in stated(some).items()]
    loss = fmean(-log(min(max(p if r else 1 - p, 1e-4), 1)) for p, r in pairs)
    return {"AUC": round(ranked(pairs), 4), "calibration error": round(calibration_error(*zip(*pairs, strict=True)), 4),
            "log loss": round(loss, 4)}


def confidence(test: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Ways to make a confidence of log-probabilities."""
    out: dict[str, Any] = {}
    for kind in KINDS:
        out[f"one order, {kind}"] = judged(test, [facts_of(d, 0, kind) for d in test], lambda told: told[0])
    for k in (3, 5):
        voted = [vote([facts_of(d, n, "raw sum") for n in range(k)], 0.0) for d in test]
        out[f"vote of {k}, raw sum, mean where stated"] = judged(test, voted, lambda told: told[0])
        out[f"vote of {k}, raw sum, mean over all"] = judged(test, voted, lambda told: told[0] * told[1])
        out[f"vote of {k}, support alone"] = judged(test, voted, lambda told: told[1])
    return out


def predictions(documents: Sequence[dict[str, Any]], facts: Sequence[Facts], file: Path) -> str:
    """As `iepile predict` writes them, one row a text that asks all labels."""
    rows = []
    for n, (d, some) in enumerate(zip(documents, facts, strict=True)):
        schema = [x for asked in d["orders"][0] for x in read_instruction(asked["instruction"]).schema]
        rows.append({"id": str(n), "task": "NER", "label": d["label"], "output": "{}",
                     "facts": msgspec.to_builtins(some), "instruction": dumps({"instruction": "", "schema": schema,
                                                                                   "input": d["text"]})})
    write_rows(file, rows)
    return str(file)


def calibration(dev: Sequence[dict[str, Any]], test: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Calibrate on dev, look at test."""
    out: dict[str, Any] = {}
    for name, kind, k in (("one order, raw", "raw sum", 1), ("one order, allowed", "allowed sum", 1),
                          ("vote of 3, raw", "raw sum", 3), ("vote of 5, raw", "raw sum", 5)):
        def facts(documents: Sequence[dict[str, Any]], kind: str = kind, k: int = k) -> list[Facts]:
            return [facts_of(d, 0, kind) if k == 1 else vote([facts_of(d, n, kind) for n in range(k)], 0.0)
                    for d in documents]

        target = folder / "calibration.json"
        calibrate(CalibrateConfig(input_file=predictions(dev, facts(dev), folder / "dev_pred.json"),
                                  output_file=str(target), overwrite=True))
        known = read_calibration(str(target))
        fit, before = known.fits["NER/entity"], facts(test)
        after = [apply_calibration(f, known, "NER") for f in before]
        out[name] = {
            "method": fit.method, "curve": [fit.curve.confidence, fit.curve.dissent, fit.curve.offset],
            "dev facts": fit.facts, "before": judged(test, before, lambda told: told[0]),
            "after": judged(test, after, lambda told: told[0]), "by luck": fit.error_by_luck,
            "promised": {"before": fit.error_before.value, "after": fit.error_after.value},
            "thresholds": {str(w): _kept(known, test, after, w) for w in WANTED},
        }
    return out


def _kept(known: Calibration, test: Sequence[dict[str, Any]], facts: Sequence[Facts], wanted: float) -> Any:
    target = next(t for t in known.targets["NER"] if t.wanted == wanted)
    if target.threshold is None:
        return "not reached"
    right, told, gold = (sum(c[n] for c in counted(test, [above(f, target.threshold or 0) for f in facts]))
                         for n in range(3))
    return {"promised": [target.precision, target.recall], "on test": [round(right / told, 4), round(right / gold, 4)]}


def main() -> int:
    options = options_of(__doc__)
    dev, test = asked_of_model(options)
    record("calibration", options.write, {
        "texts": [len(dev), len(test)], "rounds of training": options.rounds, "confidence": confidence(test),
        "calibration": calibration(dev, test, options.folder)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
