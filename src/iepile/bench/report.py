"""What a benchmark finds: a score for each data set, what is published of it, and what there was nothing to run on."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from iepile.bench.published import Figure, Source
from iepile.evaluation.report import Score

VERSION = 1
"""Raised whenever a change of the rules changes a figure."""


class Reference(msgspec.Struct, frozen=True):
    """Percentages under the reference's protocol, as it prints them."""

    precision: float
    recall: float
    f1: float


class Result(msgspec.Struct, kw_only=True):
    """One group of facts of one data set."""

    suite: str
    dataset: str
    task: str
    group: str
    language: str
    split: str
    """Split that was scored; `all`: the test part that the card cuts off."""
    texts: int
    of_texts: int
    """Texts of the split; more than `texts` where a sample was drawn."""
    rows: int
    invalid: int
    """Answers in which nothing could be read."""
    score: Score
    f1_low: float
    f1_high: float
    """Where 95 % of the draws lie."""
    reference: Reference | None = None
    """None where the reference does not score the task."""
    published: list[Figure] = []
    notes: list[str] = []
    """How data and protocol differ from those of the published figures."""
    part_of: str = ""
    seconds: float = 0.0
    """Spent on answering."""

    @property
    def compared(self) -> float:
        """F1 that stands beside published ones: the reference's where there is one."""
        return self.score.f1 if self.reference is None else self.reference.f1


class Mean(msgspec.Struct, kw_only=True):
    """The mean over data sets, each counting the same, as papers give it."""

    suite: str
    name: str
    """What papers call it: of the folds of one data set; empty: of a task and language."""
    task: str
    group: str
    language: str
    datasets: list[str]
    of: int
    """Data sets of the suite that belong to it."""
    f1: float
    compared: float
    """Of the figures that stand beside published ones."""
    published: list[Figure] = []
    """Of the whole: only where none is missing."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The mean of ours beside that of a published model, over the data sets that both have."""

    suite: str
    model: str
    task: str
    group: str
    language: str
    datasets: list[str]
    compared: float
    published: float
    delta: float
    """Ours less theirs, in points."""


class Missing(msgspec.Struct, frozen=True):
    """A data set that is not there, or that cannot be scored."""

    suite: str
    dataset: str
    task: str
    why: str
    home: str
    """Where to get it."""
    released: bool
    """Is it in the release of IEPile's data as well?"""


class Failed(msgspec.Struct, frozen=True):
    """A data set that something went wrong with."""

    suite: str
    dataset: str
    task: str
    problem: str


class BenchReport(msgspec.Struct):
    """What `bench` found."""

    version: int
    setting: str
    """Name and version of our rules."""
    reference_setting: str
    """Of the protocol that stands beside published figures."""
    model: str
    engine: str
    limit: int
    seed: int
    results: list[Result]
    means: list[Mean]
    comparisons: list[Comparison]
    missing: list[Missing]
    failed: list[Failed]
    sources: list[Source]
    """Of the published figures."""

    def to_json(self) -> bytes:
        """The report as indented JSON, numbers in full."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def means(results: Iterable[Result], sizes: dict[tuple[str, str], int]) -> list[Mean]:
    """The folds of a data set as one, then the mean of each task, group and language of a suite.

    A data set of several folds counts once in the latter, and only if all are there.

    Args:
        sizes: (suite, name) -> folds it has, and (suite, task, language) joined by a blank -> its data sets.
    """
    folds: dict[tuple[str, ...], list[Result]] = {}
    whole: dict[tuple[str, ...], list[tuple[str, float, float]]] = {}
    for r in results:
        if r.part_of:
            folds.setdefault((r.suite, r.part_of, r.task, r.group, r.language), []).append(r)
        else:
            whole.setdefault((r.suite, r.task, r.group, r.language), []).append((r.dataset, r.score.f1, r.compared))
    out = []
    for (suite, name, task, group, language), parts in folds.items():
        mean = Mean(suite=suite, name=name, task=task, group=group, language=language,
                    datasets=[r.dataset for r in parts], of=sizes[suite, name],
                    f1=_mean(r.score.f1 for r in parts), compared=_mean(r.compared for r in parts))
        out.append(mean)
        if len(parts) == mean.of:
            whole.setdefault((suite, task, group, language), []).append((name, mean.f1, mean.compared))
    for (suite, task, group, language), sets in whole.items():
        out.append(Mean(suite=suite, name="", task=task, group=group, language=language,
                        datasets=[name for name, _, _ in sets], of=sizes[suite, f"{task} {language}"],
                        f1=_mean(f1 for _, f1, _ in sets), compared=_mean(f1 for _, _, f1 in sets)))
    return out


def comparisons(results: Iterable[Result], folded: Iterable[Mean]) -> list[Comparison]:
    """Ours beside each model of the published figures, by suite, task, group and language."""
    ours: dict[tuple[str, ...], list[tuple[str, float, list[Figure]]]] = {}
    for r in results:
        if not r.part_of:
            ours.setdefault((r.suite, r.task, r.group, r.language), []).append((r.dataset, r.compared, r.published))
    for m in folded:
        if m.name and len(m.datasets) == m.of:
            ours.setdefault((m.suite, m.task, m.group, m.language), []).append((m.name, m.compared, m.published))
    out = []
    for (suite, task, group, language), sets in ours.items():
        for model in dict.fromkeys(f.model for _, _, figures in sets for f in figures):
            both = [(name, f1, theirs) for name, f1, figures in sets
                    if (theirs := figure_of(figures, model)) is not None]
            mine, published = _mean(f1 for _, f1, _ in both), _mean(theirs.f1 for _, _, theirs in both)
            out.append(Comparison(
                suite=suite, model=model, task=task, group=group, language=language,
                datasets=[name for name, _, _ in both], compared=mine, published=published, delta=mine - published))
    return out


def figure_of(figures: Iterable[Figure], model: str) -> Figure | None:
    """The figure of a model that counts, the first."""
    return next((f for f in figures if f.model == model), None)


def _mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every)
