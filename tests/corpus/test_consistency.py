"""Annotation that contradicts itself is found, counted and shown."""

from __future__ import annotations

import pytest

from iepile.corpus.consistency import Consistency, compare
from iepile.records import Argument, Document, Entity, Event, Relation, Span

TEXT = "Ada met Bob."
ADA, BOB = Span("Ada", 0, 3), Span("Bob", 8, 11)


def doc(*entities: Entity, source: str = "a", annotated: tuple[str, ...] = ("entity",)) -> Document:
    return Document(TEXT, "1", source=source, entities=entities, annotated=annotated)


def events(*arguments: Argument) -> Document:
    return Document(TEXT, events=(Event("meeting", Span("met", 4, 7), arguments),), annotated=("event",))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (doc(), doc(), "equal"),
        (doc(Entity("p", ADA, 0.5)), doc(Entity("p", ADA, 0.9)), "equal"),
        (doc(Entity("p", ADA)), doc(Entity("p", Span("Ada"))), "equal"),
        (doc(Entity("p", ADA), Entity("p", BOB)), doc(Entity("p", BOB), Entity("p", ADA)), "equal"),
        (events(Argument("x", ADA), Argument("y", BOB)), events(Argument("y", BOB), Argument("x", ADA)), "equal"),
        (doc(Entity("p", ADA)), doc(), "different"),
        (doc(Entity("p", ADA)), doc(Entity("q", ADA)), "different"),
        (doc(Entity("p", ADA)), doc(Entity("p", BOB)), "different"),
        (events(Argument("x", ADA)), events(Argument("y", ADA)), "different"),
        (doc(Entity("p", ADA)), doc(annotated=("relation",)), "complementary"),
        (doc(Entity("p", ADA)), doc(Entity("p", ADA), annotated=("entity", "relation")), "complementary"),
        (doc(Entity("p", ADA), annotated=("entity", "relation")), doc(Entity("p", ADA)), "equal"),
        (
            Document(TEXT, relations=(Relation("r", ADA, BOB),)),
            Document(TEXT, relations=(Relation("r", BOB, ADA),)),
            "different",
        ),
        (Document(TEXT), doc(Entity("p", ADA)), "complementary"),
    ],
)
def test_compare(a: Document, b: Document, expected: str) -> None:
    assert compare(a, b) == expected


def test_pairs_are_counted_and_shown() -> None:
    consistency = Consistency(examples=2)
    for source in ("a", "b", "b", "b"):
        assert consistency.same_text(doc(Entity("p", ADA)), doc(Entity("q", ADA), source=source)) == "different"
    assert consistency.same_text(doc(), doc()) == "equal"
    report = consistency.report()
    assert report.same_text == {"a": {"different": 1, "equal": 1}, "a | b": {"different": 3}}
    assert len(report.text_examples) == 2
    example = report.text_examples[1]
    assert (example.text, example.first, example.other) == (TEXT, "a 1", "b 1")
    assert (example.only_first, example.only_other) == (["p: Ada @0"], ["q: Ada @0"])


def test_relations_and_events_are_shown_in_words() -> None:
    consistency = Consistency()
    left = Document(TEXT, relations=(Relation("knows", ADA, Span("Bob")),), annotated=("relation", "event"))
    consistency.same_text(
        left, Document(TEXT, events=events(Argument("guest", BOB)).events, annotated=("relation", "event"))
    )
    example = consistency.report().text_examples[0]
    assert example.only_first == ["knows: Ada @0, Bob"]
    assert example.only_other == ["meeting: met @4 (guest Bob @8)"]


def test_types_of_mentions() -> None:
    consistency = Consistency()
    for name, times in (("p", 3), ("q", 2), ("slip", 1)):
        for _ in range(times):
            consistency.mentions(doc(Entity(name, ADA)))
    for name in ("p", "p", "p", "q"):  # once otherwise: a slip
        consistency.mentions(doc(Entity(name, BOB)))
    consistency.mentions(doc(Entity("x", Span("ADA")), source="b"))
    for name in ("t", "u", "t", "u"):
        consistency.mentions(Document(TEXT, events=(Event(name, Span("met", 4, 7)), Event("none"))))
    report = consistency.report()
    assert (report.mentions, report.mentions_several_types, report.mentions_not_followed) == (4, 2, 0)
    assert [(e.source, e.kind, e.mention, e.types) for e in report.mention_examples] == [
        ("a", "entity", "ada", {"p": 3, "q": 2, "slip": 1}),
        ("", "trigger", "met", {"t": 2, "u": 2}),
    ]


def test_memory_is_bounded_and_said() -> None:
    consistency = Consistency(most_mentions=2)
    for name in ("a", "b", "c", "c", "a"):
        consistency.mentions(Document(TEXT, entities=(Entity("p", Span(name)),)))
    report = consistency.report()
    assert (report.mentions, report.mentions_not_followed) == (2, 2)
