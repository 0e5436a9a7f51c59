"""COAE2016: marked sentences with a code, numbered ones without, and sentences without marks."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/COAE2016"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
MARKED = "<e2>1950年</e2>,<e1>张三</e1>出生。"


def read(tmp_path: Path, text: str, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.tsv"
    path.write_text(text, encoding="utf-8")
    return list(read_documents(path, "coae", options))


def test_marked_sentences(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, f"{MARKED}\tcr2\n", ReadOptions(labels={"cr2": "出生日期"}))
    (relation,) = doc.relations
    assert (relation.type, relation.head, relation.tail) == ("出生日期", Span("张三", 6, 8), Span("1950年", 0, 5))
    assert (doc.text, doc.annotated, doc.language) == ("1950年,张三出生。", ("relation",), "zh")


def test_numbered_sentences_are_not_annotated(tmp_path: Path) -> None:
    marked, plain = read(tmp_path, f"0001\t{MARKED}\n\n0002\t李四是作家。\n")
    assert (marked.id, marked.annotated, marked.meta) == ("0001", (), {"head": [6, 8], "tail": [0, 5]})
    assert (plain.id, plain.text, plain.annotated, plain.meta) == ("0002", "李四是作家。", (), {})


def test_labels_without_marks_stay_beside_the_text(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, "张三生于1950年。\tcr2\n", ReadOptions(labels={"cr2": "出生日期"}))
    assert (doc.relations, doc.annotated, doc.meta) == ((), (), {"relation": "出生日期"})


def test_lines_that_say_nothing_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    assert read(tmp_path, f"{MARKED}\t\n\tcr2\n", options) == [] and options.summary.repairs == {Repair.NO_TEXT: 2}


@pytest.mark.parametrize("line", [MARKED, f"{MARKED}\tcr2\tcr3", "<e1>张三</e1>出生。\tcr2"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r"two columns|must mark") as info:
        read(tmp_path, f"{MARKED}\tcr2\n{line}\n")
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.tsv", 2, "record")


def test_other_numbered_text_is_not_claimed(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("0001\tAda lives in Rome.\n")
    with pytest.raises(InputError, match="no format we know"):
        guess_format(path)


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "relations"),
    [("train_shuffle", 988, 988), ("train.tsv", 988, 0), ("test_1_q", 483, 0), ("test_2_q", 454, 0)],
)
def test_real_files(file: str, documents: int, relations: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert options.summary.format == "coae" and not options.summary.repairs
    assert (len(docs), sum(len(d.relations) for d in docs)) == (documents, relations)
    assert all(s.grounded and d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())
    assert not any("<e" in d.text or "\t" in d.text for d in docs)
    labels = Counter([r.type for d in docs for r in d.relations] or [d.meta.get("relation") for d in docs])
    assert labels["cr2"] == (199 if file.startswith("train") else 0)
    assert sum({"head", "tail"} <= set(d.meta) for d in docs) == (483 if file == "test_1_q" else 0)


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("coae", head_of(DATA / "train_shuffle", 2000), tmp_path, n=100)["read"] > 0
