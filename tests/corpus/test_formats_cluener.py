"""CLUENER: mentions by type and place, ends inclusive."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_rows, refused
from iepile.corpus.formats.reading import ReadOptions, Repair

TEXT = "王芳说，王芳在银河"


def test_inclusive_ends_and_several_places(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"text": TEXT, "label": {"name": {"王芳": [[0, 1], [4, 5]], "": [[0, 0]]}, "company": {"银河": [[6, 7]]}}}
    rows = row, {"id": 3, "text": TEXT}, {"text": "", "label": {}}
    doc, plain = read_rows(tmp_path, "cluener", *rows, options=options)
    assert entities(doc) == [("name", "王芳", (0, 2)), ("name", "王芳", (4, 6)), ("company", "银河", (7, 9))]
    assert (plain.id, plain.annotated) == ("3", ())
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.EMPTY_MENTION: 1, Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"text": TEXT, "label": {"name": {"王芳": [[0]]}}}, "label[...][...][0]"),
        ({"text": TEXT, "label": {"name": ["王芳"]}}, "label[...]"),
        ({"label": {}}, "record"),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, bad: dict, field: str) -> None:
    error = refused(tmp_path, "cluener", [{"text": TEXT, "label": {}}, bad])
    assert (error.line, error.field) == (2, field)


@pytest.mark.parametrize(("split", "records", "mentions"), [("train", 10748, 23972), ("test", 1343, 3072)])
def test_real_files(split: str, records: int, mentions: int) -> None:
    docs, repairs = read_real(f"clue/{split}.json", "cluener")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (records, mentions) and not repairs
