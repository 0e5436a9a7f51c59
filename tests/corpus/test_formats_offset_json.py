"""Labels as lists of number, type, start, end and mention."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_rows, refused
from iepile.corpus.formats.reading import ReadOptions, Repair


def test_offsets_are_checked(tmp_path: Path) -> None:
    options = ReadOptions()
    labels = [["T0", "NAME", 0, 2, "王芳"], ["T1", "SEX", 2, 3, "女"], ["T2", "X", 0, 0, ""]]
    rows = {"id": 0, "text": "王芳，女", "labels": labels}, {"text": "王芳"}, {"text": "", "labels": []}
    doc, plain = read_rows(tmp_path, "offset_json", *rows, options=options)
    assert entities(doc) == [("NAME", "王芳", (0, 2)), ("SEX", "女", (3, 4))]
    assert (doc.id, doc.annotated, plain.annotated) == ("0", ("entity",), ())
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.EMPTY_MENTION: 1, Repair.NO_TEXT: 1}


@pytest.mark.parametrize("bad", [["T0", "NAME", 0, 2], ["T0", "NAME", "0", 2, "王芳"], {"type": "NAME"}])
def test_a_bad_record_is_named(tmp_path: Path, bad: object) -> None:
    error = refused(tmp_path, "offset_json", [{"text": "a", "labels": []}, {"text": "王芳", "labels": [bad]}])
    assert error.line == 2 and error.field and error.field.startswith("labels[0]")


def test_real_file() -> None:
    docs, repairs = read_real("resume_ner/cner_offsets_test.json", "offset_json")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (477, 1735) and not repairs
