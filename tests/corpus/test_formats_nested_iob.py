"""GENIA's columns: one layer of mentions a column."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_text
from iepile.corpus.formats.format import guess_format
from iepile.corpus.formats.reading import ReadOptions, Repair


def test_layers_may_overlap_and_say_the_same(tmp_path: Path) -> None:
    (doc,) = read_text(tmp_path, "nested_iob", "human\tB-P\tB-C\tO\nIL\tI-P\tO\tB-P\n2\tI-P\tB-X\tO\nx\tO\tO\tO\n")
    inner = [("C", "human", (0, 5)), ("X", "2", (9, 10)), ("P", "IL", (6, 8))]
    assert entities(doc) == [("P", "human IL 2", (0, 10)), *inner]
    (doc,) = read_text(tmp_path, "nested_iob", "a\tB-P\tB-P\n")
    assert entities(doc) == [("P", "a", (0, 1))]


def test_missing_columns_and_ill_formed_tags_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read_text(tmp_path, "nested_iob", "a\tI-P\tO\nb\nc\tx\tB-P\n", options)
    assert entities(doc) == [("P", "a", (0, 1)), ("P", "c", (4, 5))]
    assert options.summary.repairs == {Repair.TAGS: 1, Repair.COLUMNS: 2}


def test_chunks_beside_names_are_not_layers(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("EU I-NP B-ORG\nsaid I-VP O\n")
    assert guess_format(path)[0].name == "bmes"


@pytest.mark.parametrize(("split", "mentions"), [("dev", 2367 + 224), ("test", 2427 + 246 + 5)])
def test_real_files(split: str, mentions: int) -> None:
    docs, repairs = read_real(f"GENIA_NER/genia.{split}.iob2", "nested_iob")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (1000, mentions) and not repairs
