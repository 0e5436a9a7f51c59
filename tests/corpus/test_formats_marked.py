"""SemEval, KBP37 and what they share: marks are taken out, the direction of a label decides head and tail."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.marked import marked_document
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/semval-RE"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")


def read(tmp_path: Path, text: str, name: str = "semeval", options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.txt"
    path.write_bytes(text.encode())
    return list(read_documents(path, name, options))


def test_direction_decides_head_and_tail(tmp_path: Path) -> None:
    text = ('1\t"The <e1>engine</e1> of the <e2>car</e2>."\r\nPart-Whole(e1,e2)\r\nComment: "a" b\r\n\r\n'
            '2\t"The <e1>car</e1> has an <e2>engine</e2>."\r\nPart-Whole(e2,e1)\r\nComment:\r\n\r\n'
            '3\t"A <e2>car</e2> in <e1>rain</e1>."\r\nOther\r\nComment:\r\n\r\n')
    docs = read(tmp_path, text)
    assert [(r.type, r.head.text, r.tail.text) for d in docs for r in d.relations] == [
        ("Part-Whole", "engine", "car"), ("Part-Whole", "engine", "car"), ("Other", "rain", "car")]
    assert docs[0].text == "The engine of the car." and docs[0].relations[0].head == Span("engine", 4, 10)
    assert [(d.id, d.meta) for d in docs] == [("1", {"comment": '"a" b'}), ("2", {}), ("3", {})]


def test_blanks_inside_marks_do_not_double(tmp_path: Path) -> None:
    text = '9\t"In <e1> New York </e1> <e2> Ada </e2> sang ."\nper:city_of_birth(e2,e1)\n\n\n'
    (doc,) = read(tmp_path, text, "kbp37")
    assert doc.text == "In New York Ada sang ."
    (relation,) = doc.relations
    assert (relation.type, relation.head, relation.tail) == (
        "per:city_of_birth", Span("Ada", 12, 15), Span("New York", 3, 11))


def test_an_empty_mention_leaves_the_relation_out(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, '9\t"The <e1> </e1> Prize of <e2> Rome </e2> ."\nno_relation\n', "kbp37", options)
    assert (doc.text, doc.relations, doc.annotated) == ("The Prize of Rome .", (), ("relation",))
    assert options.summary.repairs == {Repair.EMPTY_MENTION: 1}


def test_files_without_labels_are_not_annotated(tmp_path: Path) -> None:
    docs = read(tmp_path, '1\t"A <e1>b</e1> c <e2>d</e2>"\n2\t"<e2>A</e2> <e1>b</e1>"\n')
    assert [(d.annotated, d.meta) for d in docs] == [
        ((), {"head": [2, 3], "tail": [6, 7]}), ((), {"head": [2, 3], "tail": [0, 1]})]


words = st.text("ab é", max_size=6)


@given(words, words.map(str.strip).filter(bool), words, words.map(str.strip).filter(bool), words)
def test_marks_leave_the_text_as_it_was(before: str, head: str, between: str, tail: str, after: str) -> None:
    doc = marked_document(f"{before}<e1>{head}</e1>{between}<e2>{tail}</e2>{after}", "x", ReadOptions())
    assert doc.text == (before + head + between + tail + after).strip()
    (relation,) = doc.relations
    assert (relation.head.text, relation.tail.text) == (head, tail)
    assert all(doc.text[s.start : s.end] == s.text for s in doc.facts.spans())


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('1\t"A <e1>b</e1> <e2>c</e2>"\nOther\n\n2\t"A <e1>b</e1> c"\nOther\n', 4, "must mark"),
        ('1\t"A <e1>b</e1> <e2>c</e2> <e2>d</e2>"\nOther\n', 1, "must mark"),
        ('1\t"A </e1>b<e1> <e2>c</e2>"\nOther\n', 1, "comes before"),
        ('1\t"A <e1>b</e1> <e2>c</e2>"\nX(e1,e1)\n', 1, "joins e1 and e1"),
        ('1\t"A <e1>b</e1> <e2>c</e2>"\nX\nY\n', 1, "a label; a comment"),
        ("no number\n", 1, "number, tab and sentence"),
    ],
)
def test_a_wrong_block_is_named(tmp_path: Path, text: str, line: int, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as info:
        read(tmp_path, text)
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.txt", line, "record")


def test_the_two_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    for label, name in (("Other", "semeval"), ("Cause-Effect(e2,e1)", "semeval"), ("no_relation", "kbp37"),
                        ("org:founded_by(e1,e2)", "kbp37")):
        path.write_text(f'1\t"The <e1>a</e1> of <e2>b</e2> ."\n{label}\n\n')
        assert guess_format(path)[0].name == name


@needs_data
@pytest.mark.parametrize(("file", "documents"), [("TRAIN_FILE.TXT", 8000), ("TEST_FILE_FULL.TXT", 2717)])
def test_real_semeval(file: str, documents: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert options.summary.format == "semeval" and not options.summary.repairs
    spans = [s for d in docs for s in d.facts.spans()]
    assert len(docs) == documents and len(spans) == 2 * documents and all(s.grounded for s in spans)
    assert all(d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())
    assert not any("<e" in d.text or d.text.startswith('"The') for d in docs)
    types = Counter(r.type for d in docs for r in d.relations)
    assert len(types) == 10 and types["Other"] == (1410 if documents == 8000 else 454)


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("semeval", head_of(DATA / "TRAIN_FILE.TXT", 2000), tmp_path, n=100)["read"] > 0
