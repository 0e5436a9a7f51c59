"""Flags of the guides' scripts: which of ours they are, and which mean nothing any more."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence


class Retired:
    """Flags that are accepted and ignored: name -> what replaces it."""

    def __init__(self, switches: Mapping[str, str], values: Mapping[str, str]) -> None:
        """`switches` stand alone, `values` are followed by one."""
        self.switches, self.values = switches, values

    def strip(self, argv: Sequence[str]) -> list[str]:
        """`argv` without retired flags; prints one line for each on standard error."""
        out: list[str] = []
        rest = list(argv)
        while rest:
            arg = rest.pop(0)
            name, eq, _ = arg.removeprefix("--").partition("=")
            name = name.replace("-", "_")
            known = self.switches.get(name) or self.values.get(name)
            if not arg.startswith("--") or known is None:
                out.append(arg)
                continue
            if not eq and rest and (name in self.values or rest[0].lower() in ("true", "false")):
                rest.pop(0)
            print(f"warning: --{name} has no effect here: {known}", file=sys.stderr)
        return out


def rename(argv: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """`argv` with the flags of older scripts under our names; without a word, since they mean the same."""
    out: list[str] = []
    before = ""
    for arg in argv:
        name, eq, value = arg.removeprefix("--").partition("=")
        name = name.replace("-", "_") if arg.startswith("--") else ""
        if before == OLD_TEMPLATE:
            arg = _template(arg)
        elif name in names:
            arg = f"--{names[name]}{eq}{_template(value) if eq and name == OLD_TEMPLATE else value}"
        out.append(arg)
        before = "" if eq else name
    return out


def _template(name: str) -> str:
    """Templates of the 2023 guide had the names of others of today."""
    from iepile.models.template import OLDER

    return OLDER.get(name, name)


OLD_TEMPLATE = "prompt_template_name"

TRAIN_NAMES = {
    "train_path": "train_file", "model_file": "model_name", "model_dir": "model_name_or_path",
    "prompt_template_name": "template", "model_revision": "revision", "eval_strategy": "evaluation_strategy",
    "train_batch_size": "per_device_train_batch_size", "log_steps": "logging_steps", "max_len": "cutoff_len",
    "lora_target": "lora_target_modules", "modules_to_save": "additional_target", "neftune_noise_alpha": "neft_alpha",
}
"""`src/finetune.py`, `src/finetuning_pt.py` and what newer programs call the same."""

TRAIN_RETIRED = Retired(
    switches={
        "do_train": "train trains",
        "do_eval": "give valid_file or val_set_size",
        "predict_with_generate": "give dev_file to score extraction while training",
        "pad_to_max_length": "batches are padded to their longest row",
        "group_by_length": "rows of like length always go together",
        "overwrite_cache": "the cache knows by itself what has changed",
        "remove_unused_columns": "other columns are not read",
        "use_fast_tokenizer": "the tokenizer's own class is used",
    },
    values={
        "stage": "there is one stage, supervised tuning",
        "max_source_length": "nothing is cut; cutoff_len bounds the whole row",
        "max_target_length": "nothing is cut; cutoff_len bounds the whole row",
        "max_src_len": "nothing is cut; cutoff_len bounds the whole row",
        "preprocessing_num_workers": "rows are tokenised as they are read; cache_path keeps them",
        "ddp_find_unused_parameters": "not needed",
        "max_memory_MB": "what a run needs is estimated before it starts",
        "local_rank": "read from what torchrun sets",
        "language": "the language of a row is that of its text",
    },
)

PREDICT_NAMES = {
    "lora_weights": "checkpoint_dir", "prompt_template_name": "template", "test_path": "input_file",
    "ori_model_dir": "model_name_or_path", "model_dir": "checkpoint_dir", "model_file": "model_name",
    "max_len": "cutoff_len",
}
"""`src/inference.py` and `src/inference_pt.py`."""

PREDICT_RETIRED = Retired(
    switches={"do_predict": "predict predicts", "predict_with_generate": "predict generates"},
    values={
        "stage": "there is one kind of prediction",
        "finetuning_type": "an adapter is told by checkpoint_dir",
        "output_dir": "answers go to output_file",
        "max_source_length": "nothing is cut; cutoff_len bounds prompt and answer",
        "max_src_len": "nothing is cut; cutoff_len bounds prompt and answer",
        "max_memory_MB": "weights that do not fit are an error",
    },
)
