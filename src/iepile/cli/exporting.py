"""`iepile export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from iepile.cli.command import run_command
from iepile.cli.guides import TRAIN_NAMES, TRAIN_RETIRED, Retired, rename
from iepile.cli.show import summary


def export(argv: Sequence[str]) -> int:
    """Write a trained model as others run it."""
    from iepile.training.export.config import ExportConfig
    from iepile.training.export.export import export as run

    return run_command("export", ExportConfig, lambda c: summary(run(c)), _ours(argv))


def _ours(argv: Sequence[str]) -> list[str]:
    """The flags of an export. `src/export_model.py` took those of training as well, which say nothing here."""
    from iepile.training.config import TrainConfig
    from iepile.training.export.config import ExportConfig

    of_training = [f for f in fields(TrainConfig) if f.name not in {g.name for g in fields(ExportConfig)}]
    said = dict.fromkeys([f.name for f in of_training], "export trains nothing")
    said |= {"model_name": "the family is read from the model's own configuration", "finetuning_type":
             "an adapter is told by its files", "bits": "adapters are merged into unquantised weights",
             "overwrite_output_dir": "overwrite replaces an earlier export"}
    switches = [f.name for f in of_training if f.type == "bool"]
    retired = Retired({**TRAIN_RETIRED.switches, **{n: said[n] for n in switches if n not in ("bf16", "fp16")}},
                      {**TRAIN_RETIRED.values, **{n: said[n] for n in said if n not in switches}})
    out: list[str] = []
    for arg in retired.strip(rename(argv, TRAIN_NAMES)):
        if out and out[-1] in ("--bf16", "--fp16") and arg.lower() in ("true", "false"):
            out[-1] += f"={arg.lower()}"
        else:
            out.append(arg)
    return [_dtype(arg) for arg in out if arg not in ("--bf16=false", "--fp16=false")]


def _dtype(arg: str) -> str:
    """`--bf16` as `--dtype=bf16`: the number format of a run was that of what it exported."""
    name = arg.removesuffix("=true")
    return f"--dtype={name[2:]}" if name in ("--bf16", "--fp16") else arg
