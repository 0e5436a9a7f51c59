"""CMeEE: nested mentions, ends inclusive."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_rows, refused
from iepile.corpus.formats.reading import ReadOptions, Repair

TEXT = "急性胃炎和胃痛"


def mention(start: int, end: int, **more: str) -> dict:
    return {"start_idx": start, "end_idx": end, "type": "dis", **more}


def test_inclusive_ends_nesting_and_mentions_without_words(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"text": TEXT, "entities": [mention(0, 3, entity="急性胃炎"), mention(2, 2, entity="胃"), mention(5, 6)]}
    wrong = {"text": TEXT, "entities": [mention(4, 4, entity="胃")]}
    doc, moved, plain = read_rows(tmp_path, "cmeee", row, wrong, {"text": TEXT}, {"text": ""}, options=options)
    assert [(m, place) for _, m, place in entities(doc)] == [("急性胃炎", (0, 4)), ("胃", (2, 3)), ("胃痛", (5, 7))]
    assert entities(moved) == [("dis", "胃", (5, 6))] and plain.annotated == ()
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("bad", "field"), [(mention(6, 9), "record"), ({"type": "dis"}, "entities[0]"), ("x", "entities[0]")]
)
def test_a_bad_record_is_named(tmp_path: Path, bad: object, field: str) -> None:
    error = refused(tmp_path, "cmeee", [{"text": TEXT, "entities": []}, {"text": TEXT, "entities": [bad]}])
    assert (error.line, error.field) == (2, field)


@pytest.mark.parametrize(("kind", "mentions"), [("gold", 10), ("pred", 8)])
def test_real_files(kind: str, mentions: int) -> None:
    docs, repairs = read_real(f"CMeEE_format_example/example_{kind}.json", "cmeee")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (3, mentions) and not repairs
