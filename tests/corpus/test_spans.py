"""Mentions that have no place in the new text take their facts with them, and are counted."""

from __future__ import annotations

from iepile.corpus.spans import move_spans
from iepile.records import Argument, Document, Entity, Event, Relation, Span

A, B = Span("a", 0, 1), Span("b", 1, 2)
DOC = Document("ab", id="1", entities=(Entity("x", A), Entity("y", B)), relations=(Relation("r", A, B),),
               events=(Event("e", A, (Argument("p", A), Argument("q", B))),), meta={"k": 1})


def test_nothing_is_lost() -> None:
    new, lost = move_spans(DOC, "ab", lambda span: span)
    assert (new, lost) == (DOC, 0)


def test_facts_go_with_their_mentions() -> None:
    new, lost = move_spans(DOC, "a", lambda span: span if span == A else None)
    assert new == Document("a", id="1", entities=(Entity("x", A),), events=(Event("e", A, (Argument("p", A),)),),
                           meta={"k": 1})
    assert lost == 3


def test_an_event_outlives_its_trigger() -> None:
    new, lost = move_spans(DOC, "b", lambda span: span if span == B else None)
    assert new.events == (Event("e", None, (Argument("q", B),)),) and lost == 4
