"""Our tuning and LLaMA-Factory's, on the same rows and model: rows a CPU-second, and the loss that both reach.

    python benchmarks/peer_speed.py [--steps 60] [--turns 2] [--write]

A Llama of 5.2 M parameters, all weights, fp32, 8 rows a step, AdamW, constant rate, one thread; each run is a process
of its own, and they take turns. Timed is from the end of the first step to the end of the last, so loading and
reading the rows count for neither. The token ids and labels of both are compared first: they are equal. What is
compared is what a user gets: LLaMA-Factory without gradient checkpointing (its default would slow it down), once as it
is and once with `group_by_length`; ours with its defaults.

The peer is installed from the package index into a folder of its own, which sees torch and what else is here:

    python benchmarks/peer_speed.py --install FOLDER     (once; 1 minute)
    python benchmarks/peer_speed.py --peer FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from real_rows import chat_of, llama, make_rows, tokenizer_of
from results import record

from iepile.jsonl import read_rows, write_rows
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.data import read_examples
from iepile.training.layouts.padded import collate
from iepile.training.loss import AnswerLoss
from iepile.training.tune import tune

HERE = Path(__file__).resolve().parent
PEER = "llamafactory==0.9.5"
NEEDS = ("transformers==5.6.0", "accelerate==1.11.0", "peft==0.18.1", "trl==0.24.0", "datasets==4.0.0",
         "tokenizers==0.22.2", "huggingface_hub<2", "hf-xet", "tyro<0.9", "omegaconf",
         "antlr4-python3-runtime==4.9.3", "fire", "termcolor", "shtab", "docstring_parser", "typeguard", "av")
"""The newest versions that this release of it allows."""


def install(folder: Path) -> None:
    """Make an environment with the peer that sees our packages where it has none of its own."""
    import sysconfig

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin/python"
    packages = next((folder / "lib").glob("python*/site-packages"))
    (packages / "ours.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", PEER, *NEEDS],
                   check=True)
    # It imports torchaudio for sounds; there is no build for every torch, and text never calls it.
    (packages / "torchaudio.py").write_text('"""Stands in for torchaudio, which text never calls."""\n')


def settings(folder: Path, out: Path, steps: int, more: dict[str, Any]) -> dict[str, Any]:
    """Settings of LLaMA-Factory."""
    return {
        "stage": "sft", "do_train": True, "model_name_or_path": str(folder / "model"), "dataset": "rows",
        "dataset_dir": str(folder), "template": "empty", "finetuning_type": "full", "output_dir": str(out),
        "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "learning_rate": 1e-3,
        "lr_scheduler_type": "constant", "weight_decay": 0.0, "max_steps": steps, "cutoff_len": 2048,
        "preprocessing_num_workers": 1, "report_to": "none", "save_strategy": "no", "logging_steps": 10,
        "use_cpu": True, "disable_gradient_checkpointing": True, "seed": 1, **more,
    }


def run_peer(python: Path, config: dict[str, Any], *more: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(config, f)
        f.flush()
        done = subprocess.run([str(python), str(HERE / "peer_llamafactory.py"), f.name, *more], capture_output=True,
                              text=True, env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"})
    if done.returncode:
        raise SystemExit(f"LLaMA-Factory failed:\n{done.stderr[-3000:]}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def run_ours(folder: Path, out: Path, steps: int) -> float:
    """CPU seconds between the ends of the first and the last step, in this process."""
    ends: list[float] = []

    def note(done: int, total: int, what: float | str) -> None:
        if isinstance(what, float):
            ends.append(time.process_time())

    tune(TrainConfig(str(folder / "model"), str(folder / "train.json"), str(out), finetuning_type="full",
                     per_device_train_batch_size=8, learning_rate=1e-3, lr_scheduler_type="constant",
                     warmup_ratio=0.0, max_steps=steps, cutoff_len=2048, template="qwen", seed=1, threads=1), note)
    assert len(ends) == steps
    return ends[-1] - ends[0]


def run_apart(folder: Path, out: Path, steps: int) -> float:
    """`run_ours` in a process of its own, as the others are."""
    code = (f"import sys; sys.path.insert(0, {str(HERE)!r}); from pathlib import Path; import peer_speed;"
            f"print(peer_speed.run_ours(Path({str(folder)!r}), Path({str(out)!r}), {steps}))")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})
    return float(done.stdout.split()[-1])


def held_out_loss(model: Path, folder: Path) -> float:
    """Mean loss of an answer token on rows that nobody trained on."""
    import torch

    loaded = load_model(str(model))
    rows = read_examples(str(folder / "valid.json"), chat_of(loaded.tokenizer), 2048)
    loss = AnswerLoss(loaded.model, torch.device("cpu"), None)
    with torch.no_grad():
        batches = [collate([rows[i]], 0) for i in range(len(rows))]
        return sum(loss(loaded.model, b).item() for b in batches) / sum(b.targets for b in batches)


def prepare(folder: Path, rows: int) -> None:
    """Rows, model and tokenizer."""
    files = [make_rows(name, folder, 300) for name in ("DuIE", "DuEE", "resume")]
    tokenizer = tokenizer_of(files)
    # Ours ends answers with the template's token, LLaMA-Factory with the tokenizer's: one and the same.
    tokenizer.eos_token = "<|im_end|>"
    drawn = [row for f in files for row in random.Random(1).sample([r for _, r in read_rows(f)], rows // 3 + 30)]
    random.Random(2).shuffle(drawn)
    write_rows(folder / "train.json", drawn[:-90])
    write_rows(folder / "valid.json", drawn[-90:])
    llama(len(tokenizer)).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    chat = chat_of(tokenizer)
    asked = [{"instruction": tokenizer.decode(chat.prompt_ids(row["instruction"])),
              "output": row["output"] + tokenizer.eos_token} for row in drawn[:-90]]
    (folder / "rows.json").write_text(json.dumps(asked, ensure_ascii=False), "utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({"rows": {
        "file_name": "rows.json", "columns": {"prompt": "instruction", "response": "output"}}}))


def check_ids(python: Path, folder: Path) -> None:
    """Both must learn the same tokens of the same ids."""
    run_peer(python, settings(folder, folder / "none", 1, {}), "--ids", str(folder / "ids.json"))
    theirs = json.loads((folder / "ids.json").read_text())
    rows = read_examples(str(folder / "train.json"), chat_of(load_model(str(folder / "model")).tokenizer), 2048)
    ours = [[e.ids.tolist(), e.labels] for e in rows]
    if sorted(theirs) != sorted(ours):
        raise SystemExit("the token ids differ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", type=Path)
    parser.add_argument("--peer", type=Path, default=Path(tempfile.gettempdir()) / "iepile-peer")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    if options.install:
        install(options.install)
        return 0
    python = options.peer / "bin/python"
    if not python.is_file():
        install(options.peer)
    rows = 8 * options.steps
    seconds: dict[str, float] = {}
    losses: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(folder, rows)
        check_ids(python, folder)
        before = held_out_loss(folder / "model", folder)
        for turn in range(options.turns):
            for name, more in (("LLaMA-Factory", {}), ("ours", None),
                               ("LLaMA-Factory, group_by_length", {"train_sampling_strategy": "group_by_length"})):
                out = folder / f"{name} {turn}"
                if more is None:
                    took = run_apart(folder, out, options.steps)
                else:
                    took = json.loads(run_peer(python, settings(folder, out, options.steps, more)))["seconds"]
                seconds[name] = seconds.get(name, 0.0) + took
                losses[name] = held_out_loss(out / "model" if more is None else out, folder)
                print(name, turn, round(took, 1), round(losses[name], 4), file=sys.stderr, flush=True)
    learned = options.turns * 8 * (options.steps - 1)
    record("peer_speed", options.write, {
        "peer": [PEER, *NEEDS[:5]], "rows": rows, "steps": options.steps, "turns": options.turns,
        "token ids equal": True, "loss before": round(before, 4),
        "held-out loss": {k: round(v, 4) for k, v in losses.items()},
        "CPU seconds": {k: round(v, 1) for k, v in seconds.items()},
        "rows a CPU-second": {k: round(learned / v, 2) for k, v in seconds.items()},
        "ours / LLaMA-Factory": round(seconds["LLaMA-Factory"] / seconds["ours"], 2),
        "ours / LLaMA-Factory, group_by_length": round(seconds["LLaMA-Factory, group_by_length"] / seconds["ours"], 2),
    })
    return 0


if __name__ == "__main__":
    sys.exit(main())
