"""IPRE: sentence file, label file and relation names are joined; labels alone say what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/IPRE_labels_only"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
NAMES = "NA\t0\n人物关系/师生关系/老师\t33\n人物关系/朋友\t7\n"
SENTENCES = ("DEV_SENT_ID_000001\t张三\t李四\t张三 是 李四 的 老师 。\n"
             "DEV_SENT_ID_000002\t李四\t张三\t李四 和 李四海 认识 张三 吗 ？\n")
LABELS = "DEV_SENT_ID_000001\t33 7\nDEV_SENT_ID_000002\t0\n"


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        file = path / f"{name.replace('__', '/')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


def test_a_folder_is_joined(tmp_path: Path) -> None:
    folder(tmp_path, sent_dev=SENTENCES, sent_relation_dev=LABELS, bag_relation_dev="", relation2id=NAMES)
    options = ReadOptions(labels={"人物关系/朋友": "朋友"})
    assert guess_format(tmp_path)[0].name == "ipre"
    first, second = read_documents(tmp_path, options=options)
    assert (first.id, first.text, first.language) == ("DEV_SENT_ID_000001", "张三是李四的老师。", "zh")
    assert [(r.type, r.head, r.tail) for r in first.relations] == [
        ("人物关系/师生关系/老师", Span("张三", 0, 2), Span("李四", 3, 5)),
        ("朋友", Span("张三", 0, 2), Span("李四", 3, 5))]
    assert [(r.type, r.head) for r in second.relations] == [("NA", Span("李四", 0, 2))]
    assert not options.summary.repairs and second.annotated == ("relation",)


def test_the_layout_of_the_publisher(tmp_path: Path) -> None:
    one, two = SENTENCES.splitlines(keepends=True)
    folder(tmp_path, relation2id=NAMES, train__sent_train_1=one, train__sent_train_2=two,
           train__sent_relation_train=LABELS, dev__sent_dev=one)
    docs = list(read_documents(tmp_path))
    assert [(d.annotated, [r.type for r in d.relations]) for d in docs] == [
        ((), []), (("relation",), ["人物关系/师生关系/老师", "人物关系/朋友"]), (("relation",), ["NA"])]


def test_one_sentence_file(tmp_path: Path) -> None:
    folder(tmp_path, sent_dev=SENTENCES, sent_relation_dev=LABELS.splitlines()[0])
    first, second = read_documents(tmp_path / "sent_dev.txt")
    assert [r.type for r in first.relations] == ["33", "7"] and second.annotated == ()


def test_names_that_are_no_word_of_their_own(tmp_path: Path) -> None:
    options = ReadOptions()
    text = "A_SENT_ID_1\t李四\t王五\t李四海 说 王五 笑 王五\nA_SENT_ID_2\t\t李四\t李四 走\nA_SENT_ID_3\t张三\t李四\t \n"
    folder(tmp_path, sent_dev=text, sent_relation_dev="A_SENT_ID_1\t0\n")
    (doc,) = read_documents(tmp_path, options=options)
    assert [(r.head, r.tail) for r in doc.relations] == [(Span("李四", 0, 2), Span("王五"))]
    assert options.summary.repairs == {Repair.AMBIGUOUS: 1, Repair.EMPTY_MENTION: 1, Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("files", "file", "line", "problem"),
    [({"sent_relation_dev": LABELS, "sent_train": SENTENCES}, "sent_relation_dev.txt", 1, "sent_dev.txt"),
     ({"sent_dev": SENTENCES + "A_SENT_ID_3\t张三\n"}, "sent_dev.txt", 3, "2 columns, not 4"),
     ({"sent_dev": SENTENCES, "sent_relation_dev": "A_SENT_ID_3\n"}, "sent_relation_dev.txt", 1, "1 columns, not 2"),
     ({"relation2id": NAMES}, "", None, "no sentences")],
)
def test_what_is_wrong_is_named(tmp_path: Path, files: dict, file: str, line: int | None, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as info:
        list(read_documents(folder(tmp_path, **files), "ipre"))
    assert (info.value.file, info.value.line) == (tmp_path / file, line) and info.value.field


@needs_data
@pytest.mark.parametrize("file", ["", "sent_relation_dev.txt", "bag_relation_dev.txt"])
def test_labels_without_sentences(file: str) -> None:
    assert guess_format(DATA / file)[0].name == "ipre"
    with pytest.raises(InputError, match=r"sent_dev\.txt") as info:
        list(read_documents(DATA / file))
    assert "publisher" in (info.value.fix or "")
