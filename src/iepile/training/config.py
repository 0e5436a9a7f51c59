"""Settings of a tuning run of a language model: API, YAML keys and command-line flags at once.

Names and meanings follow the guides (`--train_file`, `--cutoff_len`, `--lora_r`, ...). The groups are in `settings/`.

>>> TrainConfig("models/llama", "train.json", "runs/resume", finetuning_type="lora", lora_r=64).rate
0.0002
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from iepile.errors import InputError
from iepile.training.settings.data import DataSettings
from iepile.training.settings.layout import LayoutSettings
from iepile.training.settings.method import PROMPT_LEARNING, MethodSettings
from iepile.training.settings.model import ModelSettings
from iepile.training.settings.monitoring import MonitoringSettings
from iepile.training.settings.optimisation import OptimisationSettings
from iepile.training.settings.parallel import ParallelSettings

BY_THE_WAY = frozenset({"output_dir", "overwrite_output_dir", "resume_from_checkpoint", "save_steps", "save_strategy",
                        "save_total_limit", "logging_steps", "device", "threads", "plot_loss", "report_to",
                        "cache_path", "cache_dir"})
"""Settings that do not change what is learned: a run may be resumed with others."""


# The bases stand in reverse: fields of the last one come first in the help.
@dataclass(frozen=True)
class TrainConfig(MonitoringSettings, ParallelSettings, LayoutSettings, OptimisationSettings, DataSettings,
                  MethodSettings, ModelSettings):
    """How to tune a language model on instruction rows."""

    model_name_or_path: str
    """Model to begin with: a folder, a hub name, or the output folder of an earlier run."""
    train_file: str
    """Rows with `instruction` and `output`, as `iepile convert` writes them; several files separated by commas."""
    output_dir: str
    """Folder for checkpoints, the log and the trained model (in `model`)."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a value that makes no sense, or two that exclude each other.
        """
        for name in ("model_name_or_path", "train_file", "output_dir"):
            if not str(getattr(self, name)).strip():
                raise InputError("is empty", field=name)
        self.check_model()
        self.check_data()
        self.check_method()
        self.check_optimisation()
        self.check_layout()
        self.check_parallel()
        self.check_monitoring()
        for wrong, field, problem, fix in _exclusions(self):
            if wrong:
                raise InputError(problem, field=field, fix=fix)

    @property
    def rate(self) -> float:
        """The learning rate that holds."""
        usual = {"lora": 2e-4, "full": 2e-5, "freeze": 2e-5, "p_tuning_v1": 1e-3}
        # A network that makes vectors learns as networks do; vectors themselves take larger steps.
        if self.prefix_projection and self.finetuning_type == "p_tuning":
            usual["p_tuning"] = 1e-3
        return self.learning_rate or usual.get(self.finetuning_type, 1e-2)

    def identity(self) -> dict[str, Any]:
        """The settings that decide what is learned, by name."""
        return {k: v for k, v in asdict(self).items() if k not in BY_THE_WAY}


def _exclusions(c: TrainConfig) -> list[tuple[bool, str, str, str]]:
    """Settings that give wrong results or cannot work together: (whether it is so, fields, the reason, what to do)."""
    prompts = c.finetuning_type in PROMPT_LEARNING
    zero3 = "3" in c.deepspeed and not c.deepspeed.endswith(".json")
    best = c.load_best_model_at_end or c.early_stopping_patience > 0
    return [
        (c.layout == "packed" and prompts, "layout, finetuning_type",
         "rows packed together would see each other through the vectors before the prompt", "use layout padded"),
        (c.layout == "branched" and prompts, "layout, finetuning_type",
         "questions that share a text cannot have vectors before the prompt each", "use layout padded"),
        (c.layout == "branched" and not c.text_first, "layout, text_first",
         "questions share a text only where the text comes first", "set text_first, or use layout padded"),
        (c.bits != 16 and c.finetuning_type not in ("lora", *PROMPT_LEARNING), "bits, finetuning_type",
         f"quantised weights cannot be trained themselves ({c.finetuning_type})", "use finetuning_type lora"),
        (c.bits != 16 and (zero3 or c.fsdp), "bits, deepspeed, fsdp",
         "quantised weights cannot be split over processes", "use deepspeed zero2, DDP, or bits 16"),
        (c.bits != 16 and c.init_lora_weights != "default", "bits, init_lora_weights",
         "LoRA cannot begin with parts of weights that are quantised", "use init_lora_weights default, or bits 16"),
        (c.layout == "branched" and c.train_on_prompt, "layout, train_on_prompt",
         "what is learned cannot be shared, and the prompt is to be learned", "use layout padded, or leave one out"),
        (c.streaming and c.max_steps <= 0, "streaming, max_steps",
         "the number of rows is not known before they are read", "give max_steps"),
        (c.streaming and bool(c.val_set_size), "streaming, val_set_size",
         "rows cannot be set aside while they stream", "give valid_file"),
        (best and not (c.dev_file or c.valid_file or c.val_set_size), "load_best_model_at_end, early_stopping_patience",
         "nothing is measured that could be best", "give dev_file, valid_file or val_set_size"),
        (c.metric_for_best_model == "loss" and best and not (c.valid_file or c.val_set_size), "metric_for_best_model",
         "is loss, but there are no validation rows", "give valid_file or val_set_size"),
        (bool(c.dev_file) and (zero3 or c.fsdp), "dev_file, deepspeed, fsdp",
         "weights that are split over processes cannot answer while they train",
         "use deepspeed zero2 or DDP, or measure with valid_file alone"),
        (c.gradient_checkpointing and c.finetuning_type == "p_tuning", "gradient_checkpointing, finetuning_type",
         "vectors in every layer are kept in a cache, which gradient checkpointing drops", "leave one of the two out"),
    ]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of the settings in which two runs differ, in the order of the fields."""
    order = [f.name for f in fields(TrainConfig)]
    names = [n for n in order if n in one or n in other]
    return [n for n in names + sorted((set(one) | set(other)) - set(order)) if one.get(n) != other.get(n)]
