"""`iepile train`: the compact model by default, a causal LM when one is named."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import Retired, run_command
from iepile.cli.progress import progress
from iepile.cli.show import summary

RETIRED = Retired(
    switches={
        "do_train": "train trains",
        "do_eval": "give valid_file",
        "predict_with_generate": "use iepile predict",
        "pad_to_max_length": "batches are padded to their longest row",
    },
    values={
        "stage": "there is one stage, supervised tuning",
        "model_name": "the family is read from the model's own config",
        "max_source_length": "nothing is cut; cutoff_len bounds the whole row",
        "max_target_length": "nothing is cut; cutoff_len bounds the whole row",
        "preprocessing_num_workers": "rows are tokenised as they are read",
        "per_device_eval_batch_size": "validation uses per_device_train_batch_size",
        "deepspeed": "training is one process; gradient_checkpointing and bf16 save memory",
        "evaluation_strategy": "the held-out loss is measured after each epoch, or every eval_steps",
        "save_strategy": "checkpoints are written every save_steps",
        "optim": "AdamW",
        "report_to": "losses are in train_log.jsonl",
        "ddp_find_unused_parameters": "not needed",
    },
)


def train(argv: Sequence[str]) -> int:
    """Train the compact model, or tune `--model_name_or_path`."""
    args = RETIRED.strip(argv)
    names = {a.partition("=")[0].removeprefix("--").replace("-", "_") for a in args}
    if names & {"model_name_or_path", "finetuning_type"}:
        from iepile.training.config import TrainConfig
        from iepile.training.tune import tune

        def run_tune(config: TrainConfig) -> None:
            with progress("tune") as tick:
                result = tune(config, tick)
            summary(result)

        return run_command("train", TrainConfig, run_tune, args)
    from iepile.training.compact_rows import CompactJob, train_compact

    def run_compact(job: CompactJob) -> None:
        with progress("train") as tick:
            result = train_compact(job, tick)
        summary(result)

    if names & {"help", "h"}:
        print("Without --model_name_or_path, the compact model is trained (below). To tune a causal LM, see\n"
              "  iepile train --model_name_or_path MODEL --help\n")
    return run_command("train", CompactJob, run_compact, args)
