"""kill -9 at 20 random moments of a prediction with a local language model: is the output the same to the byte?

    python benchmarks/predict_kills.py [--kills 20] [--seed 0] [--engine transformers|compact] [--write]

Documents are asked in windows, two label orders and two passes, so that a kill falls within rows. The model is a tiny
Llama with random weights, the answers are held by the grammar. Each process is killed some time after its first answer.
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

from results import record

ROOT = Path(__file__).resolve().parents[1]
IEPILE = [sys.executable, "-m", "iepile"]


def finish(command: list[str]) -> float:
    """Run to the end; wall seconds."""
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - began


def tormented(command: list[str], output: Path, seconds: float, kills: int, rng: random.Random) -> tuple[int, int]:
    """Run the command, killing it some time after it has begun to answer; kills, and lines of the last journal."""
    journal = output.with_name(output.name + ".journal")
    killed = lines = 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        before = journal.stat().st_size if journal.exists() else 0
        while process.poll() is None:
            if killed < kills and journal.exists() and journal.stat().st_size > before:
                time.sleep(rng.uniform(0, 2 * seconds / kills))
                break
            time.sleep(0.005)
        if process.poll() is not None:
            if process.returncode:
                raise SystemExit(f"failed by itself: {process.communicate()[1].decode()[-2000:]}")
            return killed, lines
        process.kill()
        process.communicate()
        killed += 1
        if journal.exists():
            lines = journal.read_bytes().count(b"\n") - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", type=int, default=150)
    parser.add_argument("--engine", choices=("transformers", "compact"), default="transformers")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        finish([*IEPILE, "generate", "--n", "400", "--split", "train", "--language", "en", "--tgt_path",
                f"{at}/train.jsonl", "--schema_path", f"{at}/schema.json"])
        finish([*IEPILE, "convert", "--src_path", f"{at}/train.jsonl", "--schema_path", f"{at}/schema.json",
                "--task", "NER,RE,EE", "--language", "en", "--positions", "--tgt_path", f"{at}/rows.json"])
        if args.engine == "compact":
            finish([*IEPILE, "train", "--train_file", f"{at}/rows.json", "--output_dir", f"{at}/run",
                    "--max_steps", "60"])
            model, more = f"{at}/run/model", ["--engine_options.window", "64"]
        else:
            finish([sys.executable, str(ROOT / "examples/tiny_model.py"), f"{at}/rows.json", f"{at}/base"])
            model, more = f"{at}/base", ["--max_new_tokens", "96", "--engine_options.max_items", "2",
                                         "--batch_size", "8"]
        sentences = [json.loads(line)["text"] for line in (at / "train.jsonl").read_text("utf-8").splitlines()]
        with (at / "in.jsonl").open("w", encoding="utf-8") as f:
            for n in range(args.texts):
                text = " ".join(rng.choices(sentences, k=rng.randint(1, 8)))
                f.write(json.dumps({"id": n, "text": text}) + "\n")

        def predict(name: str) -> list[str]:
            return [*IEPILE, "predict", "--input_file", f"{at}/in.jsonl", "--model", model, "--schema_path",
                    f"{at}/schema.json", "--task", "NER,RE", "--window", "60", "--orders", "2", "--min_support", "0.1",
                    "--passes", "2", "--output_file", f"{at}/{name}", *more]

        seconds = finish(predict("whole.jsonl"))
        killed, lines = tormented(predict("torn.jsonl"), at / "torn.jsonl", seconds, args.kills, rng)
        same = (at / "whole.jsonl").read_bytes() == (at / "torn.jsonl").read_bytes()
        record(f"predict_kills_{args.engine}", args.write, {
            "engine": args.engine, "texts": args.texts, "kills": killed, "answers kept before the last run": lines,
            "output": "byte-identical" if same else "DIFFERS",
            "facts": sum(line.count(b'"confidence"') for line in (at / "torn.jsonl").open("rb")),
        })
        if not same:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
