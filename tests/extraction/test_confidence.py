"""Each fact finds the strings that wrote it, in the answers of every task, and no answer whatever does harm."""

from __future__ import annotations

from math import exp, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.confidence import string_logprobs, strings_of, with_confidence
from iepile.jsonl import dumps
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import Item, get_task


def counted(answer: str) -> list[float]:
    """A log-probability for each string: -0.1 for the first, -0.2 for the second, ..."""
    return [-0.1 * (n + 1) for n, _ in enumerate(strings_of(answer))]


def read(task: str, items: list[Item], answer: str) -> Facts:
    return with_confidence(get_task(task).parse(answer, items).facts, answer, counted(answer))


def near(value: float | None, *numbers: int) -> bool:
    return value is not None and isclose(value, exp(-0.1 * sum(numbers)))


def test_strings_and_their_tokens() -> None:
    answer = '{"a": ["x\\"y", "z"]}'
    assert [answer[a:b] for a, b in strings_of(answer)] == ['"a"', '"x\\"y"', '"z"']
    ends = [1, 4, 5, 8, 12, 16, 18, 20]  # {|"a"|:| ["|x\"y|", "|z"|]}
    assert string_logprobs(answer, ends, [-1, -2, -4, -8, -16, -32, -64, -128]) == (-2, -56, -96)
    assert string_logprobs("{}", [2], [-1.0]) == ()


def test_entities() -> None:
    facts = read("NER", [Item("person"), Item("place")], '{"person": ["Ada", "Bob", "Ada"], "place": ["Ada"]}')
    assert [near(e.confidence, n) for e, n in zip(facts.entities, (2, 3, 4, 6), strict=True)] == [True] * 4


def test_relations() -> None:
    answer = dumps({"met": [{"subject": "Ada", "object": "Bob"}, {"subject": "Bob", "object": "Bob"}],
                    "saw": [{"subject": "Ada", "object": "Bob"}]})
    met, self_, saw = read("RE", [Item("met"), Item("saw")], answer).relations
    assert near(met.confidence, 3, 5) and near(self_.confidence, 7, 9) and near(saw.confidence, 12, 14)
    old = '{"met": [{"head": "subject", "tail": "tail"}]}'
    assert near(read("RE", [Item("met")], old).relations[0].confidence, 3, 5)
    spo = [Item("p_met_q", about=("p", "met", "q"))]
    assert near(read("SPO", spo, '{"met": [{"subject": "Ada", "object": "Bob"}]}').relations[0].confidence, 3, 5)


def test_heads_that_are_keys() -> None:
    answer = dumps({"person": {"Ada": {"spouse": "Bob", "alias": ["A.", "Ada"]}, "Bob": {"spouse": "Ada"}}})
    facts = read("KG", [Item("person", ("spouse", "alias"))], answer)
    assert [near(r.confidence, *n) for r, n in zip(
        facts.relations, ((2, 4), (2, 6), (2, 7), (8, 10)), strict=True)] == [True] * 4


def test_events_and_arguments() -> None:
    answer = dumps({"leave": [
        {"trigger": "left", "arguments": {"who": "left", "whence": ["Rome", "Old York"]}},
        {"trigger": "left", "arguments": {"who": "NAN", "whence": "Rome"}},
        {"trigger": "NAN", "arguments": {"who": "Ada", "whence": "NAN"}},
        {"trigger": "went", "arguments": {}},
    ]})
    one, two, three, four = read("EE", [Item("leave", ("who", "whence"))], answer).events
    assert near(one.confidence, 3) and near(two.confidence, 11) and near(three.confidence, 18)
    assert near(four.confidence, 25)
    assert [near(a.confidence, n) for a, n in zip(one.arguments, (6, 8, 9), strict=True)] == [True] * 3
    assert near(two.arguments[0].confidence, 16) and near(three.arguments[0].confidence, 21)


def test_triggers_alone_and_arguments_alone() -> None:
    triggers = read("EET", [Item("leave")], '{"leave": ["left", "went"]}').events
    assert near(triggers[0].confidence, 2) and near(triggers[1].confidence, 3)
    flat = '{"leave": [{"who": "Ada", "whence": "NAN"}]}'
    (event,) = read("EEA", [Item("leave", ("who", "whence"), ("left",))], flat).events
    assert near(event.arguments[0].confidence, 3) and event.confidence == event.arguments[0].confidence


def test_facts_that_have_a_confidence_keep_it() -> None:
    facts = Facts((Entity("person", Span("Ada"), 0.25), Entity("person", Span("Bob"))))
    found = with_confidence(facts, '{"person": ["Ada", "Bob"]}', (0.0, -1.0, -2.0)).entities
    assert found[0].confidence == 0.25 and found[1].confidence == exp(-2.0)


@pytest.mark.parametrize(("answer", "logprobs"), [
    ('```json\n{"person": ["Ada"]}\n```', (0.0, -1.0)), ('{"person": ["Ada"', (0.0, -1.0)), ('["Ada"]', (-1.0,)),
    ('{"person": ["Ada"]}', (0.0,)), ('{"person": ["Ada"]}', None), ('{"place": ["Ada"]}', (0.0, -1.0)), ("", ()),
])
def test_what_cannot_be_told_is_none(answer: str, logprobs: tuple[float, ...] | None) -> None:
    facts = Facts((Entity("person", Span("Ada")),), (Relation("met", Span("Ada"), Span("Ada")),),
                  (Event("leave", Span("Ada"), (Argument("who", Span("Ada")),)),))
    found = with_confidence(facts, answer, logprobs)
    assert found.relations[0].confidence is None and found.events == facts.events
    assert (found.entities[0].confidence is None) == (answer != '{"person": ["Ada"]}' or logprobs != (0.0, -1.0))


MENTION = st.sampled_from(["Ada", "Bob", "left", "京\"海", "subject", "trigger", "x"])
ONE_OR_MORE = MENTION | st.lists(MENTION, min_size=2, max_size=3, unique=True)
LABELS = ("x", "trigger", "左\\")
ROLES = ("who", "x", "subject")
ANSWERS = {
    "NER": st.lists(MENTION, max_size=4),
    "EET": st.lists(MENTION, max_size=4),
    "RE": st.lists(st.fixed_dictionaries({"subject": MENTION, "object": MENTION}), max_size=4),
    "KG": st.dictionaries(MENTION, st.dictionaries(st.sampled_from(ROLES), ONE_OR_MORE), max_size=3),
    "EE": st.lists(st.fixed_dictionaries({
        "trigger": MENTION | st.just("NAN"),
        "arguments": st.dictionaries(st.sampled_from(ROLES), ONE_OR_MORE | st.just("NAN")),
    }), max_size=3),
}


def weight(text: str) -> float:
    return -(sum(map(ord, text)) % 89 + 1) / 40


@pytest.mark.parametrize("task", ANSWERS)
@given(data=st.data())
def test_every_fact_of_a_valid_answer_has_the_weight_of_its_words(task: str, data: st.DataObject) -> None:
    # A string's probability is that of its words here, so whichever of equal strings is taken, the sum is known.
    items = [Item(label, ROLES if task in ("KG", "EE") else ()) for label in LABELS]
    answer = dumps({label: data.draw(ANSWERS[task]) for label in LABELS})
    import json

    logprobs = [weight(json.loads(answer[a:b])) for a, b in strings_of(answer)]
    facts = with_confidence(get_task(task).parse(answer, items).facts, answer, logprobs)
    for e in facts.entities:
        assert e.confidence == exp(weight(e.span.text))
    for r in facts.relations:
        assert r.confidence is not None and isclose(r.confidence, exp(weight(r.head.text) + weight(r.tail.text)))
    for event in facts.events:
        assert event.confidence == exp(weight("NAN" if event.trigger is None else event.trigger.text))
        for a in event.arguments:
            assert a.confidence == exp(weight(a.span.text))


@given(st.text('{}[]",:\\ aN', max_size=40))
def test_no_answer_does_harm(answer: str) -> None:
    for task in ANSWERS:
        items = [Item("a", ("a",))]
        facts = get_task(task).parse(answer, items).facts
        found = with_confidence(facts, answer, [-1.0] * len(strings_of(answer)))
        assert found.spans() == facts.spans()
