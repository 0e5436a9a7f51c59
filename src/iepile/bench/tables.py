"""A benchmark as tables: for a terminal, a spreadsheet, a page or a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iepile.bench.published import Figure, Source
from iepile.bench.report import BenchReport, Comparison, Mean, Result, figure_of
from iepile.corpus.catalog import RELEASE
from iepile.evaluation.tables import Table
from iepile.tasks.task import get_task

MOST_MODELS = 7
"""Models in one table: more are no longer read across."""


def tables(report: BenchReport, beside: Sequence[str] = ()) -> list[Table]:
    """The report as tables.

    Args:
        beside: models to compare with; none: all that figures were found of.
    """
    out = _scores(report)
    out += _published(report, beside)
    out += _means(report, beside)
    if notes := _notes(report, beside):
        out.append(Table("differences of data and protocol", ("about", "note"), tuple(notes)))
    out += _sources(report, beside)
    if report.missing:
        title = f"not there; those with * are in IEPile's release, too: {RELEASE}"
        rows = tuple((m.dataset + " *" * m.released, m.task, m.why, m.home) for m in report.missing)
        out.append(Table(title, ("data set", "task", "what is missing", "get it from"), rows))
    if report.failed:
        out.append(Table("failed", ("data set", "task", "problem"),
                         tuple((f.dataset, f.task, f.problem) for f in report.failed)))
    return out


def _scores(report: BenchReport) -> list[Table]:
    out = []
    for suite in dict.fromkeys(r.suite for r in report.results):
        title = f"{suite}: {report.model}, {report.setting}" + (
            f"; as the reference: {report.reference_setting}" if report.reference_setting else "") + (
            f"; samples of at most {report.limit:,} texts" if report.limit else "")
        rows = [
            (r.dataset, _what(r.task, r.group), r.language, _texts(r), _two(r.score.precision), _two(r.score.recall),
             _two(r.score.f1), f"{r.f1_low:.2f} to {r.f1_high:.2f}", _two(r.reference.f1) if r.reference else "-")
            for r in report.results if r.suite == suite
        ]
        header = ("data set", "task", "in", "texts", "P", "R", "F1", "95 %", "as reference")
        out.append(Table(title, header, tuple(rows)))
    return out


def _what(task: str, group: str) -> str:
    """The task, and the group where it has several."""
    return task if len(get_task(task).groups) == 1 else f"{task} {group}"


def _texts(r: Result) -> str:
    return f"{r.texts:,}" if r.texts == r.of_texts else f"{r.texts:,} of {r.of_texts:,}"


def _published(report: BenchReport, beside: Sequence[str]) -> list[Table]:
    """F1 as the reference counts it, and what is published; with the difference where models are chosen."""
    folds = [m for m in report.means if m.name]
    lines: list[tuple[str, str, str, float, list[Figure]]] = [
        (r.suite, r.dataset, _what(r.task, r.group), r.compared, r.published)
        for r in report.results if not r.part_of]
    lines += [(m.suite, _fold(m), _what(m.task, m.group), m.compared, m.published) for m in folds]
    out = []
    for suite in dict.fromkeys(line[0] for line in lines):
        own = [line for line in lines if line[0] == suite]
        told = list(dict.fromkeys(f.model for line in own for f in line[4]))
        models = [m for m in told if m in beside] if beside else told
        for part in _parts(models):
            heads = [h for m in part for h in ((m, f"ours less {m}") if beside else (m,))]
            rows = []
            for _, name, what, ours, figures in own:
                cells: list[str] = []
                for model in part:
                    f = figure_of(figures, model)
                    cells.append("-" if f is None else _two(f.f1))
                    if beside:
                        cells.append("-" if f is None else f"{ours - f.f1:+.2f}")
                if set(cells) != {"-"}:
                    rows.append((name, what, _two(ours), *cells))
            if rows:
                header = ("data set", "task", "ours", *heads)
                out.append(Table(f"beside published figures: {suite}, F1", header, tuple(rows)))
    return out


def _fold(m: Mean) -> str:
    return f"{m.name}, mean of {len(m.datasets)} folds" if len(m.datasets) == m.of else (
        f"{m.name}, {len(m.datasets)} of {m.of} folds")


def _parts(models: Sequence[str]) -> Iterable[Sequence[str]]:
    return [models[n : n + MOST_MODELS] for n in range(0, len(models), MOST_MODELS)]


def _means(report: BenchReport, beside: Sequence[str]) -> list[Table]:
    out = []
    whole = [(m.suite, _what(m.task, m.group), m.language, f"{len(m.datasets)} of {m.of}", _two(m.f1),
              _two(m.compared)) for m in report.means if not m.name]
    whole += [(m.suite, _what(m.task, m.group), m.language, _fold(m), _two(m.f1), _two(m.compared))
              for m in report.means if m.name]
    if whole:
        out.append(Table("means over data sets, each counting the same",
                         ("suite", "task", "in", "data sets", "F1", "as reference"), tuple(whole)))
    both = [(c.suite, _what(c.task, c.group), c.language, c.model, _both(c, bool(beside)), _two(c.compared),
             _two(c.published), f"{c.delta:+.2f}") for c in report.comparisons if not beside or c.model in beside]
    if both:
        out.append(Table("means over the data sets that both have, F1 as the reference counts",
                         ("suite", "task", "in", "model", "data sets", "ours", "theirs", "difference"), tuple(both)))
    return out


def _both(c: Comparison, named: bool) -> str:
    return f"{len(c.datasets)}: {', '.join(c.datasets)}" if named else str(len(c.datasets))


def _notes(report: BenchReport, beside: Sequence[str]) -> list[tuple[str, str]]:
    notes = [(r.dataset, note) for r in report.results for note in r.notes]
    notes += [(m.name, f"{len(m.datasets)} of {m.of} folds are there: no comparison with published means")
              for m in report.means if m.name and len(m.datasets) < m.of]
    told = {f.model for figures in _figures(report) for f in figures}
    notes += [(model, "no published figures on these data sets in this setting") for model in beside
              if model not in told]
    return list(dict.fromkeys(notes))


def _figures(report: BenchReport) -> Iterable[list[Figure]]:
    return [r.published for r in report.results] + [m.published for m in report.means]


def _sources(report: BenchReport, beside: Sequence[str]) -> list[Table]:
    """Where the figures shown stand, and how each source counts."""
    told: dict[str, dict[str, dict[str, None]]] = {}
    for figures in _figures(report):
        for model in dict.fromkeys(f.model for f in figures):
            f = figure_of(figures, model)
            if f is not None and (not beside or model in beside):
                where = f.table + (", quoted there" if f.quoted else "") + (f": {f.note}" if f.note else "")
                told.setdefault(f.source, {}).setdefault(where, {})[model] = None
    rows: list[tuple[str, str]] = []
    for source in report.sources:
        if source.title in told:
            rows += _about(source, told[source.title])
    return [Table("sources of the published figures", ("source", "what it says"), tuple(rows))] if rows else []


def _about(source: Source, told: dict[str, dict[str, None]]) -> list[tuple[str, str]]:
    said = [f"{source.title}. {source.authors} ({source.year})" + (f", {source.edition}" if source.edition else ""),
            source.url, f"counts {source.scored}", *([source.note] if source.note else ())]
    said += [f"{where} ({', '.join(models)})" for where, models in sorted(told.items())]
    name = source.title.partition(":")[0]
    return [(f"{name} {source.year}" if n == 0 else "", text) for n, text in enumerate(said)]


def _two(value: float) -> str:
    return f"{value:.2f}"
