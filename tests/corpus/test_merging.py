"""Facts carried to another spelling of a text, and united."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.merging import carry, union
from iepile.records import Argument, Document, Entity, Event, Relation, Span


def doc(text: str, *spans: Span) -> Document:
    return Document(text, entities=tuple(Entity("x", span) for span in spans), annotated=("entity",))


def test_carry_over_case_width_and_blanks() -> None:
    old = doc("THE  straße Ｏf ﬁsh", Span("straße", 5, 11), Span("ﬁ", 15, 16), Span("  ", 3, 5))
    new = carry(old, "the STRASSE of fish")
    assert new is not None
    assert [e.span for e in new.entities] == [Span("STRASSE", 4, 11), Span("fi", 15, 17)]


def test_carry_refuses_other_letters() -> None:
    assert carry(doc("Ada met Bob"), "Ada met Rob") is None


def test_carry_without_offsets() -> None:
    new = carry(doc("ADA met Bob", Span("ADA"), Span("nowhere")), "ada met Bob")
    assert new is not None and [e.span for e in new.entities] == [Span("ada"), Span("nowhere")]


@given(st.text("abß ﬁÉ\u0301中Ａ", min_size=1, max_size=12), st.data())
def test_a_carried_span_is_verbatim(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    other = " ".join(text.upper()) if text.upper().lower() == text.lower() else text + " "
    new = carry(doc(text, Span(text[start:end], start, end)), other)
    for entity in new.entities if new else ():
        a, b = entity.span.offsets or (0, 0)
        assert other[a:b] == entity.span.text != ""


def test_union_keeps_order_and_adds_what_is_new() -> None:
    a, b = Span("a", 0, 1), Span("b", 2, 3)
    first = Document("a b a", entities=(Entity("x", b),), relations=(Relation("r", a, b),),
                     events=(Event("e", a, (Argument("p", a),)), Event("f")), annotated=("entity",), meta={"k": 1})
    other = Document("a b a", entities=(Entity("x", b), Entity("x", a), Entity("y", b, 0.5), Entity("x", Span("a"))),
                     relations=(Relation("r", a, b, "t", None), Relation("r", Span("a"), Span("b"))),
                     events=(Event("e", a, (Argument("p", a), Argument("q", b))), Event("f"), Event("g", b)),
                     annotated=("entity", "event"))
    new = union(first, other)
    assert new.entities == (Entity("x", b), Entity("x", a), Entity("y", b, 0.5))
    assert new.relations == (Relation("r", a, b), Relation("r", a, b, "t", None))
    assert new.events == (Event("e", a, (Argument("p", a), Argument("q", b))), Event("f"), Event("g", b))
    assert new.annotated == ("entity", "event") and new.meta == {"k": 1}
    assert union(new, other) == new


def test_a_fact_without_place_covers_those_with_one() -> None:
    new = union(doc("a a", Span("a")), doc("a a", Span("a", 0, 1), Span("a", 2, 3)))
    assert [e.span for e in new.entities] == [Span("a")]
