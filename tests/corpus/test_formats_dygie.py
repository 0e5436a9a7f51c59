"""DyGIE++: token numbers of the document become characters of a sentence; ends are inclusive."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/SciERC"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
ROW = {
    "doc_key": "d1",
    "sentences": [["Ada", "Bird", "left", "Rome", "."], ["She", "sang", "in", "New", "York", "."]],
    "ner": [[[0, 1, "Person"], [0, 0, "Name"], [3, 3, "City"]], [[5, 5, "Person"], [8, 9, "City"]]],
    "relations": [[[0, 1, 3, 3, "left"]], [[5, 5, 8, 9, "in"], [6, 6, 9, 9, "at"]]],
    "events": [[[[2, "Leave"], [0, 1, "who"], [3, 3, "from"]]], [[[6, 7, "Sing"], [8, 9, "where"]]]],
    "clusters": [[[0, 1], [5, 5]], [[8, 9], [9, 9], [3, 3]]],
}


def read(path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = path / "x.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


def test_sentences_become_documents(tmp_path: Path) -> None:
    options = ReadOptions(labels={"City": "town"})
    first, second = read(tmp_path, ROW, options=options)
    assert (first.id, first.text) == ("d1-0", "Ada Bird left Rome .")
    assert (second.id, second.text) == ("d1-1", "She sang in New York .")
    assert [(e.type, e.span) for e in first.entities] == [
        ("Person", Span("Ada Bird", 0, 8)), ("Name", Span("Ada", 0, 3)), ("town", Span("Rome", 14, 18))]
    assert [(r.type, r.head.text, r.tail.text, r.head_type, r.tail_type) for r in second.relations] == [
        ("in", "She", "New York", "Person", "town"), ("at", "sang", "York", None, None)]
    assert second.relations[0].tail == Span("New York", 12, 20)
    assert first.annotated == ("entity", "relation", "event") and not options.summary.repairs


def test_events_have_triggers_of_one_token_or_more(tmp_path: Path) -> None:
    first, second = read(tmp_path, ROW)
    assert [(e.type, e.trigger) for e in first.events] == [("Leave", Span("left", 9, 13))]
    assert [(a.role, a.span.text) for a in first.events[0].arguments] == [("who", "Ada Bird"), ("from", "Rome")]
    assert [(e.type, e.trigger) for e in second.events] == [("Sing", Span("sang in", 4, 11))]


def test_clusters_within_a_sentence_are_kept(tmp_path: Path) -> None:
    first, second = read(tmp_path, ROW)
    assert (first.meta, second.meta) == ({}, {"clusters": [[[12, 20], [16, 20]]]})


def test_what_lies_outside_the_sentence_is_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"sentences": ROW["sentences"], "ner": [[[5, 5, "Person"]], []], "relations": [[[0, 0, 8, 9, "in"]], []],
           "events": [[[[9, "Sing"]], [[2, "Leave"], [8, 9, "to"]]], []]}
    first, second = read(tmp_path, row, options=options)
    assert (first.id, first.entities, first.relations, second.facts) == (None, (), (), second.facts)
    assert [(e.type, e.arguments) for e in first.events] == [("Leave", ())] and not second.facts
    assert options.summary.repairs == {Repair.DANGLING: 4}


def test_only_the_lists_there_are_annotated(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"sentences": [["张", "三", "走"], [], ["A"]], "ner": [[[0, 1, "人"]], [], []]}
    first, last = read(tmp_path, row, options=options)
    assert (first.text, first.annotated, first.language) == ("张三走", ("entity",), "zh")
    assert first.entities[0].span == Span("张三", 0, 2) and last.language == "zh"
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


tokens = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=5)


@given(st.lists(tokens, min_size=1, max_size=4), st.data())
def test_any_span_is_the_tokens_it_numbers(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[str]], data: st.DataObject
) -> None:
    ner, expected, base = [], [], 0
    for sentence in sentences:
        first = data.draw(st.integers(0, len(sentence) - 1))
        last = data.draw(st.integers(first, len(sentence) - 1))
        ner.append([[base + first, base + last, "X"]])
        expected.append(" ".join(sentence[first : last + 1]))
        base += len(sentence)
    docs = read(tmp_path_factory.mktemp("x"), {"sentences": sentences, "ner": ner})
    assert [d.entities[0].span.text for d in docs] == expected
    assert all(d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"ner": [[[0, "x", "Person"]], []]}, "ner[0][0][1]"),
     ({"relations": [[[0, 1, 3, "left"]], []]}, "relations[0][0][3]"),
     ({"ner": [[]]}, "record"), ({"events": [[[["left", "Leave"]]], []]}, "record"),
     ({"events": [[[]], []]}, "record")],
)
def test_wrong_fields_are_named(tmp_path: Path, changes: dict, field: str) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, ROW, {**ROW, **changes})
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.json", 2, field)


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "entities", "relations"),
    [("train.json", 1861, 5598, 3219), ("dev.json", 275, 811, 455), ("test.json", 551, 1685, 974)],
)
def test_real_scierc(file: str, documents: int, entities: int, relations: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert options.summary.format == "dygie" and not options.summary.repairs
    assert (len(docs), len({d.id for d in docs})) == (documents, documents)
    assert sum(len(d.entities) for d in docs) == entities
    found = [r for d in docs for r in d.relations]
    assert len(found) == relations and all(r.head_type and r.tail_type for r in found)
    assert all(s.grounded and d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("dygie", head_of(DATA / "dev.json", 2000), tmp_path, n=100)["read"] > 0
