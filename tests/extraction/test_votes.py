"""What enough label orders state is kept, with its support; further passes add and take nothing away."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.grounding import ground
from iepile.extraction.votes import unite, vote
from iepile.records import Argument, Entity, Event, Facts, Relation, Span

TEXT = "Ada met Bob in Rome. Bob left Rome, and Ada left Bob."


def e(text: str, start: int | None = None, kind: str = "person", confidence: float | None = None) -> Entity:
    return Entity(kind, span(text, start), confidence)


def span(text: str, start: int | None = None) -> Span:
    return Span(text) if start is None else Span(text, start, start + len(text))


def said(facts: Facts) -> list[tuple[str, str, float | None]]:
    return [(x.type, x.span.text, x.support) for x in facts.entities]


def test_support_is_the_share_of_answers_and_half_is_enough() -> None:
    answers = [Facts((e("Ada", 0), e("Bob", 8))), Facts((e("Ada", 0), e("Rome", 15))),
               Facts((e("Ada", 0), e("Bob", 8))), Facts((e("Ada", 0),))]
    assert said(vote(answers)) == [("person", "Ada", 1.0), ("person", "Bob", 0.5)]
    assert said(vote(answers, 0.75)) == [("person", "Ada", 1.0)]
    assert said(vote(answers, 0.0)) == [("person", "Ada", 1.0), ("person", "Bob", 0.5), ("person", "Rome", 0.25)]
    assert said(vote(answers[:1])) == [("person", "Ada", 1.0), ("person", "Bob", 1.0)]
    assert vote([Facts(), Facts()]) == Facts()


def test_confidence_is_the_mean_of_those_that_state_it() -> None:
    answers = [Facts((e("Ada", 0, confidence=0.5),)), Facts((e("Ada", 0, confidence=1.0),)), Facts((e("Ada", 0),)),
               Facts()]
    assert vote(answers).entities == (Entity("person", span("Ada", 0), 0.75, 0.75),)


def test_the_same_word_under_two_types_is_no_matter_of_order() -> None:
    # Grounding gives the first type that an answer names the first place of the word, the second the second.
    one = ground(Facts((e("Bob", kind="x"), e("Bob", kind="y"))), TEXT).facts
    two = ground(Facts((e("Bob", kind="y"), e("Bob", kind="x"))), TEXT).facts
    assert one != two
    found = vote([one, two])
    assert [(x.type, x.support) for x in found.entities] == [("x", 1.0), ("y", 1.0)]
    assert {x.span.start for x in found.entities} == {8}
    assert [x.span.start for x in vote([one, one, two]).entities] == [8, 21]


def test_a_word_named_twice_is_two_facts() -> None:
    twice = Facts((e("Bob", 8), e("Bob", 21)))
    found = vote([twice, twice, Facts((e("Bob", 21),))])
    assert [(x.span.start, x.support) for x in found.entities] == [(8, 2 / 3), (21, 1.0)]


def test_relations_are_told_apart_by_type_ends_and_their_types() -> None:
    met = Relation("met", span("Ada", 0), span("Bob", 8))
    back = Relation("met", span("Bob", 8), span("Ada", 0))
    typed = Relation("met", span("Ada", 0), span("Bob", 8), "person", "person")
    found = vote([Facts(relations=(met, back)), Facts(relations=(met,)), Facts(relations=(met, typed))], 0.3)
    assert [(r.head.text, r.head_type, r.support) for r in found.relations] == [
        ("Ada", None, 1.0), ("Ada", "person", 1 / 3), ("Bob", None, 1 / 3)]


def test_arguments_are_voted_on_by_themselves() -> None:
    who, whence, wrong = Argument("who", span("Bob", 21)), Argument("whence", span("Rome", 30)), Argument(
        "when", span("Rome", 15))
    left = span("left", 25)
    answers = [Facts(events=(Event("leave", left, (who, whence), 0.8),)),
               Facts(events=(Event("leave", left, (who, wrong), 0.4),)),
               Facts(events=(Event("leave", left, (whence,)),)), Facts()]
    (event,) = vote(answers).events
    assert (event.trigger, event.support) == (left, 0.75)
    assert event.confidence is not None and abs(event.confidence - 0.6) < 1e-12
    assert [(a.role, a.support) for a in event.arguments] == [("who", 0.5), ("whence", 0.5)]


def test_events_of_one_trigger_word_find_their_like() -> None:
    bob, ada = Argument("who", span("Bob", 21)), Argument("who", span("Ada", 40))
    first, second = Event("leave", span("left", 25), (bob,)), Event("leave", span("left", 44), (ada,))
    found = vote([Facts(events=(first, second)), Facts(events=(second,)), Facts(events=(second, first))])
    assert [(v.trigger.start if v.trigger else None, v.support) for v in found.events] == [(25, 2 / 3), (44, 1.0)]


def test_events_without_trigger_are_told_apart_by_what_they_share() -> None:
    who, whence = Argument("who", span("Ada", 0)), Argument("whence", span("Rome", 30))
    whom = Argument("who", span("Eve"))
    answers = [Facts(events=(Event("leave", None, (who, whence)),)), Facts(events=(Event("leave", None, (who,)),)),
               Facts(events=(Event("leave", None, (whom,)),))]
    (event,) = vote(answers).events
    assert event.support == 2 / 3 and [a.role for a in event.arguments] == ["who"]
    # What is left of an event when no argument is sure enough is nothing.
    different = [Facts(events=(Event("leave", None, (a,)),)) for a in (who, whence, whom)]
    assert vote(different) == Facts()
    assert len(vote([Facts(events=(Event("rest"),))] * 2).events) == 1


def test_passes_add_what_the_first_did_not_state() -> None:
    first = Facts((e("Ada", 0, confidence=0.9),), (Relation("met", span("Ada", 0), span("Bob", 8)),))
    more = Facts((e("Ada met", 0), e("Bob", 8, confidence=0.4), e("Ada", 0, "place")),
                 (Relation("met", span("Ada", 0), span("Bob", 8)), Relation("met", span("Ada met", 0), span("Bob", 8)),
                  Relation("left", span("Bob", 21), span("Rome", 30))))
    found = unite([first, more, Facts((e("Bob", 8, confidence=0.6),))])
    assert [(x.type, x.span.text, x.confidence, x.support) for x in found.entities] == [
        ("person", "Ada", 0.9, 1 / 3), ("person", "Bob", 0.5, 2 / 3)]
    assert [(r.type, r.head.text, r.support) for r in found.relations] == [
        ("met", "Ada", 2 / 3), ("left", "Bob", 1 / 3)]


def test_passes_keep_the_places_and_overlaps_of_the_first() -> None:
    nested = Facts((e("Ada", 0), e("Ada met", 0, "scene")))
    found = unite([nested, Facts((e("Ada", 40),)), Facts((e("Ada", 40),))])
    assert [(x.span.text, x.span.start) for x in found.entities] == [("Ada", 0), ("Ada met", 0)]


def test_passes_add_arguments_but_no_other_piece_of_one() -> None:
    left = span("left", 25)
    first = Facts(events=(Event("leave", left, (Argument("who", span("Bob", 21)),)),))
    others = Argument("who", span("Bob left", 21)), Argument("whence", span("Rome", 30))
    more = Facts(events=(Event("leave", left, others), Event("meet", span("met", 4))))
    found = unite([first, more])
    assert [(v.type, v.support) for v in found.events] == [("meet", 0.5), ("leave", 1.0)]
    assert [(a.role, a.span.text, a.support) for a in found.events[1].arguments] == [
        ("who", "Bob", 0.5), ("whence", "Rome", 0.5)]


WORDS = ["Ada", "Bob", "Rome", "left", "Eve"]
LABEL, WORD = st.sampled_from(["x", "y"]), st.sampled_from(WORDS).map(Span)
SURE = st.sampled_from([None, 0.25, 0.5, 1.0])
ANSWER = st.builds(
    Facts,
    st.lists(st.builds(Entity, LABEL, WORD, SURE), max_size=4).map(tuple),
    st.lists(st.builds(Relation, LABEL, WORD, WORD, confidence=SURE), max_size=3).map(tuple),
    st.lists(st.builds(Event, LABEL, st.none() | WORD,
                       st.lists(st.builds(Argument, LABEL, WORD), max_size=3).map(tuple), SURE), max_size=3).map(tuple),
).map(lambda facts: ground(facts, TEXT).facts)
ANSWERS = st.lists(ANSWER, min_size=1, max_size=4)


def keys(facts: Facts) -> list[tuple[str, ...]]:
    """What scoring by characters would count."""
    out = [("entity", x.type, x.span.text) for x in facts.entities]
    return out + [("relation", r.type, r.head.text, r.tail.text) for r in facts.relations]


@given(ANSWERS, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_a_vote_does_not_depend_on_the_order_of_answers(answers: list[Facts], least: float) -> None:
    found = vote(answers, least)
    for mixed in permutations(answers):
        assert vote(list(mixed), least) == found


@given(ANSWERS, st.sampled_from([0.0, 0.5, 0.6, 1.0]))
def test_support_is_counted_right(answers: list[Facts], least: float) -> None:
    found = vote(answers, least)
    stated = [set(keys(a)) for a in answers]
    shares = {k: sum(k in s for s in stated) / len(answers) for s in stated for k in s}
    assert set(keys(found)) == {k for k, share in shares.items() if share >= least}
    for fact, key in zip((*found.entities, *found.relations), keys(found), strict=True):
        assert fact.support is not None and least <= fact.support <= shares[key]
    for event in found.events:
        assert event.support is not None and event.support >= least
        for a in event.arguments:
            assert a.support is not None and least <= a.support <= event.support
    for s in found.spans():
        assert s.offsets is None or TEXT[s.start : s.end] == s.text


@given(ANSWER, st.integers(1, 3))
def test_equal_answers_change_nothing_but_support(answer: Facts, times: int) -> None:
    once = vote([answer])
    assert vote([answer] * times) == once
    assert set(keys(once)) == set(keys(answer))
    assert {x.support for x in (*once.entities, *once.relations, *once.events)} <= {1.0}
    assert unite([answer] * times) == unite([answer])


@given(ANSWERS)
def test_the_first_pass_is_kept_whole(passes: list[Facts]) -> None:
    found = unite(passes)
    assert set(keys(passes[0])) <= set(keys(found)) <= {k for p in passes for k in keys(p)}
    first = {x.span.offsets for x in passes[0].entities if x.span.offsets}
    for x in found.entities:
        place = x.span.offsets
        assert place is None or place in first or not any(a < place[1] and place[0] < b for a, b in first)
    said_first = {(v.type, v.trigger and v.trigger.text, a.role, a.span.text)
                  for v in passes[0].events for a in v.arguments}
    assert said_first <= {(v.type, v.trigger and v.trigger.text, a.role, a.span.text)
                          for v in found.events for a in v.arguments}
