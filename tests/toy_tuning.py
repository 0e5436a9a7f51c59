"""A tuning run small enough for a test: a tiny Llama, and rows whose answer is a name in the text.

>>> config = toy_config(tmp_path, finetuning_type="full")  # doctest: +SKIP
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from iepile.training.config import TrainConfig
from tiny_models import byte_level_tokenizer, make_model


def toy_rows(path: Path, n: int = 41) -> Path:
    """Write `n` rows."""
    lines = []
    for i in range(n):
        name = "康梁孙黄"[i % 4] + "有启中"[i % 3] * (1 + i % 5)
        question = json.dumps({"instruction": "找", "schema": ["人物"], "input": f"{name}在此"}, ensure_ascii=False)
        answer = json.dumps({"人物": [name]}, ensure_ascii=False)
        lines.append(json.dumps({"task": "NER", "instruction": question, "output": answer}, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def toy_config(folder: Path, **settings: Any) -> TrainConfig:
    """Settings of a run of eight steps in `folder`/run: an odd number of batches, so that the last step is short."""
    base = folder / "base"
    if not base.exists():
        make_model(base, byte_level_tokenizer())
    if not (folder / "train.json").exists():
        toy_rows(folder / "train.json")
    config = TrainConfig(
        str(base), str(folder / "train.json"), str(folder / "run"), template="qwen", num_train_epochs=4, save_steps=3,
        per_device_train_batch_size=5, logging_steps=1, val_set_size=6, learning_rate=5e-3, lora_dropout=0.1, threads=1,
        gradient_accumulation_steps=2,
    )
    return replace(config, **settings)


def losses(folder: str | Path) -> list[float]:
    """Losses of the steps in a run's log."""
    lines = map(json.loads, (Path(folder) / "train_log.jsonl").read_text("utf-8").splitlines())
    return [line["loss"] for line in lines if "loss" in line]


def outcome(folder: str | Path) -> dict[str, bytes]:
    """What two runs that are the same share to the byte: the log and the weights."""
    at = Path(folder)
    return {str(f.relative_to(at)): f.read_bytes()
            for f in [at / "train_log.jsonl", *sorted((at / "model").glob("*.safetensors"))]}
