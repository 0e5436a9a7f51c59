"""Settings of a tuning run of a language model: API, YAML keys and command-line flags at once.

Names and meanings follow the guides (`--train_file`, `--cutoff_len`, `--lora_r`, ...).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from iepile.errors import InputError

BY_THE_WAY = frozenset({"output_dir", "overwrite_output_dir", "resume_from_checkpoint", "save_steps",
                        "save_total_limit", "logging_steps", "device", "threads"})
"""Settings that do not change what is learned: a run may be resumed with others."""


@dataclass(frozen=True)
class TrainConfig:
    """How to tune a causal language model on instruction rows."""

    model_name_or_path: str
    """Model to begin with: a folder, a hub name, or the output folder of an earlier run."""
    train_file: str
    """Rows with `instruction` and `output`, as `iepile convert` writes them."""
    output_dir: str
    """Folder for checkpoints, the log and the trained model (in `model`)."""
    valid_file: str = ""
    """Rows to measure the loss on while training."""
    val_set_size: int = 0
    """Rows of `train_file` set aside for that, where there is no `valid_file`."""
    finetuning_type: Literal["lora", "full"] = "lora"
    """Train small matrices beside the weights (LoRA), or all weights."""
    checkpoint_dir: str = ""
    """LoRA adapter to go on training, a folder or hub name; its own rank and layers then hold."""
    template: str = ""
    """Chat template; empty: the tokenizer's own, else alpaca. It is saved with the model."""
    system_prompt: str = ""
    """System sentence in place of the template's own."""
    cutoff_len: int = 1024
    """Most tokens of a row. Longer rows are left out and counted, never cut."""
    num_train_epochs: float = 3.0
    """Times the data is gone through."""
    max_steps: int = -1
    """Length in optimizer steps; goes before `num_train_epochs` when above 0."""
    learning_rate: float = 0.0
    """Highest learning rate; 0: 2e-4 for LoRA, 2e-5 for all weights."""
    lr_scheduler_type: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after warm-up."""
    warmup_ratio: float = 0.03
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = 0.0
    """Decoupled weight decay of matrices."""
    max_grad_norm: float = 1.0
    """Largest norm of the gradient; 0: no bound."""
    per_device_train_batch_size: int = 8
    """Rows that go through the model together."""
    gradient_accumulation_steps: int = 1
    """Batches whose gradients make one step."""
    max_tokens_per_batch: int = 0
    """Tokens of a batch, padding included, in place of a number of rows; 0: off."""
    lora_r: int = 16
    """Rank of LoRA."""
    lora_alpha: float = 32.0
    """Scale of LoRA: its output counts `lora_alpha / lora_r` times."""
    lora_dropout: float = 0.05
    """Dropout before LoRA."""
    lora_target_modules: str = ""
    """Layers for LoRA, separated by commas, or `all-linear`; empty: as fits the model family."""
    bf16: bool = False
    """Compute in bfloat16."""
    fp16: bool = False
    """Compute in float16, with loss scaling."""
    gradient_checkpointing: bool = False
    """Keep less in memory and compute it again: slower, for long rows."""
    seed: int = 42
    """Seed of order, new weights and dropout."""
    save_steps: int = 500
    """Steps between checkpoints; 0: only when stopped."""
    save_total_limit: int = 2
    """Newest checkpoints kept."""
    logging_steps: int = 10
    """Steps between lines of `train_log.jsonl`."""
    eval_steps: int = 0
    """Steps between measurements on the validation rows; 0: after each epoch."""
    overwrite_output_dir: bool = False
    """Begin anew although the folder holds a run; only files of the run are replaced."""
    resume_from_checkpoint: str = ""
    """`true` or a checkpoint folder: go on from there; empty: go on if `output_dir` holds this very run unfinished."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model."""
    revision: str = "main"
    """Branch, tag or commit of a hub model."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto`: the first GPU if there is one."""
    threads: int = 0
    """Processor threads; 0: as torch chooses. Another number may change the last bits of the losses."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a value that makes no sense, or two that exclude each other.
        """
        for name in ("model_name_or_path", "train_file", "output_dir"):
            if not str(getattr(self, name)).strip():
                raise InputError("is empty", field=name)
        for names, least in (
            (("cutoff_len", "per_device_train_batch_size", "gradient_accumulation_steps", "lora_r", "save_total_limit",
              "logging_steps"), 1),
            (("val_set_size", "max_tokens_per_batch", "save_steps", "eval_steps", "threads", "learning_rate",
              "weight_decay", "max_grad_norm", "warmup_ratio", "lora_dropout"), 0),
        ):
            for name in names:
                value = getattr(self, name)
                if not value >= least or math.isinf(value):
                    raise InputError(f"is {value}", field=name, expected=f"{least} or more")
        for name in ("warmup_ratio", "lora_dropout"):
            if getattr(self, name) >= 1:
                raise InputError(f"is {getattr(self, name)}", field=name, expected="below 1")
        if self.max_steps <= 0 and not 0 < self.num_train_epochs < math.inf:
            raise InputError(f"is {self.num_train_epochs}", field="num_train_epochs", expected="above 0")
        if not self.lora_alpha > 0:
            raise InputError(f"is {self.lora_alpha}", field="lora_alpha", expected="above 0")
        for name, allowed in (("finetuning_type", ("lora", "full")),
                              ("lr_scheduler_type", ("cosine", "linear", "constant"))):
            if getattr(self, name) not in allowed:
                raise InputError(f"is {getattr(self, name)!r}", field=name, expected=" or ".join(allowed))
        if self.bf16 and self.fp16:
            raise InputError("both are set", field="bf16, fp16", fix="choose one")
        if self.checkpoint_dir and self.finetuning_type != "lora":
            raise InputError("is set, but all weights are tuned", field="checkpoint_dir",
                             fix="use finetuning_type lora, or name the full model as model_name_or_path")

    @property
    def rate(self) -> float:
        """The learning rate that holds."""
        return self.learning_rate or (2e-4 if self.finetuning_type == "lora" else 2e-5)

    def identity(self) -> dict[str, Any]:
        """The settings that decide what is learned, by name."""
        return {k: v for k, v in asdict(self).items() if k not in BY_THE_WAY}


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of the settings in which two runs differ, in the order of the fields."""
    order = [f.name for f in fields(TrainConfig)]
    names = [n for n in order if n in one or n in other]
    return [n for n in names + sorted((set(one) | set(other)) - set(order)) if one.get(n) != other.get(n)]
