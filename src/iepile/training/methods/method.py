"""What a method of tuning is: which parameters are trained, and what is written of them.

To add one, write `methods/NAME.py` with `METHOD`, and its name into `settings/method.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

from iepile.models.load import Loaded, LoadOptions
from iepile.models.vendor import quiet
from iepile.training.config import TrainConfig


@dataclass(frozen=True)
class Method:
    """One way of tuning."""

    load: Callable[[TrainConfig, Path | None], Loaded]
    """Load the model of a run; the path is the checkpoint to go on from, if any."""
    prepare: Callable[[Loaded, TrainConfig, str], Any]
    """Give the model to train: exactly what is trained has `requires_grad`. The text names the base model."""
    save: Callable[[Any, Path], None]
    """Write weights (or adapter) into a folder, so that `load` finds all that training needs to go on exactly."""


def method_of(config: TrainConfig) -> Method:
    """The method that the settings name."""
    made: Method = import_module(f"iepile.training.methods.{config.finetuning_type}").METHOD
    return made


def load_options(config: TrainConfig, dtype: str, adapter: str = "") -> LoadOptions:
    """How to load the model of a run.

    Args:
        dtype: `fp32`, `bf16` or `fp16`.
        adapter: folder or hub name of an adapter to put on it.
    """
    same = {f.name: getattr(config, f.name) for f in fields(LoadOptions) if hasattr(config, f.name)}
    return LoadOptions(**same | {"dtype": dtype, "adapter": adapter})


def half_of(config: TrainConfig) -> str:
    """Number format of the weights that are not trained."""
    return "bf16" if config.bf16 else "fp16" if config.fp16 else "fp32"


def save_whole(model: Any, folder: Path) -> None:
    """Write all weights."""
    with quiet():
        model.save_pretrained(folder)
