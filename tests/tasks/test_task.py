"""What a task writes it reads back, whatever the text holds; what a model breaks is read as far as it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.schema import Schema
from iepile.tasks import Item, Task, get_task, task_names
from iepile.tasks.re import RelationExtraction
from tasks.hostile import cases

TASKS = [get_task("NER"), get_task("RE"), get_task("EE"), RelationExtraction(("head", "tail")),
         *map(get_task, ("SPO", "KG", "EET", "EEA"))]
IDS = ["NER", "RE", "EE", "RE head/tail", "SPO", "KG", "EET", "EEA"]
ITEMS = {"NER": Item("label"), "RE": Item("label"), "EET": Item("label"), "EE": Item("label", ("r",)),
         "SPO": Item("a_label_b", about=("a", "label", "b")), "KG": Item("label", ("r",)),
         "EEA": Item("label", ("r",), ("t", ""))}
"""A question each, with `label` for its key."""
each_task = pytest.mark.parametrize("task", TASKS, ids=IDS)


def keys(task: Task, facts: Facts) -> Counter[tuple[str, Hashable]]:
    return Counter((group, key) for group, found in task.keys(facts).items() for key in found)


@each_task
@given(data=st.data())
def test_an_answer_reads_back_as_the_facts_it_states(task: Task, data: st.DataObject) -> None:
    text, items, facts = data.draw(cases(task))
    read = task.parse(task.answer_text(facts, items, text), items)
    assert read.problems == ()
    assert read.valid
    assert keys(task, read.facts) == keys(task, task.about(task.canonical(facts), items))


@each_task
@settings(max_examples=40)
@given(data=st.data())
def test_an_answer_cut_anywhere_states_nothing_false(task: Task, data: st.DataObject) -> None:
    text, items, facts = data.draw(cases(task))
    answer = task.answer_text(facts, items, text)
    truth = keys(task, task.about(task.canonical(facts), items))
    for end in range(len(answer)):
        read = task.parse(answer[:end], items)
        assert not read.valid
        assert keys(task, read.facts) <= truth, answer[:end]


@each_task
@given(data=st.data())
def test_a_fence_and_talk_around_an_answer_cost_nothing(task: Task, data: st.DataObject) -> None:
    text, items, facts = data.draw(cases(task))
    answer = task.answer_text(facts, items, text)
    truth = keys(task, task.about(task.canonical(facts), items))
    for wrapped in (f"```json\n{answer}\n```", f"Here it is:\n{answer}\nAnything else?", answer + "}" + answer):
        read = task.parse(wrapped, items)
        assert [p.kind for p in read.problems] == ["salvaged"]
        assert keys(task, read.facts) == truth


@each_task
@given(data=st.data(), junk=st.text(max_size=40))
def test_parse_never_raises(task: Task, data: st.DataObject, junk: str) -> None:
    text, items, facts = data.draw(cases(task))
    answer = task.answer_text(facts, items, text)
    at = data.draw(st.integers(0, len(answer)))
    read = task.parse(answer[:at] + junk + answer[at:], items)
    for span in read.facts.spans():
        span.text.encode()  # every mention can be written to a file
    task.parse(junk, items)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda x: st.lists(x, max_size=3)
    | st.dictionaries(st.sampled_from(["trigger", "arguments", "subject", "object", "r", "Ada", ""]), x, max_size=3),
    max_leaves=6,
)


@each_task
@given(value=json_like)
def test_values_of_any_form_are_read_or_reported(task: Task, value: object) -> None:
    item = ITEMS[task.name]
    read = task.parse(msgspec.json.encode({"label": value}).decode(), [item])
    assert all(isinstance(s.text, str) and s.text for s in read.facts.spans())
    form = dict if task.name == "KG" else list
    if not isinstance(value, form):
        assert [p.kind for p in read.problems] == ["wrong form"]


@each_task
@given(data=st.data())
def test_canonical_keeps_the_first_of_equals_in_order(task: Task, data: st.DataObject) -> None:
    _, _, facts = data.draw(cases(task))
    once = task.canonical(facts)
    assert task.canonical(once) == once
    assert task.canonical(facts + facts).entities == once.entities
    assert task.canonical(facts + facts).relations == once.relations
    assert set(task.positives(once)) <= set(task.positives(facts))


@each_task
@given(data=st.data(), positions=st.booleans())
def test_label_rows_read_back(task: Task, data: st.DataObject, positions: bool) -> None:
    _, _, facts = data.draw(cases(task))
    back = task.read_label_rows(task.label_rows(facts, positions))
    if positions and task.annotation != "event":
        assert back == facts
    assert keys(task, task.canonical(back)) == keys(task, task.canonical(facts))


@each_task
def test_label_rows_of_a_wrong_form(task: Task) -> None:
    for bad in ([{}], ["x"], [5], [None], 5, [{"entity": 5, "entity_type": "a"}],
                [{"head": "a", "relation": 1, "tail": "b"}], [{"event_type": None}],
                [{"event_type": "a", "event_trigger": 5}], [{"event_type": "a", "arguments": [{"role": "r"}]}],
                [{"entity": "a", "entity_type": "b", "pos": ["x", "y"]}],
                [{"head": "a", "relation": "r", "tail": "b", "head_pos": [1]}],
                [{"event_type": "a", "event_trigger": "t", "trigger_pos": [1, "2"]}]):
        with pytest.raises(InputError):
            task.read_label_rows(bad)  # type: ignore[arg-type]


@each_task
def test_questions_read_back_and_others_are_refused(task: Task) -> None:
    item = ITEMS[task.name]
    assert task.read_items([task.question(item)]) == task.read_items(task.questions([item])) == (item,)
    for bad in (5, None, ["a"], {"event_type": 5}, {"event_type": "a", "arguments": [5]}, {}):
        with pytest.raises(InputError):
            task.item(bad)


def test_values_stand_by_first_occurrence_and_ties_by_input_order() -> None:
    text = "x1 y2 z3"
    entities = Facts(entities=tuple(Entity("a", Span(m)) for m in ("z3", "no", "x1", "nowhere", "z3", "y2")))
    assert get_task("NER").value(entities, Item("a"), text) == ["no", "nowhere", "x1", "y2", "z3"]
    pairs = [("z3", "x1"), ("x1", "z3"), ("x1", "y2"), ("z3", "x1")]
    relations = Facts(relations=tuple(Relation("r", Span(h), Span(t)) for h, t in pairs))
    assert get_task("RE").value(relations, Item("r"), text) == [
        {"subject": "x1", "object": "y2"}, {"subject": "x1", "object": "z3"}, {"subject": "z3", "object": "x1"},
    ]
    arguments = tuple(Argument("r", Span(m)) for m in ("z3", "b", "x1", "a", "b"))
    events = Facts(events=(Event("e", Span("z3"), arguments), Event("e", None, arguments[:1]), Event("e", Span("x1"))))
    assert get_task("EE").value(events, Item("e", ("r", "q")), text) == [
        {"trigger": "NAN", "arguments": {"r": "z3", "q": "NAN"}},
        {"trigger": "x1", "arguments": {}},
        {"trigger": "z3", "arguments": {"r": ["b", "a", "x1", "z3"], "q": "NAN"}},
    ]


def test_canonical_order_is_that_of_first_appearance() -> None:
    a, b = Entity("t", Span("a", 0, 1)), Entity("t", Span("b", 1, 2))
    again = Entity("t", Span("a", 5, 6))
    assert get_task("NER").canonical(Facts((a, b, again))).entities == (a, b)
    r, s = Relation("t", a.span, b.span, "x"), Relation("t", b.span, a.span)
    assert get_task("RE").canonical(Facts(relations=(r, s, Relation("t", a.span, b.span)))).relations == (r, s)


def test_nan_is_nobody() -> None:
    task = get_task("EE")
    nan = Span("NAN")
    assert not task.canonical(Facts(events=(Event("e", nan, (Argument("r", nan),)), Event("e"))))
    read = task.parse('{"e": [{"trigger": "NAN", "arguments": {"r": ["NAN", "x", ""]}}]}', [Item("e", ("r",))])
    assert read.facts.events == (Event("e", None, (Argument("r", Span("x")),)),)


@pytest.mark.parametrize(
    ("answer", "events", "kinds"),
    [
        ('{"e": [{"trigger": null, "arguments": {"r": "x"}}]}', 1, ["wrong form"]),
        ('{"e": [{"trigger": "t", "arguments": ["x"]}]}', 1, ["wrong form"]),
        ('{"e": [{"trigger": 5}]}', 0, ["wrong form"]),
        ('{"e": [{"trigger": "t"}]}', 1, []),
        ('{"e": [{"trigger": "t", "arguments": {"q": "x"}}]}', 1, ["not asked"]),
        ('{"e": [{"trigger": "t", "arguments": {"r": [5, "x"]}}]}', 1, ["wrong form"]),
        ('{"e": []}', 0, []),
        ('{"f": []}', 0, ["not asked", "missing"]),
        ("{}", 0, ["missing"]),
        ("[]", 0, ["invalid"]),
        ("I cannot.", 0, ["invalid"]),
        ("", 0, ["invalid"]),
    ],
)
def test_odd_event_answers(answer: str, events: int, kinds: list[str]) -> None:
    read = get_task("EE").parse(answer, [Item("e", ("r",))])
    assert (len(read.facts.events), [p.kind for p in read.problems]) == (events, kinds)


def test_both_names_of_relation_ends_are_read() -> None:
    for answer in ('{"r": [{"subject": "a", "object": "b"}]}', '{"r": [{"head": "a", "tail": "b"}]}'):
        for task in (TASKS[1], TASKS[3]):
            read = task.parse(answer, [Item("r")])
            assert read.valid
            assert read.facts.relations == (Relation("r", Span("a"), Span("b")),)


@given(data=st.data(), size=st.integers(1, 3))
def test_events_whose_roles_were_split_are_joined(data: st.DataObject, size: int) -> None:
    task = get_task("EE")
    text, items, facts = data.draw(cases(task))
    whole = tuple(Item(i.name, tuple(dict.fromkeys(i.roles))) for i in items)
    parts = [Item(i.name, i.roles[k : k + size]) for i in whole for k in range(0, max(len(i.roles), 1), size)]
    answers = [task.parse(task.answer_text(facts, [p], text), [p]).facts for p in parts]
    assert keys(task, task.join(answers)) == keys(task, task.about(task.canonical(facts), whole))


def test_join_of_the_others_is_a_sum() -> None:
    a, b = (Facts(entities=(Entity("t", Span(x)),)) for x in "ab")
    assert get_task("NER").join([a, b]) == a + b


def test_offset_keys_fall_back_on_the_words() -> None:
    task = get_task("NER")
    facts = Facts((Entity("t", Span("a", 0, 1)), Entity("t", Span("a"))))
    assert task.keys(facts, "offset") == {"entity": [("t", ("t", (0, 1))), ("t", ("t", "a"))]}


def test_items_follow_the_schema() -> None:
    schema = Schema.of_entities("b", "a") + Schema.of_relations("r") + Schema.of_events({"e": ["y", "x"]})
    assert get_task("ner").items(schema) == (Item("b"), Item("a"))
    assert get_task("RE").items(schema) == (Item("r"),)
    assert get_task("Ee").items(schema) == (Item("e", ("y", "x")),)
    assert {"NER", "RE", "EE"} <= set(task_names())
    with pytest.raises(InputError, match="unknown task"):
        get_task("salvage")


def test_triples_name_types_relations_and_roles() -> None:
    e = get_task("EE").triples(Facts(events=(Event("e", None, (Argument("r", Span("x")),)),)))
    assert [(t.head.text, t.relation, t.tail.text, t.kind) for t in e] == [
        ("e", "type", "e", "type"), ("e", "r", "x", "role"),
    ]
    n = get_task("NER").triples(Facts((Entity("t", Span("a", 0, 1), 0.5),)))
    assert (n[0].head, n[0].tail.text, n[0].confidence) == (Span("a", 0, 1), "t", 0.5)
    r = get_task("RE").triples(Facts(relations=(Relation("r", Span("a"), Span("b"), "x", "y"),)))
    assert (r[0].kind, r[0].head_type, r[0].tail_type) == ("relation", "x", "y")
