"""MIT's columns: the tag stands first."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_text
from iepile.corpus.formats.format import guess_format
from iepile.corpus.formats.reading import ReadOptions, Repair


def test_tags_come_first(tmp_path: Path) -> None:
    first, second = read_text(tmp_path, "tag_first", "O\ta\nB-Rating\tfour\nI-Rating\tstar\n\nB-Actor\tAda\nO\tO\n")
    assert entities(first) == [("Rating", "four star", (2, 11))] and first.annotated == ("entity",)
    assert second.text == "Ada O" and entities(second) == [("Actor", "Ada", (0, 3))]


def test_lines_without_a_tag_and_ill_formed_tags_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read_text(tmp_path, "tag_first", "four\nI-Rating\tstar\nX\tbar\n", options)
    assert doc.text == "four star X" and entities(doc) == [("Rating", "star", (5, 9))]
    assert options.summary.repairs == {Repair.COLUMNS: 2, Repair.TAGS: 1}


def test_the_order_of_the_columns_decides(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("O\ta\nB-Rating\tfour\n")
    assert guess_format(path)[0].name == "tag_first"
    path.write_text("a\tO\nfour\tB-Rating\n")
    assert guess_format(path)[0].name == "bmes"


@pytest.mark.parametrize(("split", "records", "mentions"), [("train", 1500, 4128), ("test", 500, 1355)])
def test_real_files(split: str, records: int, mentions: int) -> None:
    docs, repairs = read_real(f"mit-movie_trivia10k13/trivia10k13{split}.txt", "tag_first")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (records, mentions)
    assert not repairs and "Actor" in {e.type for d in docs for e in d.entities}
