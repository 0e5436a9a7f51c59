"""All weights are trained, in fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.models.load import Loaded, load_model
from iepile.training.config import TrainConfig
from iepile.training.methods.method import Method, load_options, save_whole


def load(config: TrainConfig, resume: Path | None) -> Loaded:
    """Load every weight, from `checkpoint_dir` where it is given.

    Raises:
        InputError: the model is an adapter.
    """
    name = str(resume or config.checkpoint_dir or config.model_name_or_path)
    loaded = load_model(name, load_options(config, "fp32"))
    if loaded.adapter:
        raise InputError("the model is an adapter, and weights are to be tuned", file=name, field="finetuning_type",
                         fix="use finetuning_type lora, or merge the adapter first: iepile export")
    return loaded


def prepare(loaded: Loaded, config: TrainConfig, base: str) -> Any:
    """Everything is trained as it is."""
    return loaded.model


METHOD = Method(load, prepare, save_whole)
