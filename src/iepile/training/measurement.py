"""What is measured during a run besides the loss: extraction F1 on dev documents, and what follows from it.

Training stands on a lower floor than extraction, so `tune` is handed a function that answers and scores: an `OnDev`, as
`iepile.extraction.dev_score.DevScorer` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from iepile.models.chat import Chat
from iepile.training.parallel.world import World


@dataclass(frozen=True)
class DevScore:
    """Extraction scores on dev documents, in percent."""

    protocol: str
    """Name and version of the rules of scoring."""
    f1: float
    """Mean of the tasks' F1, each counting the same; tasks of which no gold fact is there are left out."""
    tasks: Mapping[str, float]
    """Micro F1 of each task over all its facts (for EE, triggers and arguments together)."""
    groups: Mapping[str, tuple[int, int, int]]
    """By task and kind of fact (`EE argument`): facts that are right, answered, gold."""
    rows: int
    """Questions asked."""
    failed: int = 0
    """Questions without an answer, most often because the prompt does not fit; they count as answered with nothing."""
    cut: int = 0
    """Answers that reached `max_new_tokens`."""


class OnDev(Protocol):
    """Answers the dev questions with a model in training and scores the answers; leaves the model as it was."""

    def __call__(self, model: Any, tokenizer: Any, chat: Chat, context: int | None, world: World | None = None,
                 on_progress: Callable[[int, int], None] | None = None) -> DevScore:
        """Measure.

        Args:
            model: not wrapped (DDP and the like).
            context: most tokens of prompt and answer together; None: no limit is known.
            world: each process asks some documents, all get the score; None: this process asks all.
            on_progress: called with questions answered, and all that this process asks.
        """
        ...


@dataclass(frozen=True)
class Verdict:
    """What follows from a measurement."""

    improved: bool
    """It is the best so far: keep the weights."""
    stop: bool
    """There was none better for `early_stopping_patience` measurements: end the run."""
