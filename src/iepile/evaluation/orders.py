"""How much the order of the labels in a question matters: each order scored alone.

    for found in order_scores("pred.json", EvaluateConfig()):
        found.mean, found.worst, found.best

`iepile predict --orders k` writes what each order alone answers into the field `orders` of a row. Published figures
were sometimes the best of several orders; the mean is what a user gets, and the spread is noise that no comparison
between two runs can go below.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import msgspec

from iepile.evaluation.report import Report
from iepile.jsonl import BROKEN_JSON, dumps, read_lines, write_rows


class OrderScores(msgspec.Struct, frozen=True):
    """F1 of a task's score group in each label order, in percent."""

    task: str
    group: str
    f1: tuple[float, ...]
    """In the order that the questions give first, then in the others."""
    mean: float
    deviation: float
    """Standard deviation over the orders."""
    worst: float
    best: float
    rows: int
    """Rows that were asked in several orders."""
    alike: int
    """Of these, rows that all orders answer alike."""


def order_scores(path: str, score: Callable[[str], Report]) -> list[OrderScores]:
    """Score each label order of a file of predictions; empty where it has no `orders`.

    Args:
        score: scores a file of the same rows.
    """
    rows, alike, number = _seen(path)
    if number < 2:
        return []
    reports = []
    with tempfile.TemporaryDirectory(prefix="iepile-orders-") as folder:
        for n in range(number):
            one = Path(folder) / "rows.json"
            write_rows(one, _in_order(path, n))
            reports.append(score(str(one)))
    out = []
    for row in reports[0].scores:
        f1 = tuple(r.score(row.task, row.group).f1 for r in reports)
        out.append(OrderScores(row.task, row.group, f1, fmean(f1), pstdev(f1), min(f1), max(f1), rows, alike))
    return out


def _seen(path: str) -> tuple[int, int, int]:
    """Rows with several orders, those answered alike, and the most orders of a row."""
    rows = alike = most = 0
    for row in _rows(path):
        orders = _orders(row)
        if len(orders) > 1:
            rows += 1
            alike += len({_form(answer) for answer in orders}) == 1
            most = max(most, len(orders))
    return rows, alike, most


def _in_order(path: str, n: int) -> Iterator[dict[str, Any]]:
    for row in _rows(path):
        if orders := _orders(row):
            # One that was asked in fewer orders (one label has but one) answers the same again.
            row["output"] = orders[n % len(orders)]
            row.pop("facts", None)
        yield row


def _orders(row: dict[str, Any]) -> list[str]:
    orders = row.get("orders")
    return [x for x in orders if isinstance(x, str)] if isinstance(orders, list) else []


def _form(answer: str) -> str:
    """An answer whatever the order of its labels and values."""
    try:
        return dumps(_sorted(msgspec.json.decode(answer)))
    except BROKEN_JSON:
        return answer


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value)}
    return sorted(map(_sorted, value), key=dumps) if isinstance(value, list) else value


def _rows(path: str) -> Iterator[dict[str, Any]]:
    for _, raw in read_lines(path):
        try:
            row = msgspec.json.decode(raw)
        except BROKEN_JSON:
            continue  # the report counts it
        if isinstance(row, dict):
            yield row
