"""Settings of tuning: what is logged, measured and saved on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iepile.errors import InputError
from iepile.training.settings.checks import at_least, one_of


@dataclass(frozen=True, kw_only=True)
class MonitoringSettings:
    """What is logged, measured and saved on the way."""

    logging_steps: int = 10
    """Steps between lines of `train_log.jsonl`."""
    evaluation_strategy: Literal["epoch", "steps", "no"] = "epoch"
    """When the validation loss and the dev F1 are measured: after each epoch, every `eval_steps`, or at the
    end only."""
    eval_steps: int = 0
    """Steps between measurements; above 0 it means `evaluation_strategy steps`."""
    dev_file: str = ""
    """Test rows (`iepile convert --split test`) to extract from and score while training, under the grammar."""
    dev_rows: int = 200
    """Rows of `dev_file` used, drawn with the seed; 0: all."""
    max_new_tokens: int = 256
    """Most tokens of an answer on `dev_file`."""
    load_best_model_at_end: bool = False
    """Make the checkpoint that measured best the model, in place of the last."""
    metric_for_best_model: Literal["auto", "f1", "loss"] = "auto"
    """What best means; `auto`: F1 where there is a `dev_file`, else the validation loss."""
    early_stopping_patience: int = 0
    """Stop after so many measurements without a better one; 0: never."""
    save_strategy: Literal["steps", "epoch", "no"] = "steps"
    """When checkpoints are written: every `save_steps`, after each epoch, or only when stopped."""
    save_steps: int = 500
    """Steps between checkpoints; 0: only when stopped."""
    save_total_limit: int = 2
    """Newest checkpoints kept; the best one is kept besides."""
    plot_loss: bool = False
    """Draw the losses and scores into `loss.html` and, with matplotlib, `loss.png`."""
    report_to: str = "none"
    """Trackers to send figures to, separated by commas: `tensorboard`, `wandb`; `none`: nothing leaves this machine."""
    overwrite_output_dir: bool = False
    """Begin anew although the folder holds a run; only files of the run are replaced."""
    resume_from_checkpoint: str = ""
    """`true` or a checkpoint folder: go on from there; empty: go on if `output_dir` holds this very run unfinished."""

    def check_monitoring(self) -> None:
        """Raise InputError where a value makes no sense."""
        at_least(self, 1, ("logging_steps", "save_total_limit", "max_new_tokens"))
        at_least(self, 0, ("eval_steps", "dev_rows", "early_stopping_patience", "save_steps"))
        one_of(self, "evaluation_strategy", ("epoch", "steps", "no"))
        one_of(self, "save_strategy", ("steps", "epoch", "no"))
        one_of(self, "metric_for_best_model", ("auto", "f1", "loss"))
        if self.metric_for_best_model == "f1" and not self.dev_file:
            raise InputError("is f1, but there is nothing to extract from", field="metric_for_best_model",
                             fix="give dev_file")
        for name in self.trackers:
            if name not in ("tensorboard", "wandb"):
                raise InputError(f"unknown tracker {name!r}", field="report_to", expected="tensorboard, wandb or none")

    @property
    def trackers(self) -> tuple[str, ...]:
        """`report_to` as names."""
        return tuple(n.strip() for n in self.report_to.split(",") if n.strip() not in ("", "none"))
