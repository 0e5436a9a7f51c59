"""Answering questions about texts with a trained model, whatever runs its network."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from iepile.errors import InputError
from iepile.models.compact.calibration import Calibration
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.decode import answer
from iepile.models.compact.example import Label, Prediction, Question
from iepile.models.compact.scorer import Scorer

MOST_WARNED = 10_000
"""Labels that are remembered as told: a service that runs for months is asked for any number."""


class UnseenLabelWarning(UserWarning):
    """A label was asked that the model never saw in training; do not expect answers to it."""


class Predictor:
    """A scorer, the settings of its decisions, and the labels seen in training."""

    def __init__(
        self, scorer: Scorer, config: CompactConfig, labels: Iterable[Label], calibration: Calibration | None = None
    ) -> None:
        self.scorer = scorer
        self.labels = tuple(sorted(set(labels)))
        self.calibration = calibration or Calibration()
        self._config = config
        self._warned: set[Label] = set()

    @property
    def config(self) -> CompactConfig:
        """Sizes and decision rules."""
        return self._config

    def predict(
        self, texts: Sequence[str], questions: Sequence[Question], tokens_per_batch: int = 4096
    ) -> list[Prediction]:
        """Answer one question per text, in the order given. Texts of like length share a batch.

        Warns:
            UnseenLabelWarning: once for each label that was not in the training data, unless a pretrained encoder
                reads the labels.
        """
        if len(texts) != len(questions):
            raise InputError(f"{len(texts)} texts but {len(questions)} questions", fix="give one question per text")
        if not self.config.encoder:
            self._warn(questions)
        prepared = [self.scorer.read(text) for text in texts]
        out: list[Prediction | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda k: (len(prepared[k]), k))
        for batch in token_batches([len(prepared[k]) for k in order], tokens_per_batch):
            rows = [order[k] for k in batch]
            answers = answer(
                self.scorer, self.config, self.calibration, [prepared[k] for k in rows], [questions[k] for k in rows]
            )
            for k, prediction in zip(rows, answers, strict=True):
                out[k] = prediction
        return [p for p in out if p is not None]

    def _warn(self, questions: Sequence[Question]) -> None:
        # Texts mostly ask the same, so that each distinct question is looked at once.
        asked = {(id(q.spans), id(q.pairs)): (q.spans, q.pairs) for q in questions}
        if len(self._warned) >= MOST_WARNED:
            return
        known = set(self.labels) | self._warned
        new = sorted({label for spans, pairs in asked.values() for label in spans + pairs} - known)
        if new:
            self._warned.update(new)
            names = ", ".join(f"{label.kind} {label.of + '|' if label.of else ''}{label.text}" for label in new[:10])
            more = f" and {len(new) - 10} more" if len(new) > 10 else ""
            warnings.warn(
                f"labels never seen in training: {names}{more}; the model will hardly find them. "
                "Train on data that asks for them, or use a large language model",
                UnseenLabelWarning,
                stacklevel=3,
            )


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Neighbouring positions grouped so that padded tokens stay within `budget` (one text at least)."""
    out: list[list[int]] = []
    longest = 0
    for k, n in enumerate(lengths):
        longest = max(longest, n)
        if out and longest * (len(out[-1]) + 1) <= budget:
            out[-1].append(k)
        else:
            out.append([k])
            longest = n
    return out
