"""Instruction rows as examples of the compact model, and the job that trains it from files.

    iepile train --train_file train.json --valid_file dev.json --output_dir runs/resume

Rows of one text are joined: what its polls asked together is what the text was asked. Rows converted with
`--positions` carry `facts` with offsets; without them the strings of the answer are placed in the text.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import check_folder, read_rows
from iepile.models.compact.config import CompactConfig  # noqa: F401  (the type of an inherited field)
from iepile.models.compact.example import NOWHERE, Example, Label, Offsets
from iepile.records import Facts
from iepile.tasks.task import Item, Task, get_task
from iepile.training.compact_config import CompactTrainConfig
from iepile.training.compact_labels import labels
from iepile.training.mention_places import meant, nearest, places

if TYPE_CHECKING:
    from iepile.training.compact import Progress

_OURS = ("model", "model.tmp", "model.old", "losses.jsonl", "losses.tmp")
"""What a run leaves in its folder, besides checkpoints."""


@dataclass(frozen=True, kw_only=True)
class CompactJob(CompactTrainConfig):
    """Train the compact model on instruction rows (no GPU, no pretrained weights needed)."""

    train_file: list[str]
    """Files of training rows; several are mixed, whatever their schemas."""
    valid_file: list[str] = field(default_factory=list)
    """Training rows of other texts, to set the decision thresholds on."""
    valid_share: float = 0.1
    """Without valid_file: share of the texts held out for that, 0 to 0.5."""
    output_dir: str
    """Folder of the run: `model`, checkpoints, losses."""
    overwrite_output_dir: bool = False
    """Start anew in a folder that holds another run."""


class CompactSummary(msgspec.Struct):
    """What a training job did."""

    model: str
    texts: int
    steps: int
    minutes: float
    dev_f1: dict[str, float]
    """By kind of fact, exact offsets."""
    left_out: dict[str, int]
    """Facts that could not be learned, by reason."""
    resumed_from: int


def train_compact(job: CompactJob, on_step: Progress | None = None) -> CompactSummary:
    """Run the job; see `CompactJob`. Called again after a stop, it goes on from the last checkpoint.

    Raises:
        InputError: rows that are no training rows, nothing to learn, an unwritable or foreign folder.
    """
    from iepile.training.compact import fit  # torch: what is above is also read to tell what the command takes

    output = check_folder(job.output_dir)
    _own_folder(output, job.overwrite_output_dir)
    lost: Counter[str] = Counter()
    examples = read_examples(job.train_file, lost)
    if job.valid_file:
        dev = read_examples(job.valid_file, Counter())
    else:
        examples, dev = _hold_out(examples, job.valid_share)
    config = CompactTrainConfig(**{f.name: getattr(job, f.name) for f in fields(CompactTrainConfig)})
    done = fit(examples, dev, config, output, on_step)
    lost.update(done.left_out)
    return CompactSummary(
        str(done.folder), len(examples), done.steps, done.seconds / 60, dict(sorted(done.dev.items())),
        {k: n for k, n in sorted(lost.items()) if n}, done.resumed_from,
    )


def _own_folder(output: Path, overwrite: bool) -> None:
    ours = [p for p in output.iterdir() if p.name in _OURS or p.name.startswith(("checkpoint-", "member-"))]
    foreign = sorted(set(output.iterdir()) - set(ours))
    if foreign and not overwrite:
        raise InputError(f"the folder holds other files ({foreign[0].name})", file=output,
                         field="output_dir", fix="choose an empty folder, or --overwrite_output_dir")
    for path in ours if overwrite else ():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _hold_out(examples: list[Example], share: float) -> tuple[list[Example], list[Example]]:
    if not 0 <= share <= 0.5:
        raise InputError(f"valid_share is {share}", field="valid_share", expected="0 to 0.5")
    every = round(1 / share) if share else 0
    dev = [x for n, x in enumerate(examples) if every and n % every == every - 1]
    train = [x for n, x in enumerate(examples) if not every or n % every != every - 1]
    return train, dev


def read_examples(files: Sequence[str | Path], lost: Counter[str]) -> list[Example]:
    """Read training rows as examples, one a text, in order of first appearance.

    Args:
        lost: counts facts whose mention does not occur in the text.

    Raises:
        InputError: unreadable file, or a row without `task`, `instruction`, `output`.
    """
    texts: dict[str, _Gathered] = {}
    for file in files:
        for n, row in read_rows(file):
            try:
                text, task, items, facts = _read_row(row)
            except InputError as e:
                raise e.at(file, n) from None
            texts.setdefault(text, _Gathered()).add(text, task, items, facts, lost)
    return [g.example(text) for text, g in texts.items()]


def _read_row(row: dict[str, Any]) -> tuple[str, Task, tuple[Item, ...], Facts]:
    for key in ("task", "instruction", "output"):
        if not isinstance(row.get(key), str):
            fix = "convert with --split train" if key == "output" else "convert documents with iepile convert"
            raise InputError(f"the row has no {key}", field=key, expected="a training row", fix=fix)
    task = get_task(row["task"])
    if task.in_words:
        raise InputError(f"{task.name} asks in plain words, which the compact model does not read", field="task",
                         fix="convert the documents with --task RE, or tune a language model (--model_name_or_path)")
    instruction = read_instruction(row["instruction"])
    items = task.read_items(instruction.schema)
    labels(task, items)  # refuses what the model cannot learn, while the line is known
    if "facts" in row:
        try:
            return instruction.input, task, items, msgspec.convert(row["facts"], Facts)
        except msgspec.ValidationError as e:
            raise InputError(f"not facts: {e}", field="facts", fix="convert again with --positions") from None
    answer = task.parse(row["output"], items)
    if not answer.valid:
        p = answer.problems[0]
        raise InputError(f"the answer is not one of this question: {p.kind}: {p.detail}", field="output",
                         expected="the JSON that the schema of the instruction asks for")
    return instruction.input, task, items, answer.facts


class _Gathered:
    """What all rows of one text asked and said."""

    def __init__(self) -> None:
        self.spans: dict[Label, dict[Offsets, None]] = {}
        self.pairs: dict[Label, dict[tuple[Offsets, Offsets], None]] = {}
        self.asked_spans: dict[Label, None] = {}
        self.asked_pairs: dict[Label, None] = {}

    def add(self, text: str, task: Task, items: Iterable[Item], facts: Facts, lost: Counter[str]) -> None:
        spans, pairs = labels(task, items)
        self.asked_spans.update(dict.fromkeys(spans))
        self.asked_pairs.update(dict.fromkeys(pairs))
        for e in facts.entities:
            for place in places(text, e.span):
                self.spans.setdefault(Label("entity", e.type), {})[place] = None
            lost["mention not in the text"] += not places(text, e.span)
        for r in facts.relations:
            if pair := nearest(places(text, r.head), places(text, r.tail)):
                self.pairs.setdefault(Label("relation", r.type), {})[pair] = None
            lost["mention not in the text"] += pair is None
        taken: set[tuple[str, Offsets]] = set()
        for ev in facts.events:
            triggers = [NOWHERE] if ev.trigger is None else places(text, ev.trigger)
            if not triggers:
                lost["mention not in the text"] += 1
                continue
            fillers = [(a.role, places(text, a.span)) for a in ev.arguments]
            others = {place for kind, place in taken if kind == ev.type}
            trigger = meant(triggers, [found for _, found in fillers if found], others)
            taken.add((ev.type, trigger))
            self.spans.setdefault(Label("trigger", ev.type), {})[trigger] = None
            for role, found in fillers:
                if pair := nearest([trigger], found):
                    self.pairs.setdefault(Label("argument", role, of=ev.type), {})[pair] = None
                lost["mention not in the text"] += pair is None

    def example(self, text: str) -> Example:
        return Example(
            text,
            {k: sorted(v) for k, v in self.spans.items()},
            {k: sorted(v) for k, v in self.pairs.items()},
            tuple(self.asked_spans),
            tuple(self.asked_pairs),
        )
