"""A report as tables: for a terminal, a paper or a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from iepile.evaluation.report import Report, Row


class Table(msgspec.Struct, frozen=True):
    """A table for people: cells are text."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report, sort_by: str = "") -> list[Table]:
    """The report as tables for a terminal, percentages with two decimals."""
    out = [_table(report.setting, ("task", "facts"), report.scores)]
    if report.field_scores:
        out.append(_table("as the field reports", ("task", "facts"), report.field_scores))
    if "source" in sort_by:
        out.append(_table("by source", ("task", "facts", "source"), report.by_source))
    if "label" in sort_by:
        out.append(_table("by label", ("task", "facts", "label"), report.by_label))
    met = ((k.replace("_", " "), str(v)) for k, v in msgspec.structs.asdict(report.counts).items() if v)
    out.append(Table("rows and answers", ("what", "count"), tuple(met)))
    if report.notes:
        lines = tuple((str(n.line), n.problem) for n in report.notes)
        out.append(Table("first faults", ("line", "problem"), lines))
    return out


def _table(title: str, names: tuple[str, ...], rows: Iterable[Row]) -> Table:
    cells = []
    for r in rows:
        place = [x for x in (r.source, r.label) if x is not None]
        s = r.score
        percent = (f"{x:.2f}" for x in (s.precision, s.recall, s.f1))
        cells.append((r.task, r.group, *place, *percent, str(s.tp), str(s.pred), str(s.gold)))
    return Table(title, (*names, "P", "R", "F1", "right", "answered", "gold"), tuple(cells))
