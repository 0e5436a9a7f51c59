"""Hard negatives from the errors that evaluation writes are those from the predictions themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.mining.confusions import Confusions
from iepile.corpus.mining.labels import labels_of
from iepile.corpus.negatives import NegativesConfig, negatives
from iepile.errors import InputError
from iepile.evaluation.errors.effects import error_report
from iepile.evaluation.errors.rows import GOLD_FACTS
from iepile.jsonl import read_rows, write_rows
from iepile.schema import Schema
from iepile.tasks.task import get_task
from made_predictions import write_predictions


def schema_of(path: Path, task: str) -> Schema:
    """The labels that the rows ask for."""
    t = get_task(task)
    items = [i for _, row in read_rows(path) for i in t.read_items(json.loads(row["instruction"])["schema"])]
    names = list(dict.fromkeys(i.name for i in items))
    if task == "NER":
        return Schema.of_entities(*names)
    if task == "SPO":
        return Schema.of_signatures(list(dict.fromkeys((i.about[0], i.about[1], i.about[2]) for i in items)))
    if task == "RE":
        return Schema.of_relations(*names)
    roles: dict[str, dict[str, None]] = {}
    for i in items:
        roles.setdefault(i.name, {}).update(dict.fromkeys(i.roles))
    return Schema.of_events({k: list(v) for k, v in roles.items()})


def mined(tmp_path: Path, schema: Schema, task: str, *predictions: Path) -> tuple[Any, Any]:
    """The dictionary, and scores with evidence."""
    schema.write(tmp_path / "schema.json")
    negatives(NegativesConfig(
        schema_path=str(tmp_path / "schema.json"), task=task, predictions=[str(p) for p in predictions],
        tgt_path=str(tmp_path / "hard.json"), scores=str(tmp_path / "scores.json"), method=["confusions"],
    ))
    return json.loads((tmp_path / "hard.json").read_bytes()), json.loads((tmp_path / "scores.json").read_bytes())


def exported(path: Path, task: str = "") -> Path:
    target = path.parent / "errors.jsonl"
    error_report(str(path), task, export=str(target))
    return target


def test_of_the_reference_example(tmp_path: Path, shared: Path) -> None:
    path = shared / "golden/eval/ner_mixed.json"
    schema = schema_of(path, "NER")
    error_report(str(path), "NER", export=str(tmp_path / "errors.jsonl"))
    found, again = (mined(tmp_path, schema, "NER", p) for p in (path, tmp_path / "errors.jsonl"))
    assert found == again and any(found[0].values())


@pytest.mark.parametrize("task", ["NER", "RE", "SPO", "EE", "EET"])
def test_of_made_predictions(tmp_path: Path, task: str) -> None:
    path = write_predictions(tmp_path / "pred.json", task)
    schema = schema_of(path, task)
    found, again = (mined(tmp_path, schema, task, p) for p in (path, exported(path)))
    assert found == again and any(found[0].values()) and found[1]["predictions"] > 20
    labels = labels_of(schema, get_task(task))
    counted = Confusions(get_task(task), labels).add([path])
    assert any(counted.same.values()) or any(counted.spurious.values())


def test_labels_that_the_schema_lacks_do_not_count(tmp_path: Path) -> None:
    path = write_predictions(tmp_path / "pred.json", "NER")
    whole = schema_of(path, "NER")
    few = Schema.of_entities(*whole.entity_names[:3])
    found, again = (mined(tmp_path, few, "NER", p) for p in (path, exported(path)))
    assert found == again and set(found[0]) == set(few.entity_names)


def test_errors_that_are_taken_out_are_not_mined(tmp_path: Path) -> None:
    path = write_predictions(tmp_path / "pred.json", "NER")
    schema, errors = schema_of(path, "NER"), exported(path)
    rows = [row for _, row in read_rows(errors)]
    pair = next((row["label"], row["answered_label"]) for row in rows if row["kind"] == "wrong label")
    kept = [row for row in rows if (row.get("label"), row.get("answered_label")) != pair]
    assert len(kept) < len(rows)
    write_rows(tmp_path / "kept.jsonl", kept)
    labels = labels_of(schema, get_task("NER"))
    before = Confusions(get_task("NER"), labels).add([errors])
    after = Confusions(get_task("NER"), labels).add([tmp_path / "kept.jsonl"])
    assert before.same[pair[0]][pair[1]] > after.same[pair[0]][pair[1]]
    assert before.gold == after.gold and before.records == after.records


def test_several_files_add_up(tmp_path: Path) -> None:
    path = write_predictions(tmp_path / "pred.json", "NER")
    labels = labels_of(schema_of(path, "NER"), get_task("NER"))
    once = Confusions(get_task("NER"), labels).add([exported(path)])
    twice = Confusions(get_task("NER"), labels).add([path, exported(path)])
    assert twice.records == 2 * once.records
    assert {k: dict(v) for k, v in twice.same.items()} == {
        k: {x: 2 * n for x, n in v.items()} for k, v in once.same.items()}


def test_a_damaged_export_is_told(tmp_path: Path) -> None:
    path = write_predictions(tmp_path / "pred.json", "NER")
    rows = [row for _, row in read_rows(exported(path))]
    labels = labels_of(schema_of(path, "NER"), get_task("NER"))
    write_rows(tmp_path / "short.jsonl", [row for row in rows if row["kind"] != GOLD_FACTS])
    with pytest.raises(InputError, match="no row of kind 'gold facts' for NER"):
        Confusions(get_task("NER"), labels).add([tmp_path / "short.jsonl"])
    write_rows(tmp_path / "odd.jsonl", [rows[0], {"kind": "missing"}, *rows[1:]])
    with pytest.raises(InputError, match="not a row of errors") as told:
        Confusions(get_task("NER"), labels).add([tmp_path / "odd.jsonl"])
    assert told.value.line == 2
    with pytest.raises(InputError, match="for RE"):
        Confusions(get_task("RE"), labels).add([exported(path)])
