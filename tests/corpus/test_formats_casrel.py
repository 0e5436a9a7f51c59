"""CasRel: triples without offsets are placed where the text has them once, as whole words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.places import locate_words
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/New-York-Times-RE"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
TEXT = "Ada Bird of Rome met a Roman , Rome 's Bob Bird ."


def read(tmp_path: Path, rows: object, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(rows, indent=1))
    return list(read_documents(path, options=options))


def test_triples_are_placed_where_that_is_safe(tmp_path: Path) -> None:
    options = ReadOptions(labels={"/x/met": "met"})
    row = {"text": TEXT, "triple_list": [["Ada Bird", "/x/met", "Bob Bird"], ["Bird", "/x/in", "Rome"],
                                         ["Roman", "/x/from", "Pisa"], ["", "/x/in", "Rome"]]}
    (doc,) = read(tmp_path, [row], options)
    assert [(r.type, r.head, r.tail) for r in doc.relations] == [
        ("met", Span("Ada Bird", 0, 8), Span("Bob Bird", 39, 47)),
        ("/x/in", Span("Bird"), Span("Rome")),
        ("/x/from", Span("Roman", 23, 28), Span("Pisa"))]
    assert doc.annotated == ("relation",)
    assert options.summary.repairs == {Repair.AMBIGUOUS: 2, Repair.ABSENT: 1, Repair.EMPTY_MENTION: 1}


@pytest.mark.parametrize(
    ("text", "mention", "start"),
    [("Romania and Oman", "Oman", 12), ("Oman and Romania", "Oman", 0), ("Oman of Oman", "Oman", None),
     ("a a a", "a a", None), ("in Romania", "man", 5),
     ("北京在中国", "中国", 3), ("a.b ab", "a.b", 0), ("ab", "x", None)],
)
def test_whole_words_come_first(text: str, mention: str, start: int | None) -> None:
    assert locate_words(text, mention, ReadOptions()).start == start


def test_records_without_triples(tmp_path: Path) -> None:
    options = ReadOptions()
    rows = [{"text": TEXT, "triple_list": []}, {"text": TEXT, "id": 4}, {"text": "", "triple_list": []}]
    none, unknown = read(tmp_path, rows, options)
    assert (none.annotated, unknown.annotated, unknown.id) == (("relation",), (), "4")
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("row", "field"),
    [({"text": 3, "triple_list": []}, "text"), ({"text": "a", "triple_list": [["a", "b"]]}, "triple_list[0]"),
     ({"text": "a", "triple_list": [["a", "b", None]]}, "triple_list[0][2]")],
)
def test_wrong_fields_are_named(tmp_path: Path, row: dict, field: str) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, [{"text": "a", "triple_list": []}, row])
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.json", 2, field)


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "relations", "ambiguous", "absent"),
    [("test_triples.json", 1500, 2619, 387, 3), ("test_triples_star.json", 200, 332, 38, 0),
     ("val_triples.json", 500, 859, 179, 5)],
)
def test_real_files(file: str, documents: int, relations: int, ambiguous: int, absent: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert (options.summary.format, len(docs)) == ("casrel", documents)
    assert sum(len(d.relations) for d in docs) == relations
    spans = [(d, s) for d in docs for s in d.facts.spans()]
    assert sum(s.grounded for _, s in spans) == 2 * relations - ambiguous - absent
    assert all(d.text[s.start : s.end] == s.text for d, s in spans if s.grounded)
    assert options.summary.repairs == {k: n for k, n in ((Repair.AMBIGUOUS, ambiguous), (Repair.ABSENT, absent)) if n}


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("casrel", head_of(DATA / "val_triples.json", 2000), tmp_path, n=100)["read"] > 0
