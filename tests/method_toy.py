"""A toy problem for methods of tuning: rows whose answer is a name in the text, and a few steps on tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iepile.training.config import TrainConfig
from iepile.training.methods.method import method_of
from toy_tuning import toy_rows

METHODS: dict[str, dict[str, Any]] = {
    "lora": {},
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True, "lora_target_modules": "all"},
    "gaussian": {"init_lora_weights": "gaussian"},
    "pissa": {"init_lora_weights": "pissa"},
    "pissa fast, rslora": {"init_lora_weights": "pissa_niter_4", "use_rslora": True},
    "olora": {"init_lora_weights": "olora", "lora_dropout": 0.1},
    "lora and modules": {"additional_target": "embed_tokens,lm_head"},
    "pissa and modules": {"init_lora_weights": "pissa", "additional_target": "lm_head", "lora_dropout": 0.1},
    "full": {"finetuning_type": "full"},
    "freeze": {"finetuning_type": "freeze", "num_layer_trainable": 1},
    "freeze first": {"finetuning_type": "freeze", "num_layer_trainable": -1, "name_module_trainable": "all"},
    "p_tuning": {"finetuning_type": "p_tuning"},
    "p_tuning, projection": {"finetuning_type": "p_tuning", "prefix_projection": True},
    "p_tuning_v1": {"finetuning_type": "p_tuning_v1"},
    "p_tuning_v1, lstm": {"finetuning_type": "p_tuning_v1", "prompt_encoder": "lstm"},
    "prompt_tuning": {"finetuning_type": "prompt_tuning"},
    "prompt_tuning, words": {"finetuning_type": "prompt_tuning", "prompt_text": "找人物"},
    "neftune": {"neft_alpha": 5.0},
    "neftune, vectors": {"finetuning_type": "prompt_tuning", "neft_alpha": 5.0},
}
"""Settings of each method by a name for the test."""


def write_rows(path: Path, rows: int = 40) -> Path:
    """Training rows: one question, and the name that the text begins with."""
    return toy_rows(path, rows)


def toy_config(base: Path, data: Path, output: Path, settings: Mapping[str, Any]) -> TrainConfig:
    """A short run with checkpoints."""
    usual: dict[str, Any] = {
        "template": "qwen", "num_train_epochs": 2, "save_steps": 3, "per_device_train_batch_size": 5,
        "gradient_accumulation_steps": 2, "logging_steps": 1, "lora_dropout": 0.1, "threads": 1, "device": "cpu",
        "learning_rate": 1e-2, "pre_seq_len": 8,
    }
    return TrainConfig(str(base), str(data), str(output), **(usual | dict(settings)))


def prepared(config: TrainConfig, resume: Path | None = None) -> Any:
    """The model of a run, ready to train."""
    method = method_of(config)
    return method.prepare(method.load(config, resume), config, config.model_name_or_path)


def batch(model: Any, seed: int = 0) -> dict[str, Any]:
    """Three rows of tokens, the first padded on the left."""
    import torch

    made = torch.Generator().manual_seed(seed)
    ids = torch.randint(8, model.config.vocab_size - 8, (3, 12), generator=made)
    mask = torch.ones_like(ids)
    mask[0, :5] = 0
    return {"input_ids": ids, "attention_mask": mask, "position_ids": (mask.cumsum(1) - 1).clamp(min=0),
            "use_cache": False}


def _half(name: str) -> Any:
    import torch

    # Opened for each pass: it keeps what it rounded until it is closed.
    return torch.autocast("cpu", {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name), enabled=bool(name))


def logits(model: Any, seed: int = 0, half: str = "") -> Any:
    """Scores of the real tokens of the batch in evaluation mode, shape (tokens, vocabulary)."""
    import torch

    fed = batch(model, seed)
    with torch.no_grad(), _half(half):
        scores = model.eval()(**fed).logits[:, -fed["input_ids"].shape[1] :]
    return scores[fed["attention_mask"].bool()]


def steps(model: Any, count: int = 5, rate: float = 1e-2, half: str = "") -> list[float]:
    """Train on the batch for some steps; the losses."""
    import torch

    fed = batch(model)
    ids, real = fed["input_ids"], fed["attention_mask"].bool()[:, 1:]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    losses = []
    model.train()
    for _ in range(count):
        with _half(half):
            scores = model(**fed).logits[:, -ids.shape[1] : -1]
        loss = torch.nn.functional.cross_entropy(scores[real].float(), ids[:, 1:][real])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


class Killed(Exception):
    """Stands for a death of the process in this very place."""


def die_at(step: int) -> Any:
    """Progress callback that dies after a step."""

    def progress(done: int, total: int, note: float | str) -> None:
        if isinstance(note, float) and done == step:
            raise Killed

    return progress
