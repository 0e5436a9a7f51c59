"""Count on a dev file how often facts are right, by confidence and support; write curves and thresholds.

    from iepile.extraction.calibrate import CalibrateConfig, calibrate
    calibrate(CalibrateConfig(input_file="dev_pred.json", output_file="calibration.json"))

The dev file is one of predictions: rows with `facts` and the gold `label`. It must hold no text the model was
trained on, and its facts must be as they come, without a calibration or threshold. A fact is right when its scoring
key is in the gold, compared by characters, as `iepile evaluate` counts it; stated twice in a document it counts once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from iepile.errors import InputError
from iepile.evaluation.facts import Record, RecordReader
from iepile.extraction.calibration import EVERY, VERSION, Calibration, Fit, Interval, Target
from iepile.extraction.calibration_fit import LEAST, Observation, enough, fit_kind, targets
from iepile.extraction.reliability import bins
from iepile.jsonl import atomic_writer, check_targets
from iepile.records import Facts
from iepile.tasks.task import Task


@dataclass(kw_only=True)
class CalibrateConfig:
    """Where predictions with gold labels are, and where the calibration goes."""

    input_file: str = ""
    """Predictions on a dev set: rows with `instruction`, `label` and `facts` with confidence or support."""
    output_file: str = ""
    """The calibration, JSON; give it to `iepile predict` as `--calibration`."""
    task: str = ""
    """Use only rows of this task, and take rows that name none for it; empty: whatever the rows name."""
    page: str = ""
    """Also draw here, as an HTML page, how chances and truth compare."""
    seed: int = 0
    """Seed of the folds and draws."""
    overwrite: bool = False
    """Replace an existing output."""


class Kind(msgspec.Struct):
    """Facts of one kind in the dev file."""

    name: str
    """`NER/entity`, ...; `*/*`: all."""
    fit: Fit
    before: list[tuple[float, float, int]]
    """Bins of confidence as it is: mean confidence, share right, facts."""
    after: list[tuple[float, float, int]]
    """The same of chances of documents left out."""


class CalibrateSummary(msgspec.Struct):
    """What was found."""

    output_file: str
    documents: int
    facts: int
    right: int
    gold: int
    """Gold facts that were asked for."""
    without_confidence: int
    unreadable_rows: int = 0
    """Lines without a readable instruction or task; they are left out."""
    rows_without_facts: int = 0
    failed: int = 0
    """Rows on which the engine failed."""
    kinds: list[Kind] = []
    targets: dict[str, tuple[Target, ...]] = {}
    too_few: dict[str, int] = {}
    """Kinds without a curve of their own, and their facts."""


def calibrate(config: CalibrateConfig) -> CalibrateSummary:
    """Fit a calibration.

    Returns:
        The figures; the calibration is in `config.output_file`.

    Raises:
        InputError: no file, no facts with confidence or support and a label, or too few of them.
    """
    for name in ("input_file", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    check_targets([config.output_file, config.page or None], [config.input_file])
    if Path(config.output_file).exists() and not config.overwrite:
        raise InputError("exists", file=config.output_file, fix="give --overwrite to replace it")
    dev = _Dev(config)
    summary = dev.fitted(config)
    known = Calibration(VERSION, {k.name: k.fit for k in summary.kinds}, summary.targets)
    with atomic_writer(config.output_file) as f:
        f.write(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
    if config.page:
        from iepile.page import write_page

        write_page(config.page, "reliability.html", msgspec.to_builtins(summary), title=Path(config.input_file).name)
    return summary


def tables(summary: CalibrateSummary) -> list[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Title, header and rows of the tables that tell people of a calibration."""
    kinds = [
        (k.name, str(k.fit.facts), f"{k.fit.right / k.fit.facts:.3f}", k.fit.method, _interval(k.fit.error_before),
         _interval(k.fit.error_after), f"{k.fit.error_by_luck:.3f}") for k in summary.kinds
    ]
    wanted = [
        (task, f"{t.wanted:g}", "not reached" if t.threshold is None else f"{t.threshold:.4f}",
         "-" if t.precision is None else f"{t.precision:.3f}", "-" if t.recall is None else f"{t.recall:.3f}")
        for task, found in summary.targets.items() for t, more in zip(found, (*found[1:], None), strict=True)
        # Of precisions with one threshold, the highest.
        if more is None or more.threshold != t.threshold or more.precision != t.precision
    ]
    oddities = [(name.replace("_", " "), str(n)) for name in (
        "without_confidence", "unreadable_rows", "rows_without_facts", "failed") if (n := getattr(summary, name))]
    oddities += [(f"too few for a curve: {name}", str(n)) for name, n in summary.too_few.items()]
    head = f"{summary.documents} documents, {summary.facts} facts, {summary.right} right, {summary.gold} in the gold"
    out: list[tuple[str, Sequence[str], Sequence[Sequence[str]]]] = [
        (head, ("facts of", "facts", "right", "method", "error before", "error after", "by luck"), kinds),
        ("thresholds; precision and recall of documents left out",
         ("task", "wanted", "threshold", "precision", "recall"), wanted),
    ]
    return [*out, ("left out or not told", ("what", "number"), oddities)] if oddities else out


def _interval(x: Interval) -> str:
    return f"{x.value:.3f} ({x.low:.3f}-{x.high:.3f})"


class _Dev:
    """The facts of a dev file, by task and kind, and what was there to be found."""

    def __init__(self, config: CalibrateConfig) -> None:
        reader = RecordReader(config.task, "offset")
        self.stated: dict[str, list[Observation]] = {}
        self.gold: dict[str, int] = {}
        self.documents = 0
        self.counts = reader.counts
        for record in reader.read(config.input_file):
            if record.gold is not None:
                self._add(record, self.documents)
                self.documents += 1
        all_stated = [o for some in self.stated.values() for o in some]
        problem = (
            "no row has a `label`" if not self.documents
            else "no row has `facts`" if not all_stated
            else "no fact has a confidence or support"
            if all(o.confidence is None and o.support is None for o in all_stated) else ""
        )
        if problem:
            raise InputError(
                problem, file=config.input_file, expected="predictions of labelled rows, with confidence",
                fix="predict a dev file with labels, with an engine that tells log-probabilities or with --orders 3",
            )
        if not enough(all_stated):
            right = sum(o.right for o in all_stated)
            raise InputError(
                f"{right} right and {len(all_stated) - right} wrong facts tell too little", file=config.input_file,
                expected=f"{LEAST} facts, and {LEAST // 6} of each sort", fix="predict more documents",
            )

    def _add(self, record: Record, document: int) -> None:
        task, gold = record.task, record.gold or Facts()
        asked = record.labels_asked()
        there: dict[str, set[Hashable]] = {}
        found = task.keys(task.canonical(gold))
        for group in task.groups:
            there[group] = {key for label, key in found[group] if label in asked}
            kind = f"{task.name}/{group}"
            self.gold[kind] = self.gold.get(kind, 0) + len(there[group])
        told: dict[tuple[str, Hashable], tuple[float | None, float | None]] = {}
        for group, key, confidence, support in _stated(task, sum(record.placed, Facts())):
            old = told.get((group, key), (None, None))
            told[group, key] = _higher(old[0], confidence), _higher(old[1], support)
        for (group, key), (confidence, support) in told.items():
            self.stated.setdefault(f"{task.name}/{group}", []).append(
                Observation(document, confidence, support, key in there[group]))

    def fitted(self, config: CalibrateConfig) -> CalibrateSummary:
        """Curves of every kind with enough facts, and of all; thresholds by task, and for all."""
        everything = [o for some in self.stated.values() for o in some]
        out = CalibrateSummary(
            config.output_file, self.documents, len(everything), sum(o.right for o in everything),
            sum(self.gold.values()), sum(o.confidence is None for o in everything),
            self.counts.unreadable_rows, self.counts.without_facts, self.counts.failed,
        )
        told: dict[str, list[float]] = {}
        overall, chances = fit_kind(everything, config.seed)
        at = 0
        for name, some in self.stated.items():
            told[name] = chances[at : at + len(some)]
            at += len(some)
            if enough(some):
                fit, told[name] = fit_kind(some, config.seed)
                out.kinds.append(_kind(name, fit, some, told[name]))
            else:
                out.too_few[name] = len(some)
        out.kinds.append(_kind(f"{EVERY}/{EVERY}", overall, everything, chances))
        tasks = list(dict.fromkeys(name.partition("/")[0] for name in self.stated))
        for task in (*tasks, EVERY):
            mine = [name for name in self.stated if task in (EVERY, name.partition("/")[0])]
            some = [o for name in mine for o in self.stated[name]]
            if task == EVERY or enough(some):
                gold = sum(n for name, n in self.gold.items() if task in (EVERY, name.partition("/")[0]))
                out.targets[task] = targets(some, [c for name in mine for c in told[name]], gold, config.seed)
        return out


def _kind(name: str, fit: Fit, some: list[Observation], chances: list[float]) -> Kind:
    right = [o.right for o in some]
    known = [(o.confidence, o.right) for o in some if o.confidence is not None]
    return Kind(name, fit, bins([c for c, _ in known], [r for _, r in known]) if known else [], bins(chances, right))


def _stated(task: Task, facts: Facts) -> Iterator[tuple[str, Hashable, float | None, float | None]]:
    """Score group, key, confidence and support of each fact; arguments by themselves."""
    def of(fact: Any, alone: Facts, kinds: tuple[str, ...]) -> Iterator[tuple[str, Hashable, Any, Any]]:
        for group, keys in task.keys(alone).items():
            if group in kinds:
                yield from ((group, key, fact.confidence, fact.support) for _, key in keys)

    for e in facts.entities:
        yield from of(e, Facts((e,)), ("entity",))
    for r in facts.relations:
        yield from of(r, Facts(relations=(r,)), ("relation",))
    for event in facts.events:
        yield from of(event, Facts(events=(replace(event, arguments=()),)), ("event", "trigger"))
        for a in event.arguments:
            yield from of(a, Facts(events=(replace(event, arguments=(a,)),)), ("argument",))


def _higher(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)
