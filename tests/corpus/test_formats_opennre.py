"""OpenNRE: positions in characters or tokens, names that may be in lower case or stand elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

TEXT = "Ada Bird was born in Rome ."
HEAD = {"id": "/m/01", "name": "Ada Bird", "pos": [0, 8]}
TAIL = {"id": "/m/02", "name": "Rome", "pos": [21, 25]}


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.txt"
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return list(read_documents(path, options=options))


def row(**changes: object) -> dict:
    return {"text": TEXT, "relation": "born in", "h": HEAD, "t": TAIL, **changes}


def test_characters(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, row())
    (relation,) = doc.relations
    assert (relation.type, relation.head, relation.tail) == ("born in", Span("Ada Bird", 0, 8), Span("Rome", 21, 25))
    assert (doc.text, doc.annotated, doc.meta) == (TEXT, ("relation",), {"head_id": "/m/01", "tail_id": "/m/02"})


def test_tokens(tmp_path: Path) -> None:
    options = ReadOptions()
    ends = {"h": {"name": "ada bird", "pos": [0, 2]}, "t": {"name": "rome", "pos": [5, 6]}}
    (doc,) = read(tmp_path, {"token": TEXT.split(), "relation": "NA", **ends}, options=options)
    assert [(r.type, r.head, r.tail) for r in doc.relations] == [("NA", Span("Ada Bird", 0, 8), Span("Rome", 21, 25))]
    assert not options.summary.repairs and doc.meta == {}


def test_chinese_tokens_are_joined(tmp_path: Path) -> None:
    ends = {"h": {"name": "张三", "pos": [0, 2]}, "t": {"name": "罗马", "pos": [4, 6]}}
    (doc,) = read(tmp_path, {"token": list("张三生在罗马"), "relation": "出生地", **ends})
    assert doc.text == "张三生在罗马" and doc.relations[0].tail == Span("罗马", 4, 6)


@pytest.mark.parametrize(
    ("tail", "span", "repair"),
    [({"name": "rome", "pos": [21, 25]}, Span("Rome", 21, 25), None),
     ({"name": "", "pos": [21, 25]}, Span("Rome", 21, 25), None),
     ({"name": "Rome", "pos": [20, 24]}, Span("Rome", 21, 25), Repair.MOVED),
     ({"name": "Roma", "pos": [21, 25]}, Span("Rome", 21, 25), Repair.DIFFERENT)],
)
def test_names_and_positions(tmp_path: Path, tail: dict, span: Span, repair: Repair | None) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, row(t=tail), options=options)
    assert doc.relations[0].tail == span and dict(options.summary.repairs) == ({repair: 1} if repair else {})


def test_no_relation_no_text(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, {"text": TEXT, "h": HEAD, "t": TAIL}, row(text=" "), options=options)
    assert (doc.annotated, doc.relations) == ((), ()) and options.summary.repairs == {Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"h": {"name": "x"}}, "h"), ({"t": {**TAIL, "pos": [1]}}, "t.pos"), ({"relation": 3}, "relation"),
     ({"t": {**TAIL, "pos": [21, 99]}}, "record"), ({"t": {**TAIL, "pos": [-3, 2]}}, "record")],
)
def test_wrong_fields_are_named(tmp_path: Path, changes: dict, field: str) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, row(), row(**changes))
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.txt", 2, field)
