"""Multi-head selection: relations hang on last tokens; the same CoNLL04 facts as in the JSON form."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/conll04"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
LINES = (
    "#doc 7", "0\tAda\tB-Peop\t['N']\t[0]", "1\tBird\tI-Peop\t['Live_In', 'Born_In']\t[4, 6]",
    "2\tof\tO\t['N']\t[2]", "3\tNew\tB-Loc\t['N']\t[3]", "4\tYork\tI-Loc\t['N']\t[4]", "5\tand\tO\t['N']\t[5]",
    "6\tRome\tB-Loc\t['N']\t[6]",
)


def read(tmp_path: Path, *lines: str, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.txt"
    path.write_text("\n".join(lines) + "\n")
    return list(read_documents(path, "multihead", options))


def test_relations_join_mentions_by_their_last_tokens(tmp_path: Path) -> None:
    options = ReadOptions(labels={"Live_In": "lives in"})
    first, second = read(tmp_path, *LINES, "#doc 8", "0\tRain\tO\t['N']\t[0]", options=options)
    assert (first.id, first.text, second.id) == ("7", "Ada Bird of New York and Rome", "8")
    assert [(e.type, e.span) for e in first.entities] == [
        ("Peop", Span("Ada Bird", 0, 8)), ("Loc", Span("New York", 12, 20)), ("Loc", Span("Rome", 25, 29))]
    assert [(r.type, r.head.text, r.head_type, r.tail.text, r.tail_type) for r in first.relations] == [
        ("lives in", "Ada Bird", "Peop", "New York", "Loc"), ("Born_In", "Ada Bird", "Peop", "Rome", "Loc")]
    assert second.annotated == ("entity", "relation") and not second.facts and not options.summary.repairs


def test_relations_of_other_tokens_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    lines = ("0\tAda\tB-Peop\t['Live_In']\t[1]", "1\tsang\tO\t['Kill']\t[0]", "2\tRome\tI-Loc\t['Kill']\t[9]")
    (doc,) = read(tmp_path, *lines, options=options)
    assert doc.relations == () and options.summary.repairs == {Repair.DANGLING: 3, Repair.TAGS: 1}


def test_blank_lines_part_documents_too(tmp_path: Path) -> None:
    docs = read(tmp_path, *LINES, "", "0\tRain\tO\t['N']\t[0]", "", "", "#doc 9", "0\tSun\tO\t['N']\t[0]")
    assert [d.id for d in docs] == ["7", None, "9"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [("1\tBird\tI-Peop\t['N']", "five columns of token 1"), ("2\tBird\tI-Peop\t['N']\t[2]", "five columns of token 1"),
     ("1\tBird\tI-Peop\t['N', 'Kill']\t[0]", "zip"), ("1\tBird\tI-Peop\t['N']\t[1.5]", "Expected `int`")],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as info:
        read(tmp_path, *LINES[:2], line)
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.txt", 3, "record")


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "entities", "relations", "tags"),
    [("train.txt", 910, 3393, 1273, 2), ("dev.txt", 243, 877, 353, 0), ("test.txt", 288, 1079, 422, 0)],
)
def test_real_conll04(file: str, documents: int, entities: int, relations: int, tags: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert options.summary.format == "multihead" and options.summary.repairs == ({Repair.TAGS: tags} if tags else {})
    assert (len(docs), sum(len(d.entities) for d in docs)) == (documents, entities)
    assert sum(len(d.relations) for d in docs) == relations
    assert all(s.grounded and d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())


@needs_data
def test_both_forms_of_conll04_hold_the_same_relations() -> None:
    """The test split is the same in both, but for punctuation."""

    def relations(file: str) -> list[tuple[str, ...]]:
        return sorted((r.type, *(re.sub(r"\W", "", s.text) for s in (r.head, r.tail)))
                      for d in read_documents(DATA / file) for r in d.relations)

    columns = relations("test.txt")
    assert len(columns) == 422 and columns == relations("conll04_test.json")


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("multihead", head_of(DATA / "dev.txt", 2000), tmp_path, n=100)["read"] > 0
