"""kill -9 at ten random moments of training and of prediction, then resume: is anything lost or different?

    python benchmarks/kill_resume.py [--kills 10] [--seed 0]

Trains the compact model twice on made documents, once undisturbed and once killed again and again, and compares
every loss and the final weights; then predicts twice in the same way and compares the files byte by byte.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IEPILE = [sys.executable, "-m", "iepile"]


def finish(command: list[str]) -> float:
    """Run to the end; wall seconds."""
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - began


def tormented(command: list[str], seconds: float, kills: int, rng: random.Random, output: Path) -> int:
    """Run the command, killing it up to `kills` times at random moments; returns how often it was killed.

    A kill may fall between the last write and the exit: then the output is there and nothing is left to resume.
    """
    killed = 0
    while killed < kills:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if process.wait(rng.uniform(0.14, 0.3) * seconds) != 0:
                raise SystemExit(f"failed by itself: {' '.join(command)}")
            return killed
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
            if output.exists() and not output.with_name(output.name + ".journal").exists():
                return killed
    finish(command)
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        for split, n in (("train", 400), ("test", 8000)):
            finish([*IEPILE, "generate", "--n", str(n), "--split", split, "--language", "en",
                    "--tgt_path", f"{at}/{split}.jsonl", "--schema_path", f"{at}/schema.json"])
            finish([*IEPILE, "convert", "--src_path", f"{at}/{split}.jsonl", "--schema_path", f"{at}/schema.json",
                    "--task", "NER,RE,EE", "--language", "en", "--split", split, "--positions",
                    "--tgt_path", f"{at}/{split}.rows.json"])

        def train(name: str) -> list[str]:
            return [*IEPILE, "train", "--train_file", f"{at}/train.rows.json", "--output_dir", f"{at}/{name}",
                    "--max_steps", "300", "--checkpoint_steps", "10"]

        seconds = finish(train("whole"))
        killed = tormented(train("torn"), seconds, args.kills, rng, at / "torn" / "model")
        curves = [[json.loads(line)["loss"] for line in (at / name / "losses.jsonl").read_text().splitlines()]
                  for name in ("whole", "torn")]
        assert len(curves[0]) == len(curves[1]) == 300, [len(c) for c in curves]
        worst = max(abs(a - b) for a, b in zip(*curves, strict=True))
        weights = [(at / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "torn")]
        print(f"train: killed {killed} times; largest loss difference over 300 steps {worst}; "
              f"final weights {'equal' if weights[0] == weights[1] else 'DIFFER'}")

        def predict(name: str) -> list[str]:
            return [*IEPILE, "predict", "--input_file", f"{at}/test.rows.json", "--model", f"{at}/whole/model",
                    "--output_file", f"{at}/{name}.json"]

        seconds = finish(predict("whole"))
        killed = tormented(predict("torn"), seconds, args.kills, rng, at / "torn.json")
        same = (at / "whole.json").read_bytes() == (at / "torn.json").read_bytes()
        print(f"predict: killed {killed} times; output {'byte-identical' if same else 'DIFFERS'}")
        if worst or weights[0] != weights[1] or not same:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
