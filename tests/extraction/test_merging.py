"""What windows state becomes what the document states: each fact once, nothing lost, nothing made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.merging import in_text_order, merge_windows, shift
from iepile.extraction.windows import Window, cut
from iepile.records import Argument, Entity, Event, Facts, Relation, Span

TEXT = "Ada met Bob in Rome. Bob left Rome for Old York. Old York pleased Bob. Ada stayed in Rome."
A, B = Window(0, 49), Window(21, 71)


def at(text: str, nth: int = 0, source: str = TEXT) -> Span:
    start = -1
    for _ in range(nth + 1):
        start = source.index(text, start + 1)
    return Span(text, start, start + len(text))


def merged(*parts: tuple[Window, Facts], text: str = TEXT) -> Facts:
    found = merge_windows(parts, text)
    assert merge_windows(parts[::-1], text) == found
    assert merge_windows([*parts, *parts], text) == found
    return found


def entities(*facts: Entity) -> Facts:
    return Facts(facts)


def test_shift_moves_what_has_a_place() -> None:
    facts = Facts(
        (Entity("person", Span("Bob", 0, 3), 0.5), Entity("person", Span("Eve"))),
        (Relation("in", Span("Bob", 0, 3), Span("Eve")),),
        (Event("leave", Span("left", 4, 8), (Argument("who", Span("Bob", 0, 3)),)), Event("rest")),
    )
    moved = shift(facts, B)
    assert moved.entities == (Entity("person", Span("Bob", 21, 24), 0.5), Entity("person", Span("Eve")))
    assert moved.relations[0].head == Span("Bob", 21, 24) and moved.relations[0].tail == Span("Eve")
    assert moved.events[0] == Event("leave", Span("left", 25, 29), (Argument("who", Span("Bob", 21, 24)),))
    assert shift(facts, Window(0, 5)) == facts


def test_a_mention_in_two_windows_is_one_fact_with_the_higher_confidence() -> None:
    bob = at("Bob", 1)
    found = merged((A, entities(Entity("person", bob, 0.4, 0.5))), (B, entities(Entity("person", bob, 0.9, 0.5))))
    assert found == entities(Entity("person", bob, 0.9, 0.5))
    one_sided = merged((A, entities(Entity("person", bob))), (B, entities(Entity("person", bob, 0.2))))
    assert one_sided == entities(Entity("person", bob, 0.2))


def test_types_and_places_tell_facts_apart() -> None:
    facts = merged(
        (A, entities(Entity("person", at("Bob")), Entity("place", at("Rome", 1)))),
        (B, entities(Entity("person", at("Bob", 2)), Entity("city", at("Rome", 1)))),
    )
    assert facts == entities(Entity("person", at("Bob")), Entity("city", at("Rome", 1)), Entity("place", at("Rome", 1)),
                             Entity("person", at("Bob", 2)))


def test_an_entity_seen_in_part_gives_way_to_the_whole() -> None:
    cut_off, rest = Window(0, 43), Window(21, 71)
    old, whole = at("Old"), at("Old York")
    assert merged((cut_off, entities(Entity("place", old))), (rest, entities(Entity("place", whole)))) == entities(
        Entity("place", whole))
    # Another type is no reason to keep it: the window that saw it whole did not state it.
    assert merged((cut_off, entities(Entity("age", old))), (rest, entities(Entity("place", whole)))) == entities(
        Entity("place", whole))
    # Who saw the longer one and still states the short one means it.
    both = entities(Entity("age", old), Entity("place", whole))
    assert merged((cut_off, entities(Entity("age", old))), (rest, both)) == both
    assert merged((A, entities(Entity("age", old))), (rest, entities(Entity("place", whole)))) == both


def test_relations_across_a_border_are_kept_whoever_shows_them() -> None:
    in_rome = Relation("in", at("Bob"), at("Rome"), confidence=0.8)
    left = Relation("left", at("Bob", 1), at("Rome", 1))
    assert merged((A, Facts(relations=(in_rome,))), (B, Facts(relations=(left,)))).relations == (in_rome, left)
    assert merged((A, Facts(relations=(left,))), (B, Facts(relations=(left,)))).relations == (left,)
    # Equal words at other places are another fact, unless one of them has no place.
    elsewhere = Relation("in", at("Bob", 1), at("Rome", 1))
    nowhere = Relation("in", Span("Bob"), Span("Rome"))
    half = Relation("in", at("Bob"), Span("Rome"))
    assert merged((A, Facts(relations=(in_rome, half))), (B, Facts(relations=(elsewhere, nowhere)))).relations == (
        in_rome, elsewhere)
    # Types of the ends are part of what is stated.
    typed = Relation("in", at("Bob"), at("Rome"), "person", "place")
    assert len(merged((A, Facts(relations=(in_rome,))), (A, Facts(relations=(typed,)))).relations) == 2


def test_a_relation_with_an_end_seen_in_part_gives_way() -> None:
    cut_off = Window(0, 43)
    part = Relation("to", at("Bob", 1), at("Old"))
    whole = Relation("to", at("Bob", 1), at("Old York"))
    assert merged((cut_off, Facts(relations=(part,))), (B, Facts(relations=(whole,)))).relations == (whole,)
    # Alone it stays: rather a short mention than none.
    other = entities(Entity("place", at("Old York")))
    assert merged((cut_off, Facts(relations=(part,))), (B, other)).relations == (part,)


def test_mentions_without_a_place_are_told_apart_by_their_words() -> None:
    eve, adam = Entity("person", Span("Eve")), Entity("person", Span("Adam"))
    assert merged((A, entities(eve)), (B, entities(eve, adam))).entities == (adam, eve)
    assert merged((A, entities(Entity("person", Span("Ada")))), (B, entities(Entity("person", at("Ada"))))) == entities(
        Entity("person", at("Ada")))


def test_events_of_one_trigger_unite_their_arguments() -> None:
    who, whence = Argument("who", at("Bob", 1), 0.5), Argument("whence", at("Rome", 1), 0.7)
    whither = Argument("whither", at("Old York"), 0.6)
    left = at("left")
    found = merged(
        (A, Facts(events=(Event("leave", left, (who, whence), 0.3),))),
        (B, Facts(events=(Event("leave", left, (who, whither), 0.8),))),
    )
    assert found.events == (Event("leave", left, (who, whence, whither), 0.8),)
    # Two events of one trigger in one window are two; each finds its like in the other window.
    two = (Event("leave", left, (who,)), Event("leave", left, (whence,)))
    again = (Event("leave", left, (whence, whither)), Event("leave", left, (who,)))
    assert merged((A, Facts(events=two)), (B, Facts(events=again))).events == (
        Event("leave", left, (who,)), Event("leave", left, (whence, whither)))
    assert len(merged((A, Facts(events=(Event("leave", left),))), (B, Facts(events=(Event("go", left),)))).events) == 2


def test_an_event_whose_trigger_has_no_place_joins_the_one_that_has() -> None:
    placed = Event("leave", at("left"), (Argument("who", at("Bob", 1)),))
    loose = Event("leave", Span("left"), (Argument("whence", at("Rome", 1)),))
    found = merged((A, Facts(events=(loose,))), (B, Facts(events=(placed,))))
    assert found.events == (Event("leave", at("left"), (*placed.arguments, *loose.arguments)),)


def test_events_without_trigger_unite_where_one_says_all_the_other_says() -> None:
    who, whence = Argument("who", at("Bob", 1)), Argument("whence", at("Rome", 1))
    small, large = Event("leave", None, (who,)), Event("leave", None, (who, whence))
    other = Event("leave", None, (Argument("who", at("Bob", 2)),))
    assert merged((A, Facts(events=(small,))), (B, Facts(events=(large, other)))).events == (large, other)
    assert len(merged((A, Facts(events=(small, other))),).events) == 2
    # Windows that share nothing tell of different events.
    far = Window(71, 90)
    none = Event("leave", None, (Argument("who", Span("Eve")),))
    more = Event("leave", None, (*none.arguments, Argument("whence", at("Rome", 2))))
    assert len(merged((Window(0, 20), Facts(events=(none,))), (far, Facts(events=(more,)))).events) == 2
    assert merged((Window(0, 20), Facts(events=(none,))), (far, Facts(events=(none,)))).events == (none,)


def test_an_event_is_not_stated_again_by_the_window_that_did_not_see_its_trigger() -> None:
    text = "Rome was left by Bob. He had lived there."
    trigger, who = at("left", source=text), Argument("who", at("Bob", source=text))
    whole, tail = Event("leave", trigger, (who,)), Event("leave", None, (who,))
    first, second = Window(0, 41), Window(14, 41)
    assert merged((first, Facts(events=(whole,))), (second, Facts(events=(tail,))), text=text).events == (whole,)
    # Who saw the word and did not take it for the trigger tells of another event.
    assert len(merged((first, Facts(events=(whole,))), (first, Facts(events=(tail,))), text=text).events) == 2


def test_places_must_be_those_of_the_document() -> None:
    with pytest.raises(ValueError, match="places must be those of the document"):
        merge_windows([(B, entities(Entity("person", Span("Bob", 0, 3))))], TEXT)


@st.composite
def told(draw: st.DrawFn) -> tuple[str, Facts, list[Window]]:
    """A text, facts in it, and windows of it."""
    text = draw(st.lists(st.sampled_from(["Ada saw Bob. ", "他来了。", "A b, c. ", "Rome"]), min_size=1, max_size=12)
                .map("".join))
    starts = st.integers(0, len(text) - 1)

    def span() -> Span:
        start = draw(starts)
        end = draw(st.integers(start + 1, min(len(text), start + 6)))
        return Span(text[start:end], start, end) if draw(st.integers(0, 5)) else Span(text[start:end])

    few, label = st.integers(0, 4), st.sampled_from(["x", "y"])
    sure = st.sampled_from([None, 0.25, 0.5])
    facts = Facts(
        tuple(Entity(draw(label), span(), draw(sure)) for _ in range(draw(few))),
        tuple(Relation(draw(label), span(), span(), confidence=draw(sure)) for _ in range(draw(few))),
        tuple(Event(draw(label), span() if draw(st.booleans()) else None,
                    tuple(Argument(draw(label), span()) for _ in range(draw(few)))) for _ in range(draw(few))),
    )
    return text, facts, cut(text, draw(st.integers(4, 60)), len, draw(st.integers(0, 2)))


def within(span: Span, window: Window) -> bool:
    return span.offsets is None or (window.start <= span.offsets[0] and span.offsets[1] <= window.end)


def seen(facts: Facts, window: Window) -> Facts:
    """What a perfect reader of a window states."""
    return Facts(
        tuple(e for e in facts.entities if within(e.span, window)),
        tuple(r for r in facts.relations if within(r.head, window) and within(r.tail, window)),
        tuple(e for e in facts.events if all(within(s, window) for s in Facts(events=(e,)).spans())),
    )


def keys(facts: Facts) -> set[object]:
    out: set[object] = {("entity", e.type, e.span) for e in facts.entities}
    out |= {("relation", r.type, r.head, r.tail) for r in facts.relations}
    return out | {("argument", e.type, e.trigger, a.role, a.span) for e in facts.events for a in e.arguments}


@given(told())
def test_what_windows_see_is_kept_once_and_nothing_is_made_up(case: tuple[str, Facts, list[Window]]) -> None:
    text, facts, windows = case
    parts = [(w, seen(facts, w)) for w in windows]
    found = merge_windows(parts, text)
    stated = sum((f for _, f in parts), Facts())
    assert {s.text for s in found.spans()} <= {s.text for s in stated.spans()}
    assert in_text_order(found) == found
    assert merge_windows(parts[::-1], text) == found
    assert len(found.entities) == len({(e.type, e.span) for e in found.entities})
    assert len(found.relations) == len({(r.type, r.head, r.tail) for r in found.relations})
    for span in found.spans():
        assert span.offsets is None or text[span.start : span.end] == span.text
    # Merged anew, as one window that saw everything, it stays the same.
    assert merge_windows([(Window(0, len(text)), found)], text) == found
    if len(windows) == 1:
        with_place = {(k[0], *(str(x) for x in k[1:])) for k in keys(facts)}  # type: ignore[index]
        assert {(k[0], *(str(x) for x in k[1:])) for k in keys(found)} <= with_place  # type: ignore[index]


@given(told())
def test_grounded_facts_that_a_window_holds_whole_are_found(case: tuple[str, Facts, list[Window]]) -> None:
    text, facts, windows = case
    facts = Facts(tuple(e for e in facts.entities if e.span.grounded),
                  tuple(r for r in facts.relations if r.head.grounded and r.tail.grounded))
    parts = [(w, seen(facts, w)) for w in windows]
    found = merge_windows(parts, text)
    whole = {e.span.offsets for _, f in parts for e in f.entities if e.span.offsets}
    for _, part in parts:
        for e in part.entities:
            longer = [p for p in whole if p[0] < (e.span.end or 0) and (e.span.start or 0) < p[1]
                      and p[1] - p[0] > len(e.span.text)]
            assert longer or any((f.type, f.span) == (e.type, e.span) for f in found.entities)
        if not any(len(s.text) > len(m.text) and (s.start or 0) < (m.end or 0) and (m.start or 0) < (s.end or 0)
                   for s in facts.spans() for m in facts.spans()):
            assert {(r.type, r.head, r.tail) for r in part.relations} <= {
                (r.type, r.head, r.tail) for r in found.relations}


def test_many_facts_take_linear_time() -> None:
    import time

    text = "Ada met Bob in Rome. " * 4000
    windows = cut(text, 400, len)
    parts = []
    for w in windows:
        facts = [(i, Span("Ada", i, i + 3), Span("Bob", i + 8, i + 11)) for i in range(w.start, w.end, 21)]
        parts.append((w, Facts(
            tuple(Entity("person", a) for _, a, _ in facts),
            tuple(Relation("met", a, b) for _, a, b in facts),
            tuple(Event("meeting", Span("met", i + 4, i + 7), (Argument("who", a),)) for i, a, _ in facts)
            + tuple(Event("trip", None, (Argument("who", a), Argument("with", b))) for _, a, b in facts),
        )))
    began = time.process_time()
    found = merge_windows(parts, text)
    assert time.process_time() - began < 5
    assert [len(found.entities), len(found.relations), len(found.events)] == [4000, 4000, 8000]
