"""Settings of tuning: the rows, what is kept of them, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iepile.training.settings.checks import at_least, one_of


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which rows are trained on."""

    valid_file: str = ""
    """Rows to measure the loss on while training; several files separated by commas."""
    val_set_size: int = 0
    """Rows of `train_file` set aside for that, where there is no `valid_file`; all rows of a text go to one side."""
    cutoff_len: int = 1024
    """Most tokens of a row, prompt and answer together. Nothing is ever cut: see `too_long`."""
    too_long: Literal["window", "drop"] = "window"
    """What becomes of longer rows: their text is split at sentences and each part keeps its
    facts, or they are left out."""
    negative_ratio: float = -1.0
    """Most rows without any fact for one row with facts; below 0: all of them."""
    mixture: str = ""
    """How often each source is seen, `MSRA=2,DuIE2.0=0.5`: times an epoch; sources not named once, `*` names
    the rest."""
    streaming: bool = False
    """Read rows while training, in little memory; needs `max_steps`."""
    cache_path: str = ""
    """Folder that keeps rows as token ids, so that the next run on the same data starts at once; empty: none."""
    train_on_prompt: bool = False
    """Learn to predict the prompt as well as the answer."""
    text_first: bool = False
    """Ask with the text before the labels, so that all questions about a text share its reading; see
    `layout branched`."""

    def check_data(self) -> None:
        """Raise InputError where a value makes no sense."""
        at_least(self, 1, ("cutoff_len",))
        at_least(self, 0, ("val_set_size",))
        one_of(self, "too_long", ("window", "drop"))
