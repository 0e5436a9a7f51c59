"""LoRA: small matrices beside the weights are trained, the weights stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from iepile.errors import InputError, MissingDependency
from iepile.models.families import ALL_LINEAR, lora_targets
from iepile.models.load import Loaded, LoadOptions, load_model, quiet
from iepile.training.config import TrainConfig
from iepile.training.methods.method import Method


def load(config: TrainConfig, resume: Path | None) -> Loaded:
    """Load the model with the adapter to go on with, if any."""
    half = "bf16" if config.bf16 else "fp16" if config.fp16 else "fp32"
    options = LoadOptions(half, config.device, "" if resume else config.checkpoint_dir, config.trust_remote_code,
                          config.revision)
    return load_model(str(resume or config.model_name_or_path), options, trainable=True)


def prepare(loaded: Loaded, config: TrainConfig, base: str) -> Any:
    """Put a new adapter on the model where there is none."""
    if loaded.adapter:
        return loaded.model
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise MissingDependency("peft", "train", "LoRA") from None
    model = loaded.model
    asked = [t.strip() for t in config.lora_target_modules.split(",") if t.strip()]
    targets: Any = asked or lora_targets(model.config.model_type, (n for n, _ in model.named_modules()))
    if ALL_LINEAR in asked:
        targets = ALL_LINEAR
    names = sorted({n.rpartition(".")[2] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)})
    torch.manual_seed(config.seed)
    try:
        with quiet():
            made = get_peft_model(model, LoraConfig(
                r=config.lora_r, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout,
                target_modules=targets, bias="none", task_type="CAUSAL_LM",
            ))
    except ValueError as e:
        raise InputError(f"LoRA cannot be put on {targets}: {str(e)[:200]}", field="lora_target_modules",
                         expected=", ".join(names)) from e
    # The name the user gave may be relative to a folder that nobody stands in later.
    made.peft_config["default"].base_model_name_or_path = base
    return made


def save(model: Any, folder: Path) -> None:
    """Write the adapter."""
    with quiet():
        model.save_pretrained(folder, save_embedding_layers=False)


METHOD = Method(load, prepare, save)
