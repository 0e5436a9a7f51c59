"""DeepSpeed's settings: shipped ones by name, or a JSON file, with every `auto` filled in from the run's own settings.

The optimizer, its schedule and the way batches make a step are the run's: what a file says of them is checked, not
used. Nothing here loads DeepSpeed.
"""

from __future__ import annotations

import json
import logging
from importlib import resources
from pathlib import Path, PurePath
from typing import Any

from iepile.errors import InputError
from iepile.training.config import TrainConfig

SHIPPED = ("zero2", "zero3", "zero2_offload", "zero3_offload")
GUIDE = {
    "ds_config_bf16.json": "zero2", "ds_config_fp16.json": "zero2", "ds_config.json": "zero2",
    "ds_config_bf16_stage2.json": "zero2", "ds_config_stage2.json": "zero2", "ds_config_zero2.json": "zero2",
    "ds_config_bf16_stage3.json": "zero3", "ds_config_stage3.json": "zero3", "ds_config_zero3.json": "zero3",
}
"""Files of the guides and of like programs, and what stands for them where they are not there."""
OURS = ("optimizer", "scheduler", "train_batch_size")
"""Sections whose place the run's settings take."""

logger = logging.getLogger(__name__)


def read_zero_settings(name: str, tell: bool = False) -> dict[str, Any]:
    """The settings that a name stands for, as they are written.

    Args:
        tell: warn where shipped ones stand in for a file that is not there.

    Raises:
        InputError: there is no such file, or it holds no settings of ZeRO.
    """
    path = Path(name)
    if not path.is_file():
        shipped = name if name in SHIPPED else GUIDE.get(PurePath(name).name, "")
        if not shipped:
            raise InputError("there is no such file", file=name, field="deepspeed",
                             expected=f"{', '.join(SHIPPED)}, or a JSON file of DeepSpeed's settings")
        if tell and shipped != name:
            logger.warning("there is no file %s; the shipped settings %s take its place", name, shipped)
        text = (resources.files("iepile.training.parallel") / "configs" / f"{shipped}.json").read_text("utf-8")
        return dict(json.loads(text))
    try:
        said = json.loads(path.read_text("utf-8"))
    except ValueError as e:
        raise InputError(f"is not JSON: {e}", file=path, field="deepspeed") from None
    except OSError as e:
        raise InputError(f"cannot be read: {e.strerror}", file=path, field="deepspeed") from None
    stage = said.get("zero_optimization", {}).get("stage") if isinstance(said, dict) else None
    if stage not in (2, 3):
        raise InputError(f"zero_optimization.stage is {stage}", file=path, field="deepspeed", expected="2 or 3")
    for part in ("offload_optimizer", "offload_param"):
        if (said["zero_optimization"].get(part) or {}).get("device", "none") not in ("none", "cpu"):
            raise InputError(f"{part}: what lies on a disk cannot be put into a checkpoint", file=path,
                             field="deepspeed", expected='"device": "cpu"')
    return dict(said)


def zero_stage(config: TrainConfig) -> int:
    """2 or 3; 0 where DeepSpeed is not asked for.

    Raises:
        InputError: the stage cannot work with the other settings.
    """
    if not config.deepspeed:
        return 0
    stage = int(read_zero_settings(config.deepspeed)["zero_optimization"]["stage"])
    if stage == 3 and config.bits != 16:
        raise InputError("quantised weights cannot be split over processes", field="bits, deepspeed",
                         fix="use deepspeed zero2, DDP, or bits 16")
    return stage


def fill_zero_settings(config: TrainConfig, width: int) -> dict[str, Any]:
    """The settings that DeepSpeed is given.

    Args:
        width: of the model's hidden states, by which its buffers are measured.

    Raises:
        InputError: the file contradicts the run's settings, or has an `auto` that nothing is known for.
    """
    said = read_zero_settings(config.deepspeed, tell=True)
    known: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": config.per_device_train_batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation_steps,
        "gradient_clipping": config.max_grad_norm,
        "bf16.enabled": config.bf16,
        "fp16.enabled": config.fp16,
        "zero_optimization.reduce_bucket_size": width * width,
        "zero_optimization.stage3_prefetch_bucket_size": int(0.9 * width * width),
        "zero_optimization.stage3_param_persistence_threshold": 10 * width,
    }
    if _explicit({name: said.get(name) for name in OURS}):
        logger.warning("%s: optimizer, scheduler and train_batch_size are those of the run's settings",
                       config.deepspeed)
    filled = _filled({k: v for k, v in said.items() if k not in OURS}, "", known, config.deepspeed)
    for name in ("train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "gradient_clipping", "bf16.enabled",
                 "fp16.enabled"):
        section, _, key = name.rpartition(".")
        value = (filled.get(section, {}) if section else filled).get(key)
        if value is not None and value != known[name]:
            raise InputError(f"{name} is {value}, but the run's settings say {known[name]}", file=config.deepspeed,
                             field="deepspeed", fix='write "auto" there, or change the setting')
    # Where a step ends is told to DeepSpeed batch by batch, because the last step of an epoch may have fewer.
    return {**filled, "train_micro_batch_size_per_gpu": config.per_device_train_batch_size,
            "gradient_accumulation_steps": 1, "gradient_clipping": config.max_grad_norm,
            "bf16": {**filled.get("bf16", {}), "enabled": config.bf16},
            "fp16": {**filled.get("fp16", {}), "enabled": config.fp16},
            "steps_per_print": 2**31 - 1, "zero_allow_untested_optimizer": True, "zero_force_ds_cpu_optimizer": False}


def _filled(part: dict[str, Any], at: str, known: dict[str, Any], file: str) -> dict[str, Any]:
    made = {}
    for key, value in part.items():
        name = f"{at}{key}"
        if isinstance(value, dict):
            made[key] = _filled(value, f"{name}.", known, file)
        elif value == "auto" and name not in known:
            raise InputError(f'nothing is known to fill in for {name}: "auto"', file=file, field="deepspeed",
                             fix="write a number there, or leave it out")
        else:
            made[key] = known[name] if value == "auto" else value
    return made


def _explicit(value: Any) -> bool:
    """Whether anything in it is more than `auto` and the name of a type."""
    if isinstance(value, dict):
        return any(_explicit(v) for k, v in value.items() if k != "type")
    return value not in (None, "auto")
