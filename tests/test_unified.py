"""The unified record: what is written comes back, and a fault is named by its place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Relation, Span
from iepile.unified import document_from_row, document_to_row

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
labels = st.text(min_size=1, max_size=6).filter(lambda s: s != "NA")
confidence = st.none() | st.floats(0, 1)
kinds = ("entity", "relation", "event")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))

    def span() -> Span:
        if draw(st.booleans()):
            return Span(draw(words.filter(lambda s: s != "NAN")))
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        mention = text[start:end]
        return Span(mention, start, end) if mention != "NAN" else Span("x")

    def some(build, most: int = 3) -> tuple:
        return tuple(build() for _ in range(draw(st.integers(0, most))))

    def argument() -> Argument:
        return Argument(draw(labels), span(), draw(confidence))

    entities = some(lambda: Entity(draw(labels), span(), draw(confidence)))
    relations = some(
        lambda: Relation(
            draw(labels),
            span(),
            span(),
            draw(st.none() | labels),
            draw(st.none() | labels),
            draw(confidence),
        )
    )
    events = some(
        lambda: Event(draw(labels), span() if draw(st.booleans()) else None, some(argument), draw(confidence))
    )
    lists = (entities, relations, events)
    annotated = tuple(k for k, found in zip(kinds, lists, strict=True) if found or draw(st.booleans()))
    return Document(
        text,
        draw(st.none() | words),
        draw(st.none() | st.sampled_from(["zh", "en"])),
        draw(st.none() | words),
        *lists,
        annotated,
        draw(st.dictionaries(st.sampled_from(["cate", "title"]), st.integers() | words, max_size=2)),
    )


@settings(deadline=None, max_examples=150)
@given(documents())
def test_what_is_written_comes_back(doc: Document) -> None:
    assert document_from_row(document_to_row(doc)) == doc


def test_missing_list_is_not_annotated_and_empty_list_is() -> None:
    assert document_from_row({"text": "a"}).annotated == ()
    assert document_from_row({"text": "a", "entity": None}).annotated == ()
    doc = document_from_row({"text": "a", "event": [], "entity": []})
    assert doc.annotated == ("entity", "event")
    assert document_to_row(doc) == {"text": "a", "entity": [], "event": []}


def test_unknown_types_triggers_and_positions() -> None:
    row = {
        "text": "Ada met Bob",
        "relation": [{"head": "Ada", "relation": "r", "tail": "Bob", "head_type": "NA", "tail_type": ""}],
        "event": [
            {"event_trigger": "", "event_type": "e", "arguments": []},
            {"event_trigger": "NAN", "event_type": "e"},
            {"event_type": "e", "trigger_pos": [], "arguments": [{"argument": "Ada", "role": "r"}]},
        ],
    }
    doc = document_from_row(row)
    assert (doc.relations[0].head_type, doc.relations[0].tail_type) == (None, None)
    assert [e.trigger for e in doc.events] == [None, None, None]
    assert doc.events[2].arguments[0].span == Span("Ada")


def test_other_keys_are_kept_in_meta_and_numbers_serve_as_ids() -> None:
    doc = document_from_row({"text": "a", "id": 7, "cate": "人物", "meta": {"page": 1}})
    assert doc.id == "7" and doc.meta == {"page": 1, "cate": "人物"}
    assert document_from_row(document_to_row(doc)) == doc


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ({"entity": []}, "text", "no `text`"),
        ({"sentence": "a"}, "text", "rename `sentence` to `text`"),
        ({"text": 3}, "text", "a number"),
        ({"text": "a", "entity": {}}, "entity", "an object"),
        ({"text": "a", "entity": ["a"]}, "entity[0]", "a string"),
        ({"text": "a", "entity": [{"entity": "a"}]}, "entity[0].entity_type", "no `entity_type`"),
        ({"text": "a", "entity": [{"entity": "", "entity_type": "t"}]}, "entity[0].entity", "empty"),
        (
            {"text": "a", "relation": [{"subject": "a", "relation": "r", "tail": "a"}]},
            "relation[0].head",
            "rename",
        ),
        (
            {"text": "a", "relation": [{"head": "a", "relation": "r", "tail": 5}]},
            "relation[0].tail",
            "put it in quotes",
        ),
        ({"text": "a", "event": [{"event_trigger": "a"}]}, "event[0].event_type", "no `event_type`"),
        (
            {"text": "a", "event": [{"event_type": "e", "arguments": [{"role": "r"}]}]},
            "event[0].arguments[0].argument",
            "no `argument`",
        ),
        (
            {"text": "abc", "entity": [{"entity": "b", "entity_type": "t", "pos": [1]}]},
            "entity[0].pos",
            "[1]",
        ),
        (
            {"text": "abc", "entity": [{"entity": "b", "entity_type": "t", "pos": [0, 1]}]},
            "entity[0].pos",
            "'a'",
        ),
        (
            {"text": "abc", "entity": [{"entity": "bc", "entity_type": "t", "pos": [1, 2]}]},
            "entity[0].pos",
            "ends are exclusive: write [1, 3]",
        ),
        (
            {"text": "abc", "entity": [{"entity": "c", "entity_type": "t", "pos": [-1, 3]}]},
            "entity[0].pos",
            "[2, 3]",
        ),
        (
            {"text": "abc", "entity": [{"entity": "x", "entity_type": "t", "pos": [7, 8]}]},
            "entity[0].pos",
            "not in",
        ),
        (
            {"text": "ab", "entity": [{"entity": "ab", "entity_type": "t", "pos": [0, 10**30]}]},
            "entity[0].pos",
            "ends beyond the text",
        ),
        ({"text": "a", "source": 1}, "source", "a number"),
        ({"text": "a", "meta": []}, "meta", "a list"),
        (
            {"text": "a", "entity": [{"entity": "a", "entity_type": "t", "confidence": "1"}]},
            "entity[0].confidence",
            "a string",
        ),
    ],
)
def test_a_fault_names_file_line_and_field(row: dict, field: str, says: str) -> None:
    with pytest.raises(InputError) as info:
        document_from_row(row, "data.json", 4)
    assert (info.value.file, info.value.line, info.value.field) == ("data.json", 4, field)
    assert says in str(info.value) and info.value.expected and info.value.fix


def test_the_example_of_the_docs_is_a_record() -> None:
    page = (Path(__file__).parents[1] / "docs/en/data.md").read_text(encoding="utf-8")
    doc = document_from_row(json.loads(re.findall(r"```json\n(.*?)```", page, re.S)[0]))
    assert len(doc.entities) == len(doc.relations) == len(doc.events) == 1
    assert all(span.grounded for span in doc.facts.spans())
