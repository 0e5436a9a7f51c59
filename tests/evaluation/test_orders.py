"""Label orders scored one by one, from predictions that carry them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.evaluation.orders import order_scores
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows


def row(n: int, orders: list[str] | None) -> dict[str, object]:
    ask = json.dumps({"instruction": "", "schema": ["a", "b"], "input": "x y"})
    label = json.dumps([{"entity": "x", "entity_type": "a"}])
    out: dict[str, object] = {"id": str(n), "task": "NER", "instruction": ask, "label": label,
                              "output": '{"a": ["x"], "b": []}'}
    return out | ({} if orders is None else {"orders": orders})


def found(tmp_path: Path, *rows: dict[str, object]) -> list[object]:
    path = tmp_path / "p.json"
    write_rows(path, rows)
    return list(order_scores(str(path), lambda p: evaluate(EvaluateConfig(path1=p))))


def test_each_order_alone(tmp_path: Path) -> None:
    right, wrong = '{"a": ["x"], "b": []}', '{"a": [], "b": []}'
    (entity,) = order_scores(_file(tmp_path, row(1, [right, wrong]), row(2, [right, '{"b": [], "a": ["x"]}']),
                                   row(3, None)), lambda p: evaluate(EvaluateConfig(path1=p)))
    assert entity.f1 == (100.0, pytest.approx(80.0)) and entity.mean == pytest.approx(90)
    assert (entity.worst, entity.best, entity.deviation) == (pytest.approx(80), 100, pytest.approx(10))
    assert (entity.rows, entity.alike) == (2, 1)


def _file(tmp_path: Path, *rows: dict[str, object]) -> str:
    path = tmp_path / "p.json"
    write_rows(path, rows)
    return str(path)


def test_without_orders_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert found(tmp_path, row(1, None), row(2, ['{"a": []}'])) == []


def test_rows_that_cannot_be_read_stop_nothing(tmp_path: Path) -> None:
    path = Path(_file(tmp_path, row(1, ["{", '{"a": ["x"]}']), row(2, None)))
    path.write_bytes(path.read_bytes() + b"[1]\n{broken\n")
    (entity,) = order_scores(str(path), lambda p: evaluate(EvaluateConfig(path1=p)))
    assert entity.f1[1] > entity.f1[0]


def test_on_the_report(tmp_path: Path) -> None:
    path = _file(tmp_path, row(1, ['{"a": ["x"]}', '{"a": []}']))
    report = evaluate(EvaluateConfig(path1=path, sort_by="order"))
    assert report.orders[0].f1 == (100.0, 0.0)
    assert evaluate(EvaluateConfig(path1=path)).orders == []
