"""ADE: offsets of the abstract become offsets of the sentence; lines of a sentence become one document."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.ade import _start
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/ADE_corpus"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
TEXT = "Rash and fever after drugA and drugB."


def read(tmp_path: Path, text: str, options: ReadOptions | None = None, name: str = "x.rel") -> list[Document]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(read_documents(path, "ade", options))


def test_offsets_count_from_the_abstract(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, f"7|{TEXT}|fever|109|114|drugB|131|136\n")
    (relation,) = doc.relations
    assert (relation.head, relation.tail) == (Span("drugB", 31, 36), Span("fever", 9, 14))
    assert (relation.type, relation.head_type, relation.tail_type) == ("DRUG-AE", "Drug", "Adverse-Effect")
    assert (doc.id, doc.annotated) == ("7-0", ("relation",))


def test_lines_of_a_sentence_are_one_document(tmp_path: Path) -> None:
    lines = (f"7|{TEXT}|Rash|100|104|drugA|121|126", "7|Pain after drugA.|Pain|0|4|drugA|11|16",
             f"7|{TEXT}|fever|109|114|drugA|121|126")
    options = ReadOptions()
    first, second = read(tmp_path, "\n".join(lines), options)
    assert [(r.head.text, r.tail.text) for r in first.relations] == [("drugA", "Rash"), ("drugA", "fever")]
    assert (first.id, second.id) == ("7-0", "7-1") and not options.summary.repairs


def test_the_sentence_starts_where_most_mentions_fit(tmp_path: Path) -> None:
    text = "drugA, drugA again, gave pain."
    options = ReadOptions()
    (doc,) = read(tmp_path, f"7|{text}|pain|525|529|drugA|507|512\n7|{text}|pain|525|529|drugA|300|305\n", options)
    assert [r.head for r in doc.relations] == [Span("drugA", 7, 12), Span("drugA", 0, 5)]
    assert options.summary.repairs == {Repair.MOVED: 1}


@given(st.text("ab ", min_size=1), st.integers(0, 10**6), st.data())
def test_any_abstract_offset_is_undone(text: str, start: int, data: st.DataObject) -> None:
    places = st.integers(0, len(text) - 1).flatmap(lambda a: st.integers(a + 1, len(text)).map(lambda b: (a, b)))
    (a, b), (c, d) = data.draw(places), data.draw(places)
    found = _start(text, [("AE", text[a:b], start + a, text[c:d], start + c)])
    assert text[start + a - found :].startswith(text[a:b]) and text[start + c - found :].startswith(text[c:d])


@pytest.mark.parametrize(
    ("name", "words", "kind"),
    [("x.rel", "2 mg", "DRUG-DOSE"), ("x.rel", "pain", "DRUG-AE"), ("DRUG-DOSE.rel", "daily", "DRUG-DOSE"),
     ("drug-ae.rel", "grade 3 pain", "DRUG-AE")],
)
def test_doses_and_effects_are_told_apart(tmp_path: Path, name: str, words: str, kind: str) -> None:
    line = f"7|Took drugA, {words}.|{words}|12|{12 + len(words)}|drugA|5|10\n"
    (doc,) = read(tmp_path, line, name=name)
    assert doc.relations[0].type == kind


def test_negative_sentences_have_no_relation(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, "8 NEG He slept | well.\n")
    assert (doc.text, doc.relations, doc.annotated) == ("He slept | well.", (), ("relation",))


def test_a_folder_is_one_corpus(tmp_path: Path) -> None:
    (tmp_path / "DRUG-AE.rel").write_text(f"7|{TEXT}|Rash|0|4|drugA|21|26\n")
    (tmp_path / "DRUG-DOSE.rel").write_text(f"7|{TEXT}|fever|9|14|drugA|21|26\n")
    (tmp_path / "ADE-NEG.txt").write_text("8 NEG He slept.\n")
    (tmp_path / "README.txt").write_text("Not data.\n")
    assert guess_format(tmp_path)[0].name == "ade"
    docs = list(read_documents(tmp_path))
    assert [[r.type for r in d.relations] for d in docs] == [[], ["DRUG-AE", "DRUG-DOSE"]]


def test_mentions_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    lines = (f"7|{TEXT}||0|0|drugA|21|26", f"7|{TEXT}|cough|0|5|drugA|21|26")
    (doc,) = read(tmp_path, "\n".join(lines), options)
    assert [r.tail for r in doc.relations] == [Span("cough")]
    assert options.summary.repairs == {Repair.EMPTY_MENTION: 1, Repair.ABSENT: 1}


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="eight columns") as info:
        read(tmp_path, f"7|{TEXT}|Rash|0|4|drugA|21|26\n7|{TEXT}|Rash|zero|4|drugA|21|26\n")
    assert (info.value.line, info.value.field) == (2, "record")
    assert info.value.file == tmp_path / "x.rel"


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "relations"),
    [("DRUG-AE.rel", 4272, 6821), ("DRUG-DOSE.rel", 213, 279), ("ADE-NEG.txt", 1500, 0), ("", 5772, 7100)],
)
def test_real_files(file: str, documents: int, relations: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert options.summary.format == "ade" and not options.summary.repairs
    found = [r for d in docs for r in d.relations]
    assert (len(docs), len({d.id for d in docs}), len(found)) == (documents, documents, relations)
    assert all(d.text[s.start : s.end] == s.text and s.grounded for d in docs for s in d.facts.spans())


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("ade", head_of(DATA / "DRUG-AE.rel", 2000), tmp_path, n=100)["read"] > 0
