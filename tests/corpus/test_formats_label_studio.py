"""Label Studio: tasks with several annotations, relations of every direction, JSON-MIN."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Entity, Relation, Span

TEXT = "Ada met\nBob in Rome."
ADA, BOB = Entity("PER", Span("Ada", 0, 3)), Entity("PER", Span("Bob", 8, 11))


def read(tmp_path: Path, *tasks: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "project.json"
    path.write_text(json.dumps(tasks, indent=1))
    return list(read_documents(path, options=options))


def labels(number: str, start: int, end: int, text: str | None = None, *names: str) -> dict:
    value = {"start": start, "end": end, "labels": list(names or ["PER"])}
    return {"id": number, "from_name": "label", "to_name": "text", "type": "labels",
            "value": value if text is None else {**value, "text": text}}


def relation(head: str, tail: str, *names: str, direction: str = "right") -> dict:
    return {"type": "relation", "from_id": head, "to_id": tail, "direction": direction, "labels": list(names)}


def task(*results: dict, **more: object) -> dict:
    annotation = {"id": 9, "was_cancelled": False, "result": list(results)}
    return {"id": 1, "data": {"text": TEXT}, "annotations": [annotation], "predictions": [], **more}


def test_spans_and_relations_of_every_direction(tmp_path: Path) -> None:
    results = [labels("a", 0, 3, "Ada"), relation("a", "b", "knows", "likes"), relation("a", "b", direction="left"),
               relation("a", "b", "meets", direction="bi"), labels("b", 8, 11, "Bob")]
    (doc,) = read(tmp_path, task(*results), options=ReadOptions(labels={"knows": "acquainted"}))
    assert doc.entities == (ADA, BOB) and (doc.id, doc.annotated) == ("1", ("entity", "relation"))
    forth, back = (ADA.span, BOB.span, "PER", "PER"), (BOB.span, ADA.span, "PER", "PER")
    assert doc.relations == (Relation("acquainted", *forth), Relation("likes", *forth), Relation("relation", *back),
                             Relation("meets", *forth), Relation("meets", *back))


def test_the_first_annotation_that_was_not_cancelled(tmp_path: Path) -> None:
    options = ReadOptions()
    cancelled, other = ({"was_cancelled": c, "result": [labels("a", 15, 19, "Rome")]} for c in (True, False))
    choice = {"type": "choices", "value": {"choices": ["x"]}}
    good = {"was_cancelled": False, "result": [labels("a", 0, 3, "Ada"), choice]}
    tasks = [task(annotations=of) for of in ([cancelled, good, other], [cancelled], [])]
    docs = read(tmp_path, *tasks, {"id": 4, "data": {"text": TEXT}, "completions": [good]}, options=options)
    assert [d.entities for d in docs] == [(ADA,), (), (), (ADA,)]
    assert [d.annotated for d in docs] == [("entity",), (), (), ("entity",)]
    assert options.summary.repairs == {Repair.NO_PLACE: 2 + 1 + 1 + 1}


def test_offsets_are_checked_by_the_mention(tmp_path: Path) -> None:
    options = ReadOptions()
    results = [labels("a", 1, 4, "Ada"), labels("b", 4, 11, "met\\nBob"), labels("c", 0, 3), labels("d", 0, 4, "Eve"),
               labels("e", 15, 19, "Rome", "GPE", "LOC"), relation("a", "z", "x")]
    (doc,) = read(tmp_path, task(*results), options=options)
    assert [(e.type, e.span) for e in doc.entities] == [
        ("PER", ADA.span), ("PER", Span("met\nBob", 4, 11)), ("PER", ADA.span), ("PER", Span("Eve")),
        ("GPE", Span("Rome", 15, 19)), ("LOC", Span("Rome", 15, 19))]
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.ABSENT: 1, Repair.DANGLING: 1}


def test_json_min(tmp_path: Path) -> None:
    when = "2026-01-01T00:00:00.000000Z and so on"
    base = {"id": 1, "annotator": 1, "annotation_id": 2, "created_at": when, "updated_at": when, "lead_time": 2.5}
    spans = [labels("", 0, 3, "Ada")["value"]]
    options = ReadOptions()
    one, two, none = read(tmp_path, {**base, "text": TEXT, "label": spans}, {**base, "review": TEXT, "ner": spans},
                          {**base, "text": TEXT}, options=options)
    assert one.entities == two.entities == (ADA,) and two.text == TEXT
    assert (none.annotated, options.summary.format) == ((), "label_studio")


def test_a_task_longer_than_what_guessing_sees(tmp_path: Path) -> None:
    many = [labels(str(n), 0, 3, "Ada") for n in range(700)]
    (doc,) = read(tmp_path, task(*many))
    assert len(doc.entities) == 700


@pytest.mark.parametrize(("bad", "what"), [
    (task({"type": "labels", "id": "a", "value": {"start": "0", "end": 3}}), "start"),
    (task({"id": "a"}), "type"),
    (task({"type": "relation", "from_id": "a"}), "to_id"),
    (task(labels("a", 0, 90)), "no characters"),
    (task(annotations=[{"id": 1}]), "result"),
])
def test_wrong_tasks_are_named(bad: dict, what: str, tmp_path: Path) -> None:
    path = tmp_path / "project.json"
    path.write_text(json.dumps([task(), bad]))
    assert guess_format(path)[0].name == "label_studio"
    with pytest.raises(InputError, match=what) as info:
        list(read_documents(path))
    assert (info.value.file, info.value.line) == (path, 2) and info.value.field


def test_tasks_without_text_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    assert not read(tmp_path, {"id": 1, "data": {"image": ""}, "annotations": []}, options=options)
    assert options.summary.repairs == {Repair.NO_TEXT: 1}
