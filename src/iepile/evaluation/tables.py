"""A report as tables: for a terminal, a paper or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from iepile.evaluation.report import MacroRow, Report, Row

if TYPE_CHECKING:
    from iepile.evaluation.errors.effects import ErrorCount
    from iepile.evaluation.orders import OrderScores
    from iepile.evaluation.reliability import ReliabilityCurve

SHOWN = (0, 30, 50, 70, 80, 90, 95, 99)
"""Confidences, in hundredths, that a table shows."""


class Table(msgspec.Struct, frozen=True):
    """A table for people: cells are text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report, sort_by: str = "") -> list[Table]:
    """The report as tables for a terminal, percentages with two decimals."""
    wanted = sort_by.split(",")
    out = [_table(report.setting, ("task", "facts"), report.scores)]
    if report.field_scores:
        out.append(_table("as the field reports", ("task", "facts"), report.field_scores))
    if report.completion:
        out.append(_table("in the text, and completed", ("task", "facts"), report.completion))
    if "source" in wanted:
        out.append(_table("by source", ("task", "facts", "source"), report.by_source))
    if "label" in wanted:
        out.append(_table("by label", ("task", "facts", "label"), report.by_label))
        out.append(_macro(report.macro))
    if "language" in wanted:
        out.append(_table("by language", ("task", "facts", "language"), report.by_language))
    if report.orders:
        out.append(_orders(report.orders))
    if report.reliability:
        out.append(_thresholds(report.reliability))
    if report.errors:
        out.append(_errors(report.errors))
    met = ((k.replace("_", " "), str(v)) for k, v in msgspec.structs.asdict(report.counts).items() if v)
    out.append(Table("rows and answers", ("what", "count"), tuple(met)))
    if report.notes:
        lines = tuple((str(n.line), n.problem) for n in report.notes)
        out.append(Table("first faults", ("line", "problem"), lines))
    return out


def _table(title: str, names: tuple[str, ...], rows: Iterable[Row]) -> Table:
    rows = list(rows)
    sure = any(r.interval is not None for r in rows)
    cells = []
    for r in rows:
        place = [x for x in (r.source, r.label, r.language) if x is not None]
        s = r.score
        figures = [f"{x:.2f}" for x in (s.precision, s.recall, s.f1)]
        if sure:
            low, high = (0.0, 0.0) if r.interval is None else r.interval.f1
            figures.append(f"{low:.2f} to {high:.2f}")
        cells.append((r.task, r.group, *place, *figures, str(s.tp), str(s.pred), str(s.gold)))
    head = (*names, "P", "R", "F1", *(("F1, 95 %",) if sure else ()), "right", "answered", "gold")
    return Table(title, head, tuple(cells))


def _macro(found: Iterable[MacroRow]) -> Table:
    cells = tuple((m.task, m.group, *(f"{x:.2f}" for x in (m.precision, m.recall, m.f1)), str(m.labels)) for m in found)
    return Table("macro: the mean over labels", ("task", "facts", "P", "R", "F1", "labels"), cells)


def _orders(found: Iterable[OrderScores]) -> Table:
    cells = tuple(
        (o.task, o.group, str(len(o.f1)), f"{o.mean:.2f}", f"{o.deviation:.2f}", f"{o.worst:.2f}", f"{o.best:.2f}",
         f"{o.alike} of {o.rows}") for o in found
    )
    head = ("task", "facts", "orders", "mean F1", "deviation", "worst", "best", "answered alike")
    return Table("each label order alone", head, cells)


def _thresholds(found: Iterable[ReliabilityCurve]) -> Table:
    cells: list[tuple[str, ...]] = []
    for curve in found:
        kept = -1
        for threshold, p, r, f1, facts in curve.thresholds:
            if round(threshold * 100) in SHOWN and facts != kept:
                kept = facts
                cells.append((curve.task, curve.group, f"{threshold:.2f}", f"{p:.2f}", f"{r:.2f}", f"{f1:.2f}",
                              str(facts), f"{curve.error:.3f}"))
    head = ("task", "facts", "confidence", "P", "R", "F1", "kept", "calibration error")
    return Table("facts with at least this confidence", head, tuple(cells))


def _errors(found: Iterable[ErrorCount]) -> Table:
    cells = tuple((e.task, e.group, e.kind, str(e.count), f"{e.f1_if_fixed:.2f}") for e in found)
    return Table("errors", ("task", "facts", "class", "count", "F1 if put right"), cells)
