"""doccano: spans as triples, spans as objects with relations, and the names older versions used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Entity, Relation, Span

TEXT = "Ada met \U0001f600 Bob."
ADA, BOB = Span("Ada", 0, 3), Span("Bob", 10, 13)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return list(read_documents(path, options=options))


def mention(number: int, start: int, end: int, label: object = "PER") -> dict:
    return {"id": number, "start_offset": start, "end_offset": end, "label": label}


@pytest.mark.parametrize("row", [
    {"id": 5, "text": TEXT, "label": [[0, 3, "PER"], [10, 13, "PER"]], "Comments": []},
    {"id": 5, "data": TEXT, "label": [[0, 3, "PER"], [10, 13, "PER"]]},
    {"id": 5, "text": TEXT, "labels": [[0, 3, "PER"], [10, 13, "PER"]]},
    {"id": 5, "text": TEXT, "meta": {}, "annotations": [mention(1, 0, 3, 2), mention(2, 10, 13, 2)]},
])
def test_spans_of_all_versions(row: dict, tmp_path: Path) -> None:
    options = ReadOptions(labels={"PER": "person", "2": "person"})
    (doc,) = read(tmp_path, row, options=options)
    assert doc.entities == (Entity("person", ADA), Entity("person", BOB))
    assert (doc.text, doc.id, doc.annotated, options.summary.format) == (TEXT, "5", ("entity",), "doccano")


def test_relations_join_spans_by_id(tmp_path: Path) -> None:
    options = ReadOptions()
    relations = [{"from_id": 71, "to_id": 70, "type": "knows"}, {"from_id": 70, "to_id": 9, "type": "x"}]
    full = {"text": TEXT, "entities": [mention(70, 0, 3), mention(71, 10, 13)], "relations": relations, "Comments": []}
    empty = {"text": TEXT, "entities": [], "relations": []}
    doc, none, plain = read(tmp_path, full, empty, {"id": 3, "text": TEXT}, options=options)
    assert doc.relations == (Relation("knows", BOB, ADA, "PER", "PER"),)
    assert (none.annotated, plain.annotated) == (("entity", "relation"), ())
    assert options.summary.repairs == {Repair.DANGLING: 1}


def test_empty_texts_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    assert not read(tmp_path, {"text": "", "label": []}, options=options)
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


@pytest.mark.parametrize(("row", "field"), [
    ({"text": TEXT, "label": [[0, 99, "PER"]]}, "record"),
    ({"text": TEXT, "label": [[3, 3, "PER"]]}, "record"),
    ({"text": TEXT, "label": ["sports"]}, "label[0]"),
    ({"text": TEXT, "entities": [{"start_offset": 0}]}, "entities[0]"),
])
def test_wrong_spans_are_named(row: dict, field: str, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text(json.dumps({"text": TEXT, "label": []}) + "\n" + json.dumps(row))
    with pytest.raises(InputError) as info:
        list(read_documents(path, "doccano"))
    assert (info.value.file, info.value.line, info.value.field) == (path, 2, field)


def test_projects_that_label_whole_texts_are_not_claimed(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text(json.dumps({"id": 1, "text": TEXT, "label": ["sports"]}))
    with pytest.raises(InputError, match="no format we know"):
        guess_format(path)
