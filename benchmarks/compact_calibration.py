"""How far the confidence of the compact model is from the share of right facts, before and after calibration.

    python benchmarks/compact_calibration.py ../shared/data --models runs/benchmark --seeds 0 1

One line of JSON per data set, seed and kind of fact: predicted facts of the test split, and their expected calibration
error in ten bins of equal width, with the probability of the score (`before`) and with the line fitted on dev
(`after`). Data sets and splits are those of compact_f1.py.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import torch
from compact_f1 import DATA, trained

from iepile.models.compact.model import CompactModel
from iepile.training.compact_calibration import calibration_error, fit_calibration
from iepile.training.compact_tuning import scored


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with resume_ner/, conll04/ and DuEE1.0/")
    parser.add_argument("--models", type=Path, required=True, help="where the trained models are, or are to be")
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--max_steps", type=int, help="shorter training, to try the script")
    args = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    for name in args.data:
        splits = DATA[name](args.folder)
        for seed in args.seeds:
            model = trained(name, splits, seed, args.models / f"{name}-{seed}", args.max_steps)
            fitted = CompactModel(model.network, model.labels, fit_calibration(model.network, splits[1]))
            before = scored(CompactModel(model.network, model.labels), splits[2])
            for kind, (facts, _) in scored(fitted, splits[2]).items():
                print(json.dumps({
                    "data": name, "seed": seed, "kind": kind, "facts": len(facts),
                    "before": round(calibration_error(before[kind][0]), 3),
                    "after": round(calibration_error(facts), 3),
                }), flush=True)


if __name__ == "__main__":
    main()
