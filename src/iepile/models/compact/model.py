"""The compact model as a folder: `config.json`, `labels.json`, `model.safetensors`.

>>> model = CompactModel.load("runs/resume/model")  # doctest: +SKIP
>>> model.predict(["..."], [Question(spans=(Label("entity", "person"),))])  # doctest: +SKIP
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from iepile.errors import InputError
from iepile.models.compact.batch import prepare
from iepile.models.compact.config import FORMAT, CompactConfig
from iepile.models.compact.decode import answer
from iepile.models.compact.ensemble import CompactEnsemble
from iepile.models.compact.example import Label, Prediction, Question
from iepile.models.compact.network import CompactNetwork
from iepile.models.compact.pretrained import PretrainedEncoder


class UnseenLabelWarning(UserWarning):
    """A label was asked that the model never saw in training; do not expect answers to it."""


class CompactModel:
    """Network, settings, and the labels seen in training."""

    def __init__(self, network: CompactNetwork, labels: Iterable[Label]) -> None:
        self.network = network
        self.config = network.config
        self.labels = tuple(sorted(set(labels)))
        self._warned: set[Label] = set()

    def predict(
        self, texts: Sequence[str], questions: Sequence[Question], tokens_per_batch: int = 4096
    ) -> list[Prediction]:
        """Answer one question per text, in the order given. Texts of like length share a batch.

        Warns:
            UnseenLabelWarning: once for each label that was not in the training data.
        """
        if len(texts) != len(questions):
            raise InputError(f"{len(texts)} texts but {len(questions)} questions", fix="give one question per text")
        self._warn(questions)
        self.network.eval()
        prepared = [prepare(text, self.network) for text in texts]
        out: list[Prediction | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda k: (len(prepared[k]), k))
        for batch in token_batches([len(prepared[k]) for k in order], tokens_per_batch):
            rows = [order[k] for k in batch]
            answers = answer(self.network, [prepared[k] for k in rows], [questions[k] for k in rows])
            for k, prediction in zip(rows, answers, strict=True):
                out[k] = prediction
        return [p for p in out if p is not None]

    def _warn(self, questions: Sequence[Question]) -> None:
        known = set(self.labels) | self._warned
        new = sorted({label for q in questions for label in q.spans + q.pairs} - known)
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

    def save(self, folder: Path | str, *, half: bool = False) -> None:
        """Write the model folder, whole or not at all; `half` stores the weights in 16 bits."""
        folder = Path(folder)
        temporary = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        weights = {k: (v.half() if half and v.is_floating_point() else v).contiguous() for k, v in self._state()}
        save_file(weights, temporary / "model.safetensors")
        settings = {"format": FORMAT, "kind": "compact", **asdict(self.config)}
        _write_json(temporary / "config.json", settings)
        _write_json(temporary / "labels.json", [[x.kind, x.text, x.of] for x in self.labels])
        if self.network.pretrained is not None:
            self.network.pretrained.save_description(temporary / "encoder")
        replace_folder(temporary, folder)

    def _state(self) -> list[tuple[str, torch.Tensor]]:
        return list(self.network.state_dict().items())

    @classmethod
    def load(cls, folder: Path | str) -> CompactModel:
        """Read a model folder; nothing in it is executed.

        Raises:
            InputError: not a compact model folder, or one of another format, or a damaged one.
        """
        folder = Path(folder)
        try:
            settings = json.loads((folder / "config.json").read_text("utf-8"))
            labels = json.loads((folder / "labels.json").read_text("utf-8"))
            weights = load_file(folder / "model.safetensors")
        except (OSError, ValueError, SafetensorError) as error:
            raise InputError(
                f"not a readable compact model: {error}",
                file=folder,
                expected="a folder with config.json, labels.json and model.safetensors",
                fix="give the model folder that training wrote, or train again",
            ) from error
        if not isinstance(settings, dict) or settings.get("kind") != "compact" or settings.get("format") != FORMAT:
            raise InputError(
                "not a compact model of a format this version reads",
                file=folder / "config.json",
                expected=f'"kind": "compact", "format": {FORMAT}',
                fix="train again with this version",
            )
        known = {f.name for f in fields(CompactConfig)}
        config = CompactConfig(**{k: v for k, v in settings.items() if k in known})
        network = build(config, folder / "encoder", weights=False)
        try:
            network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        except RuntimeError as error:
            raise InputError(
                "the weights are not those of its config.json",
                file=folder / "model.safetensors",
                expected="the files that one training run wrote",
                fix="train again with this version",
            ) from error
        return cls(network.eval(), [Label(kind, text, of) for kind, text, of in labels])


def build(config: CompactConfig, encoder: Path | str | None = None, *, weights: bool = True) -> CompactNetwork:
    """A fresh network; with `config.encoder` set, that encoder is loaded (from `encoder` where given).

    With several `config.members` it is a `CompactEnsemble`, which answers to the same calls.
    """
    if config.members > 1:
        return cast("CompactNetwork", CompactEnsemble(config))
    if not config.encoder:
        return CompactNetwork(config)
    return CompactNetwork(config, PretrainedEncoder.from_source(encoder or config.encoder, weights=weights))


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


def replace_folder(temporary: Path, folder: Path) -> None:
    """Put a finished folder in its place; a reader sees the old or the new one."""
    for file in sorted(temporary.rglob("*")):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    if folder.exists():
        old = folder.with_name(folder.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old)
    else:
        temporary.rename(folder)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
