"""The jobs that train baselines from files of instruction rows.

    iepile train --finetuning_type crf --train_file train.json --output_dir runs/crf
    iepile train --finetuning_type dictionary --train_file train.json --output_dir runs/dictionary

They learn in seconds what can be had without a network, for what a network gives to be seen.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import msgspec

from iepile.errors import InputError
from iepile.jsonl import check_folder
from iepile.models.baselines.crf import CrfModel, CrfSettings, train_crf
from iepile.models.baselines.dictionary import DictionaryModel, learn, save
from iepile.models.baselines.labelled import Labelled
from iepile.models.baselines.tokens import tokens
from iepile.models.compact.folder import new_folder, replace_folder
from iepile.records import text_id
from iepile.training.labelled_rows import read_labelled

MODEL = "model"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class BaselineJob:
    """What every baseline is trained from."""

    train_file: list[str]
    """Files of training rows; several are put together."""
    output_dir: str
    """Folder of the run; the model is in `model`."""
    overwrite_output_dir: bool = False
    """Replace the model of a folder that holds one already."""


@dataclass(frozen=True, kw_only=True)
class CrfJob(CrfSettings, BaselineJob):
    """Train a feature CRF for NER; rows of other tasks are left out and counted."""

    finetuning_type: Literal["crf"] = "crf"
    """`crf`."""
    max_tokens: int = 2_000_000
    """Tokens of text that are learned from, about 0.9 GB of memory a million; of more, a digest of the texts decides
    which are taken."""


@dataclass(frozen=True, kw_only=True)
class DictionaryJob(BaselineJob):
    """Learn dictionaries of mentions, related pairs, triggers and fillers; every task."""

    finetuning_type: Literal["dictionary"] = "dictionary"
    """`dictionary`."""


class BaselineSummary(msgspec.Struct):
    """What a job did."""

    model: str
    texts: int
    labels: int
    """Different labels that some text states."""
    seconds: float
    f1_by_the_others: dict[str, float]
    """`dictionary`: by kind of fact, F1 on the training texts, each answered by what the others say."""
    thresholds: dict[str, float]
    """`dictionary`: least rate that is answered, chosen by that."""
    left_out: dict[str, int]
    """Rows and facts that could not be learned, by reason."""


def train_baseline(job: CrfJob | DictionaryJob, on_step: Progress | None = None) -> BaselineSummary:
    """Run the job.

    Raises:
        InputError: rows that are no training rows, nothing to learn, or a folder that holds other files.
        MissingDependency: the CRF without python-crfsuite.
    """
    began = time.monotonic()
    output = check_folder(job.output_dir)
    if not job.overwrite_output_dir and (other := sorted(output.iterdir())):
        raise InputError(f"the folder is not empty ({other[0].name})", file=output, field="output_dir",
                         fix="choose an empty folder, or --overwrite_output_dir")
    left_out: Counter[str] = Counter()
    tasks = CrfModel.tasks if isinstance(job, CrfJob) else DictionaryModel.tasks
    texts = read_labelled(job.train_file, tasks, left_out)
    stated = _stated_labels(texts)
    if not stated:
        told = ", ".join(f"{reason} {n:,}" for reason, n in sorted(left_out.items()) if n)
        raise InputError(f"nothing to learn: no row states a fact{f' (left out: {told})' if told else ''}",
                         file=job.train_file[0] if job.train_file else None, field="train_file",
                         expected=f"rows of {', '.join(tasks)}")
    folder = new_folder(output / MODEL)
    f1: dict[str, float] = {}
    thresholds: dict[str, float] = {}
    if isinstance(job, CrfJob):
        left_out += _crf(job, texts, folder, on_step)
    else:
        learned, chosen = learn(texts, on_step)
        thresholds = {kind: round(c.threshold, 4) for kind, c in chosen.items()}
        f1 = {kind: c.f1 for kind, c in chosen.items()}
        save(learned, thresholds, folder)
    replace_folder(folder, output / MODEL)
    return BaselineSummary(str(output / MODEL), len(texts), len(stated), time.monotonic() - began, f1, thresholds,
                           {k: n for k, n in sorted(left_out.items()) if n})


def _crf(job: CrfJob, texts: list[Labelled], folder: Path, on_step: Progress | None) -> Counter[str]:
    every = len(texts)
    texts = _within(texts, job.max_tokens)
    labels = tuple(sorted({e.type for x in texts for e in x.facts.entities}))
    number = {label: n for n, label in enumerate(labels)}
    settings = CrfSettings(**{f.name: getattr(job, f.name) for f in fields(CrfSettings)})
    left_out = train_crf(
        ((x.text, [(*place, number[e.type]) for e in x.facts.entities if (place := e.span.offsets)]) for x in texts),
        labels, settings, folder, on_step,
    )
    left_out["text beyond max_tokens"] = every - len(texts)
    return left_out


def _within(texts: list[Labelled], most: int) -> list[Labelled]:
    """The texts, or as many of them as have about so many tokens, whatever their order."""
    sizes = [len(tokens(x.text)) for x in texts]
    if sum(sizes) <= most:
        return texts
    taken: set[int] = set()
    room = most
    for n in sorted(range(len(texts)), key=lambda n: (text_id(texts[n].text), texts[n].source)):
        room -= sizes[n]
        if room < 0 and taken:
            break
        taken.add(n)
    return [x for n, x in enumerate(texts) if n in taken]


def _stated_labels(texts: list[Labelled]) -> set[tuple[str, ...]]:
    out: set[tuple[str, ...]] = set()
    for x in texts:
        out.update(("entity", e.type) for e in x.facts.entities)
        out.update(("relation", r.type, r.head_type or "", r.tail_type or "") for r in x.facts.relations)
        for e in x.facts.events:
            out.add(("event", e.type))
            out.update(("argument", e.type, a.role) for a in e.arguments)
    return out
