"""FewRel: token numbers, several occurrences, pieces, names of relations from the file beside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/fewrel/val_wiki.json"
needs_data = pytest.mark.skipif(not DATA.is_file(), reason="the shared real data is not here")
TOKENS = ["Ada", "Bird", "met", "Bird", "senior", "in", "New", "York"]


def instance(h: list, t: list) -> dict:
    return {"tokens": TOKENS, "h": ["ada bird", "Q1", h], "t": ["new york", "Q2", t]}


def read(tmp_path: Path, data: object, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    return list(read_documents(path, options=options))


def test_token_numbers_give_the_spans(tmp_path: Path) -> None:
    first, second = read(tmp_path, {"P1": [instance([[0, 1]], [[6, 7]])], "P2": [instance([[3]], [[0]])]})
    (relation,) = first.relations
    assert (relation.type, relation.head, relation.tail) == ("P1", Span("Ada Bird", 0, 8), Span("New York", 28, 36))
    assert first.meta == {"head_id": "Q1", "tail_id": "Q2"} and first.annotated == ("relation",)
    assert second.relations[0].type == "P2"


def test_other_occurrences_and_pieces_are_kept(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, {"P1": [instance([[1], [3]], [[0, 3, 4]])]}, options)
    assert doc.relations[0].head == Span("Bird", 4, 8)
    assert doc.relations[0].tail == Span("Ada Bird met Bird senior", 0, 24)
    assert doc.meta["head"] == [[4, 8], [13, 17]] and doc.meta["pieces"] == [[[0, 3], [13, 24]]]
    assert options.summary.repairs == {Repair.PIECES: 1}


def test_names_come_from_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / "pid2name.json").write_text('{"P1": ["residence", "where one lives"], "P2": ["child", "of one"]}')
    data = {p: [instance([[0]], [[6]])] for p in ("P1", "P2", "P3")}
    options = ReadOptions(labels={"residence": "lives in", "P2": "has child"})
    assert [d.relations[0].type for d in read(tmp_path, data, options)] == ["lives in", "has child", "P3"]


def test_instances_without_text_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    empty = {"tokens": [" "], "h": ["", "", [[0]]], "t": ["", "", [[0]]]}
    assert len(read(tmp_path, {"P1": [instance([[0]], [[1]]), empty]}, options)) == 1
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


def test_only_whole_files_are_claimed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({f"P{n}": [instance([[0]], [[6]])] * 200 for n in range(9)}))
    assert path.stat().st_size > 1 << 17 and guess_format(path)[0].name == "fewrel"
    path.write_text('{"P1": ["residence", "where one lives"]}')
    with pytest.raises(InputError, match="no format we know"):
        guess_format(path)


@pytest.mark.parametrize(
    ("data", "field"),
    [({"P1": [{"tokens": [], "h": ["a", "Q1", [[0]]]}]}, "P1[0]"), ({"P1": {}}, "$[...]"),
     ({"P1": [instance([[0]], [[1]])], "P2": [instance([[0]], [[1]]), instance([[0]], [["x"]])]}, "P2[1]"),
     ({"P1": [instance([[0]], [[8]])]}, "P1[0]"), ({"P1": [instance([], [[0]])]}, "P1[0]"),
     ({"P1": [instance([[]], [[0]])]}, "P1[0]")],
)
def test_wrong_fields_are_named(tmp_path: Path, data: dict, field: str) -> None:
    (tmp_path / "x.json").write_text(json.dumps(data))
    with pytest.raises(InputError) as info:
        list(read_documents(tmp_path / "x.json", "fewrel"))
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.json", 1, field)


@needs_data
def test_real_fewrel() -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA, options=options))
    assert options.summary.format == "fewrel" and not options.summary.repairs
    assert len(docs) == sum(len(d.relations) for d in docs) == 1600
    assert len({d.relations[0].type for d in docs}) == 16 and "crosses" in {d.relations[0].type for d in docs}
    assert all(s.grounded and d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())
    assert sum(key in d.meta for d in docs for key in ("head", "tail")) == 61


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    data = {pid: instances[:2] for pid, instances in json.loads(DATA.read_bytes()).items()}
    assert check_reader("fewrel", json.dumps(data).encode(), tmp_path, n=100)["read"] > 0
