"""Is a run that was killed with -9 the same as one that was not? Every method, in one process and in two.

    python benchmarks/resume_exact.py [--methods "lora;full"] [--seed 0]

Each run is made twice on a tiny model with random weights: undisturbed, and killed at some moment after its fifth
step and started again. Compared are all losses of the log and the final weights, to the byte. The largest difference
of losses and whether the weights are equal go to `results/resume_exact.json`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DS_ACCELERATOR", "cpu")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from iepile.training.config import TrainConfig
from method_toy import METHODS, toy_config, write_rows
from processes import Act, run_processes
from tiny_models import byte_level_tokenizer, make_model
from toy_tuning import losses, outcome

MORE: dict[str, dict[str, Any]] = {
    "lora, 4 bits": {"bits": 4}, "lora, 8 bits": {"bits": 8}, "lora, 8-bit states": {"optim": "adamw_bnb_8bit"},
    "lora, bf16, checkpointing": {"bf16": True, "gradient_checkpointing": True},
}
"""Settings beside the methods that keep something of their own."""
SPLIT: dict[str, dict[str, Any]] = {
    "fsdp": {"fsdp": True}, "zero2": {"deepspeed": "zero2"}, "zero3": {"deepspeed": "zero3"},
}
"""Ways of splitting, tried with the methods that differ in what is split."""
SPLIT_METHODS = ("lora", "dora", "pissa", "full", "freeze")


def compare(config: TrainConfig, processes: int, rng: random.Random) -> dict[str, Any]:
    """Run undisturbed, and killed and resumed; what differs."""
    folder = Path(config.output_dir)
    whole, torn = replace(config, output_dir=f"{folder}-whole"), replace(config, output_dir=f"{folder}-torn")
    began = time.monotonic()
    fail([e.err for e in run_processes(whole, processes) if e.code], "undisturbed")
    # Small runs end soon after their fifth step: where the blow comes too late, the next one comes sooner.
    for after in (rng.uniform(0.0, 0.3), 0.0):
        victim = rng.randrange(processes)
        killed = -9 in [e.code for e in run_processes(torn, processes, [Act("kill", 5, victim, after)])]
        if killed:
            break
        torn = replace(config, output_dir=f"{folder}-torn-again")
    fail([] if killed else ["it ended by itself"], "to be killed")
    fail([e.err for e in run_processes(torn, processes) if e.code], "resumed")
    one, other = losses(whole.output_dir), losses(torn.output_dir)
    assert len(one) == len(other), (len(one), len(other))
    return {
        "steps": len(one), "largest_difference": max(abs(a - b) for a, b in zip(one, other, strict=True)),
        "same_bytes": outcome(whole.output_dir) == outcome(torn.output_dir),
        "seconds": round(time.monotonic() - began, 1),
    }


def fail(errors: list[str], what: str) -> None:
    if errors:
        raise SystemExit(f"the run {what} failed: {errors[0][-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default="", help="names separated by semicolons; empty: all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    rng = random.Random(args.seed)
    everything = {**METHODS, **(MORE if find_spec("bitsandbytes") else {})}
    chosen = [m.strip() for m in args.methods.split(";") if m.strip()] or list(everything)
    plan = [(m, way, n, more) for m in chosen for way, n, more in
            [("one process", 1, {}), ("DDP", 2, {}),
             *((w, 2, s) for w, s in SPLIT.items()
               if m in SPLIT_METHODS and (w == "fsdp" or find_spec("deepspeed")))]]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        base = make_model(at / "base", byte_level_tokenizer(), width=64)
        data = write_rows(at / "train.json")
        for number, (method, way, processes, more) in enumerate(plan):
            settings = {**everything[method], **more}
            config = toy_config(base, data, at / str(number), {"num_train_epochs": 4 * processes, **settings})
            row = {"method": method, "way": way, "processes": processes, **compare(config, processes, rng)}
            rows.append(row)
            print(f"{method:28} {way:12} {row['steps']:3} steps  largest difference {row['largest_difference']:g}  "
                  f"{'same bytes' if row['same_bytes'] else 'OTHER BYTES'}  {row['seconds']:.0f} s", flush=True)
    worst = max(r["largest_difference"] for r in rows)
    print(f"{len(rows)} runs killed and resumed; largest difference of losses {worst:g}; "
          f"{sum(r['same_bytes'] for r in rows)} the same to the byte")
    if not args.methods:
        result = Path(__file__).parent / "results" / "resume_exact.json"
        result.write_text(json.dumps({"seed": args.seed, "worst": worst, "runs": rows}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
