"""W2NER: mentions as token numbers, in pieces or nested."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_rows, refused
from iepile.corpus.formats.reading import ReadOptions, Repair

WORDS = ["pain", "in", "arm", "and", "leg"]


def row(*mentions: list, **more: object) -> dict:
    return {"sentence": WORDS, "ner": [{"index": m, "type": "ADR"} for m in mentions], **more}


def test_pieces_and_nesting(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read_rows(tmp_path, "w2ner", row([0, 1, 4], [0, 1, 2], [2]), options=options)
    assert doc.text == "pain in arm and leg" and doc.annotated == ("entity",)
    assert [place for _, _, place in entities(doc)] == [(0, 19), (0, 11), (8, 11)]
    assert doc.meta == {"pieces": [[[0, 7], [16, 19]]]}
    assert options.summary.repairs == {Repair.PIECES: 1}


def test_chinese_and_records_without_annotation(tmp_path: Path) -> None:
    options = ReadOptions()
    chinese, plain = read_rows(
        tmp_path, "w2ner",
        {"sentence": list("王芳来了，来的是王芳"), "ner": [{"index": [0, 1], "type": "NAME"}], "word": [[0, 1]]},
        {"sentence": WORDS}, {"sentence": [], "ner": []}, options=options)  # fmt: skip
    assert entities(chinese) == [("NAME", "王芳", (0, 2))]
    assert plain.annotated == () and options.summary.repairs == {Repair.NO_TEXT: 1}


def test_one_language_a_file(tmp_path: Path) -> None:
    rows = [{"sentence": list(text), "ner": []} for text in ("曾先生现为会员", "IEEE1963")]
    docs = read_rows(tmp_path, "w2ner", *rows)
    assert [(d.text, d.language) for d in docs] == [("曾先生现为会员", "zh"), ("IEEE1963", "zh")]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (row([0, 9]), "record"),
        (row([-1]), "record"),
        (row([]), "record"),
        (row(["x"]), "ner[0].index[0]"),
        ({"ner": []}, "record"),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, bad: dict, field: str) -> None:
    error = refused(tmp_path, "w2ner", [row([0]), bad])
    assert (error.line, error.field) == (2, field)


@pytest.mark.parametrize(
    ("file", "records", "mentions"),
    [
        ("GENIA_NER/w2ner_test.json", 1000, 2695),
        ("GENIA_NER/w2ner_example_train.json", 1, 6),
        ("resume_ner/w2ner_test.json", 477, 1630),
    ],
)
def test_real_files(file: str, records: int, mentions: int) -> None:
    docs, repairs = read_real(file, "w2ner")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (records, mentions) and not repairs
