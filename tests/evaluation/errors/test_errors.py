"""Every wrong fact has one class: examples of each, and what holds for any facts at all."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from iepile.evaluation.errors.errors import ERROR_CLASSES, FactError, errors_of, named
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.judged import judged
from iepile.evaluation.pairing import pairs
from iepile.jsonl import write_rows
from iepile.records import Entity, Event, Facts, Relation, Span
from iepile.tasks.matching import MATCHES, Match
from iepile.tasks.task import Item
from judged_texts import FACTS, TASKS, TEXT, entity, event, judged_facts, relation, text_of


def short(errors: list[FactError]) -> list[tuple[Any, ...]]:
    """Class, and the words of the gold and of the answered fact."""
    def words(side: Any) -> Any:
        return None if side is None else " ".join(p.text for p in side)

    return [(e.kind, words(e.gold), words(e.answered)) for e in errors]


ENTITIES: list[tuple[list[Entity], list[Entity], list[tuple[Any, ...]]]] = [
    ([entity("person", "Bob")], [entity("city", "Bob")], [("wrong label", "Bob", "Bob")]),
    ([entity("city", "New York City")], [entity("city", "New York")], [("boundary", "New York City", "New York")]),
    ([entity("city", "New York City")], [entity("state", "York City.")],
     [("boundary and label", "New York City", "York City.")]),
    ([entity("person", "Bob")], [entity("person", "Bob")] * 2, [("duplicate", None, "Bob")]),
    ([], [entity("person", "Carl")], [("not in text", None, "Carl")]),
    ([entity("person", "Ada Byron")], [entity("person", "Ada Biron")], [("not in text", "Ada Byron", "Ada Biron")]),
    ([entity("person", "Bob")], [entity("person", "Zoe")], [("missing", "Bob", None), ("not in text", None, "Zoe")]),
    ([], [entity("person", "left")], [("spurious", None, "left")]),
    ([entity("person", "Bob")], [], [("missing", "Bob", None)]),
    ([entity("person", "Bob")], [entity("person", "Bob"), entity("city", "Bob")], [("extra label", None, "Bob")]),
    # Far apart are two errors, whatever their labels.
    ([entity("person", "Bob")], [entity("person", "Ada")], [("spurious", None, "Ada"), ("missing", "Bob", None)]),
    # The nearest first: the same words of another label before other borders of the same label.
    ([entity("person", "Ada Byron"), entity("city", "Ada")], [entity("person", "Ada")],
     [("wrong label", "Ada", "Ada"), ("missing", "Ada Byron", None)]),
    # Inside a word is no place of its own.
    ([entity("person", "Ada Byron")], [entity("person", "on")], [("boundary", "Ada Byron", "on")]),
]


@pytest.mark.parametrize(("gold", "answered", "expected"), ENTITIES)
def test_entities(gold: list[Entity], answered: list[Entity], expected: list[tuple[Any, ...]]) -> None:
    text = text_of("NER", Facts(tuple(gold)), Facts(tuple(answered)))
    assert short(errors_of(text, "string", distinct=False)) == expected


@pytest.mark.parametrize(("answered", "expected"), [
    (relation("met", "Bob", "Ada Byron"), ("wrong direction", "Ada Byron Bob", "Bob Ada Byron")),
    (relation("saw", "Ada Byron", "Bob"), ("wrong label", "Ada Byron Bob", "Ada Byron Bob")),
    (relation("saw", "Bob", "Ada Byron"), ("label and direction", "Ada Byron Bob", "Bob Ada Byron")),
    (relation("met", "Ada", "Bob"), ("boundary", "Ada Byron Bob", "Ada Bob")),
    (relation("saw", "Byron", "Bob"), ("boundary and label", "Ada Byron Bob", "Byron Bob")),
    (relation("met", "New York", "Bob"), ("wrong head", "Ada Byron Bob", "New York Bob")),
    (relation("met", "Ada Byron", "left"), ("wrong tail", "Ada Byron Bob", "Ada Byron left")),
    (relation("met", "Ada Byron", "Carl"), ("not in text", "Ada Byron Bob", "Ada Byron Carl")),
])
@pytest.mark.parametrize("task", ["RE", "KG", "SPO"])
def test_relations(task: str, answered: Relation, expected: tuple[Any, ...]) -> None:
    text = text_of(task, Facts(relations=(relation("met", "Ada Byron", "Bob"),)), Facts(relations=(answered,)))
    assert short(errors_of(text, "string", distinct=False)) == [expected]


def test_relations_with_nothing_in_common_are_two_errors() -> None:
    text = text_of("RE", Facts(relations=(relation("met", "Ada Byron", "Bob"),)),
                   Facts(relations=(relation("met", "left", "New York"), relation("saw", "left", "Bob"))))
    assert [e.kind for e in errors_of(text, "string", distinct=False)] == ["missing", "spurious", "spurious"]


def of_event(task: str, gold: list[Event], answered: list[Event], group: str) -> list[tuple[Any, ...]]:
    text = text_of(task, Facts(events=tuple(gold)), Facts(events=tuple(answered)))
    return short([e for e in errors_of(text, "string", distinct=False) if e.group == group])


def test_triggers() -> None:
    met = [event("meet", "met")]
    for task, group in (("EE", "event"), ("EET", "trigger")):
        assert of_event(task, met, [event("leave", "met")], group) == [("wrong label", "met", "met")]
        assert of_event(task, met, [event("meet", "met Bob")], group) == [("boundary", "met", "met Bob")]
        assert of_event(task, met, [event("meet", "left")], group) == [("wrong trigger", "met", "left")]
        assert of_event(task, met, [event("meet", "parted")], group) == [("not in text", "met", "parted")]
        assert of_event(task, met, [event("leave", "left")], group) == [
            ("missing", "met", None), ("spurious", None, "left")]
    who = ("who", "Bob")
    assert of_event("EE", [event("meet", None, who)], [event("meet", "met", who)], "event") == [
        ("wrong trigger", "", "met")]
    assert of_event("EE", [event("meet", None, who)], [event("leave", None, who)], "event") == [
        ("wrong label", "", "")]


@pytest.mark.parametrize("task", ["EE", "EEA"])
def test_arguments(task: str) -> None:
    gold = [event("meet", "met", ("who", "Ada Byron"), ("place", "New York City")), event("leave", "left")]

    def of(*answered: Event) -> list[tuple[Any, ...]]:
        return [x for x in of_event(task, gold, list(answered), "argument") if x[1:] != ("New York City", None)]

    assert of(event("meet", "met", ("whom", "Ada Byron"))) == [("wrong role", "Ada Byron", "Ada Byron")]
    assert of(event("leave", "left", ("who", "Ada Byron"))) == [("wrong argument owner", "Ada Byron", "Ada Byron")]
    assert of(event("leave", "met", ("who", "Ada Byron"))) == [("wrong label", "Ada Byron", "Ada Byron")]
    assert of(event("meet", "met", ("who", "Ada"))) == [("boundary", "Ada Byron", "Ada")]
    assert of(event("meet", "met", ("whom", "Ada"))) == [("boundary and role", "Ada Byron", "Ada")]
    assert of(event("meet", "met", ("who", "Bob"))) == [("wrong filler", "Ada Byron", "Bob")]
    assert of(event("meet", "met", ("who", "Carl"))) == [("not in text", "Ada Byron", "Carl")]
    assert of(event("meet", "met", ("when", "left"))) == [("missing", "Ada Byron", None), ("spurious", None, "left")]
    error, = errors_of(text_of(task, Facts(events=tuple(gold[:1])), Facts(events=(
        event("meet", "met", ("whom", "Ada Byron"), ("place", "New York City")),))), "string", distinct=False)
    assert error.role == "who" and error.names == ("meet|who", "meet|whom") and error.answered is not None
    assert error.answered[0].name == "whom"


def test_a_mention_in_one_role_too_many() -> None:
    gold = [event("meet", "met", ("who", "Ada Byron")), event("leave", "left")]
    told = [event("meet", "met", ("who", "Ada Byron"), ("whom", "Ada Byron")), event("leave", "left", ("who", "Bob"))]
    assert of_event("EE", gold, told, "argument") == [("extra role", None, "Ada Byron"), ("spurious", None, "Bob")]


def test_arguments_of_an_event_that_the_other_side_lacks() -> None:
    gold = [event("meet", "met", ("who", "Ada Byron")), event("leave", "left")]
    told = [event("move", "left", ("to", "New York City")), event("leave", "left", ("when", "met"))]
    assert of_event("EE", gold, told, "argument") == [
        ("missing event", "Ada Byron", None), ("spurious", None, "met"), ("spurious event", None, "New York City")]
    assert of_event("EEA", gold, told, "argument") == [
        ("missing", "Ada Byron", None), ("spurious", None, "met"), ("spurious", None, "New York City")]


def test_an_argument_that_two_owners_missed_goes_to_its_own() -> None:
    gold = [event("meet", "met", ("who", "Bob")), event("leave", "left", ("who", "Bob"))]
    text = text_of("EE", Facts(events=tuple(gold)), Facts(events=(
        event("meet", "met", ("whom", "Bob")), event("leave", "left", ("whom", "Bob")))))
    found = errors_of(text, "string", distinct=False)
    assert [(e.kind, e.label, e.answered_label) for e in found] == [
        ("wrong role", "leave", "leave"), ("wrong role", "meet", "meet")]


def test_by_place() -> None:
    first, second = entity("person", "Bob"), entity("person", "Bob", 1)
    text = text_of("NER", Facts((first,)), Facts((second,)))
    assert short(errors_of(text, "string", False)) == []
    wrong, = errors_of(text, "offset", False)
    assert wrong.kind == "wrong place" and wrong.gold is not None and wrong.gold[0].start == 14
    assert [e.kind for e in errors_of(text, "overlap", False)] == ["wrong place"]
    unplaced = text_of("NER", Facts((first,)), Facts((Entity("person", Span("Bob")),)))
    assert [e.kind for e in errors_of(unplaced, "offset", False)] == ["wrong place"]
    part = text_of("NER", Facts((entity("city", "New York City"),)),
                   Facts((entity("city", "New York"), entity("city", "City"))))
    assert [e.kind for e in errors_of(part, "offset", False)] == ["boundary", "spurious"]
    assert [e.kind for e in errors_of(part, "overlap", False)] == ["duplicate"]


def test_loose_ways_to_compare_find_words_loosely() -> None:
    text = text_of("NER", Facts((entity("city", "New York City"),)), Facts((Entity("city", Span("ＮＥＷ york")),)))
    assert [e.kind for e in errors_of(text, "string", False)] == ["not in text"]
    assert [e.kind for e in errors_of(text, "normalised", False)] == ["boundary"]
    assert errors_of(text_of("NER", Facts((entity("city", "New York City"),)), Facts((entity("city", "City"),))),
                     "head", False) == []


def test_why_nobody_answered(tmp_path: Path) -> None:
    """From rows: what was not asked, failed, could not be read or was cut short is told as such."""
    label = [{"entity": "Ada", "entity_type": x} for x in ("a", "b", "c", "d", "e")]
    write_rows(tmp_path / "p.json", [
        {"id": "1", "task": "NER", "label": json.dumps(label), "output": output, "finish": finish,
         "instruction": json.dumps({"instruction": "x", "schema": [asked], "input": "Ada"})}
        for asked, output, finish in [
            ("a", '{"a": []}', "stop"), ("b", "no json", "stop"), ("c", '{"c": [', "length"), ("d", None, "error"),
        ]
    ])
    reader = RecordReader("NER", detail=True)
    text, = judged(reader, str(tmp_path / "p.json"))
    assert [(e.label, e.kind, e.line) for e in errors_of(text, "string", False)] == [
        ("a", "missing", 1), ("b", "invalid answer", 2), ("c", "cut off", 3), ("d", "failed", 4),
        ("e", "label not asked", 1)]


def test_a_role_that_was_not_asked() -> None:
    gold = Facts(events=(event("meet", "met", ("who", "Ada Byron"), ("place", "New York City")),))
    text = text_of("EE", gold, Facts(events=(event("meet", "met"),)), (Item("meet", ("who",)),))
    assert [(e.kind, e.role) for e in errors_of(text, "string", False)] == [
        ("missing", "who"), ("label not asked", "place")]


@given(FACTS, FACTS, st.sampled_from(TASKS), st.sampled_from(MATCHES), st.booleans())
def test_every_wrong_fact_has_one_class(gold: Facts, answered: Facts, task: str, match: Match, distinct: bool) -> None:
    text = judged_facts(task, gold, answered, match)
    found = errors_of(text, match, distinct)
    for group in text.task.groups:
        mine = [e for e in found if e.group == group]
        answered_keys, gold_keys = text.keys(group, match, distinct)
        partner = pairs(answered_keys, gold_keys, match)
        wrong = Counter(a[0] for a, g in zip(answered_keys, partner, strict=True) if g is None)
        missed = Counter(g[0] for n, g in enumerate(gold_keys) if n not in partner)
        assert Counter(e.answered_label for e in mine if e.answered is not None) == wrong
        assert Counter(e.label for e in mine if e.gold is not None) == missed
    for e in found:
        assert e.kind in ERROR_CLASSES and e.line == 7 and (e.gold is not None or e.answered is not None)
        if e.gold is None or e.answered is None:
            assert e.kind in ("duplicate", "extra label", "extra role", "spurious", "spurious event", "not in text",
                              "missing", "missing event")
        else:
            assert e.kind not in ("duplicate", "spurious", "spurious event", "missing", "missing event")
            same = e.names[0] == e.names[1]
            assert ("label" in e.kind or "role" in e.kind or "owner" in e.kind) == (not same)
        for p in (*(e.gold or ()), *(e.answered or ())):
            if p.start is not None and match not in ("normalised", "head"):
                assert TEXT[p.start : p.end] == p.text


@given(FACTS, FACTS, st.sampled_from(TASKS), st.sampled_from(MATCHES), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(gold: Facts, answered: Facts, task: str, match: Match, by: Any) -> None:
    def shuffled(facts: Facts) -> Facts:
        events = [replace(e, arguments=tuple(by.sample(e.arguments, len(e.arguments)))) for e in facts.events]
        return Facts(*(tuple(by.sample(x, len(x))) for x in (facts.entities, facts.relations, events)))

    text = text_of(task, gold, answered)
    other = replace(text, gold=shuffled(gold), answered=shuffled(answered))
    found, again = errors_of(text, match, False), errors_of(other, match, False)
    if match == "overlap":  # which of several overlapping answers is right is settled by their order, not how many
        def sides(errors: list[FactError]) -> Counter[Any]:
            return Counter((e.group, n) for e in errors for n, x in enumerate((e.gold, e.answered)) if x is not None)

        assert sides(found) == sides(again)
    else:
        assert found == again


@given(FACTS, FACTS, st.sampled_from(TASKS), st.sampled_from(MATCHES))
def test_the_quick_look_passes_over_no_pair(gold: Facts, answered: Facts, task: str, match: Match) -> None:
    text = text_of(task, gold, answered)
    found = errors_of(text, match, False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("iepile.evaluation.errors.errors._worth", lambda *_: True)
        assert errors_of(text, match, False) == found


def test_names_of_arguments_hold_their_role() -> None:
    assert named("meet", "who") == "meet|who" and named("meet", "") == "meet"
