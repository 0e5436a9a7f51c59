"""Rows that are too long: every part fits, nothing is cut, no fact goes unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.instruction import Instruction, read_instruction
from iepile.jsonl import dumps, read_rows
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import Item, Task, get_task
from iepile.training import stretches as module
from iepile.training.rows import Row
from iepile.training.windows import Part, Reason, Split, split_row

WORDS = ["理想汽车", "张三", "北京", "收购", "Ada Lovelace", "Paris", "met", "of", "红旗", "12", "，", "。", "! ",
         ". They ", " ", "\n", "the ", "甲", "a"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=120).map("".join).filter(str.strip)
LABELS = ["甲", "b c"]
ROLES = ("谁", "where")


@pytest.fixture(autouse=True, scope="module")
def short_parts() -> Iterator[None]:
    """Parts may be as short as the texts of these tests want them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST", 1)
        yield


def fits(limit: int) -> Any:
    return lambda query, answer: len(query) + len(answer) <= limit


def row(task: str, text: str, schema: Any, answer: str) -> Row:
    query = dumps({"instruction": "Find.", "schema": schema, "input": text})
    return Row(query, answer, task, "s", "f", 1)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Task, str, tuple[Item, ...], Facts]:
    """A task, a text, items, and facts whose mentions stand in the text."""
    task = get_task(draw(st.sampled_from(["NER", "RE", "SPO", "KG", "EE", "EET", "EEA"])))
    text = draw(texts)

    def mention() -> Span:
        start = draw(st.integers(0, len(text) - 1))
        return Span(text[start : start + draw(st.integers(1, 8))])

    def argument() -> Argument:
        return Argument(draw(st.sampled_from(ROLES)), mention())

    labels = st.sampled_from(LABELS)
    n = range(draw(st.integers(0, 5)))
    if task.annotation == "entity":
        return task, text, tuple(map(Item, LABELS)), Facts(tuple(Entity(draw(labels), mention()) for _ in n))
    if task.annotation == "relation":
        types = ("T", "U") if task.name in ("SPO", "KG") else (None, None)
        facts = Facts(relations=tuple(Relation(draw(labels), mention(), mention(), *types) for _ in n))
        if task.name == "SPO":
            return task, text, tuple(Item(f"T_{p}_U", about=("T", p, "U")) for p in LABELS), facts
        items = (Item("T", tuple(LABELS)),) if task.name == "KG" else tuple(map(Item, LABELS))
        return task, text, items, facts
    if task.name == "EET":
        return task, text, tuple(map(Item, LABELS)), Facts(events=tuple(Event(draw(labels), mention()) for _ in n))
    events = []
    for _ in n:
        arguments = tuple(argument() for _ in range(draw(st.integers(0, 3))))
        events.append(Event(draw(labels), draw(st.sampled_from([mention(), None])), arguments))
    facts = task.canonical(Facts(events=tuple(events)))
    items = tuple(Item(label, ROLES) for label in LABELS)
    return task, text, task.posed(items, facts, text) if task.poses_facts else items, facts


def keys(task: Task, facts: Facts) -> set[Any]:
    return {(g, k) for g, pairs in task.keys(facts).items() if g in task.groups for k in pairs}


@given(cases(), st.integers(60, 400))
def test_parts_fit_and_hold_what_is_not_lost(case: tuple[Task, str, tuple[Item, ...], Facts], room: int) -> None:
    task, text, items, facts = case
    facts = task.canonical(facts)
    answer = task.answer_text(facts, items, text)
    asked = row(task.name, text, task.questions(items), answer)
    facts = task.canonical(task.parse(answer, items).facts)  # a mention of NAN or one value, as the answer can say it
    limit = len(asked.query) - len(text) + room
    split = split_row(asked, fits(limit))
    if isinstance(split, Reason):
        assert split in (Reason.NO_ROOM, Reason.NOTHING_ASKED)
        assert split is Reason.NO_ROOM or task.poses_facts
        return
    covered = {0, len(text)}
    found: set[Any] = set()
    for part in split.parts:
        assert len(part.query) + len(part.answer) <= limit
        question = read_instruction(part.query)
        assert question.input == text[part.start : part.end] and question.prompt == "Find."
        covered |= set(range(part.start, part.end + 1))
        told = task.read_items(question.schema)
        read = task.parse(part.answer, told)
        assert read.valid
        assert task.answer_text(read.facts, told, question.input) == part.answer  # as the task writes it
        if not task.poses_facts:
            assert question.schema == read_instruction(asked.query).schema
        for span in read.facts.spans():
            assert span.text in question.input
        found |= keys(task, read.facts)
    if not task.poses_facts:
        assert all(i in covered or not text[i].strip() for i in range(len(text)))
    stated = keys(task, facts)
    assert found <= stated
    assert split.facts == len(stated) and split.lost == len(stated - found)


def split(task: str, text: str, schema: Any, answer: Any, room: int) -> Split:
    asked = row(task, text, schema, dumps(answer))
    got = split_row(asked, fits(len(asked.query) - len(text) + room))
    assert isinstance(got, Split), got
    return got


def answers(got: Split) -> list[Any]:
    return [json.loads(p.answer) for p in got.parts]


def test_a_relation_over_the_border_stands_in_the_overlap_or_is_lost() -> None:
    filler = "Nothing happened that day at all here. " * 3
    text = filler + "Ada met Bob. " + filler + filler + "Ada left. " + filler + filler + "Eve came."
    got = split("RE", text, ["met", "saw"], {"met": [{"subject": "Ada", "object": "Bob"}],
                                             "saw": [{"subject": "Bob", "object": "Eve"}]}, 240)
    assert len(got.parts) > 2
    assert (got.facts, got.lost) == (2, 1)
    assert {"met": [{"subject": "Ada", "object": "Bob"}], "saw": []} in answers(got)
    assert {"met": [], "saw": []} in answers(got)


def test_sentences_around_a_fact_become_a_part_where_no_other_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    two = "Ada had come a long way that day and was tired of it. In the very same hour came Bob. "
    text = "Nothing happened here. " * 3 + two + "Nothing happened there. " * 6
    schema, answer = ["met"], {"met": [{"subject": "Ada", "object": "Bob"}]}
    got = split("RE", text, schema, answer, 150)
    assert got.lost == 0
    start = text.index("Ada")
    assert [p.start for p in got.parts] == sorted(p.start for p in got.parts)
    assert (start, start + len(two)) in [(p.start, p.end) for p in got.parts]
    monkeypatch.setattr("iepile.training.windows.tightest", lambda *_: None)
    without = split("RE", text, schema, answer, 150)
    assert (without.lost, len(without.parts)) == (1, len(got.parts) - 1)


def test_a_mention_inside_another_word_is_no_mention() -> None:
    text = "The bus was late. " * 8 + "The US voted. " + "We waited for it. " * 8
    for part in split("NER", text.lower(), ["place"], {"place": ["us"]}, 120).parts:
        assert ('"us"' in part.answer) == (" us " in part.query)


def test_ends_called_head_and_tail_stay() -> None:
    text = "林小雨的父亲是林海。" * 10
    got = split("RE", text, ["父亲"], {"父亲": [{"head": "林小雨", "tail": "林海"}]}, 120)
    assert answers(got) and all(a == {"父亲": [{"head": "林小雨", "tail": "林海"}]} for a in answers(got))


def test_entities_named_without_attributes_stay() -> None:
    text = "林小雨走了。" * 20 + "林海来了。"
    schema = [{"entity_type": "人物", "attributes": ["别名"]}]
    got = split("KG", text, schema, {"人物": {"林小雨": {}, "林海": {}}}, 90)
    assert {"人物": {"林小雨": {}}} in answers(got) and {"人物": {"林小雨": {}, "林海": {}}} in answers(got)
    assert (got.facts, got.lost) == (0, 0)


def test_descriptions_and_other_keys_of_a_question_stay() -> None:
    query = dumps({"instruction": "p", "schema": {"人": "某人", "地": ""}, "input": "张三走了。" * 30, "examples": [1]})
    got = split_row(Row(query, '{"人": ["张三"], "地": []}', "NER", "s", "f", 1), fits(180))
    assert isinstance(got, Split)
    for part in got.parts:
        assert json.loads(part.query) | {"input": ""} == json.loads(query) | {"input": ""}


def test_events_keep_the_arguments_of_their_part() -> None:
    far = "没有别的事情。" * 20
    text = f"银河公司裁员20人。{far}南方公司昨天收购。{far}银河公司没事，有裁员。"
    schema = [{"event_type": "裁员", "trigger": True, "arguments": ["公司", "人数"]}]
    event = {"trigger": "裁员", "arguments": {"公司": ["银河公司", "南方公司"], "人数": "20人"}}
    got = split("EE", text, schema, {"裁员": [event]}, 190)
    assert answers(got)[0] == {"裁员": [{"trigger": "裁员", "arguments": {"公司": "银河公司", "人数": "20人"}}]}
    assert answers(got)[-1] == {"裁员": [{"trigger": "裁员", "arguments": {"公司": "银河公司", "人数": "NAN"}}]}
    assert {"裁员": []} in answers(got)
    assert (got.facts, got.lost) == (4, 1)  # the other company stands in no part with the trigger


def test_questions_that_tell_triggers_tell_those_of_the_part() -> None:
    far = "没有别的事情。" * 10
    text = f"银河公司裁员20人。{far}南方公司收购了它。"
    schema = [{"event_type": "裁员", "trigger": ["裁员"], "arguments": ["公司"]},
              {"event_type": "收购", "trigger": ["收购"], "arguments": ["公司"]}]
    flat = {"裁员": [{"公司": "银河公司"}], "收购": [{"公司": "南方公司"}]}
    got = split("EEA", text, schema, flat, 90)
    assert answers(got) == [{"裁员": [{"公司": "银河公司"}]}, {"收购": [{"公司": "南方公司"}]}]
    assert [[e["event_type"] for e in read_instruction(p.query).schema] for p in got.parts] == [["裁员"], ["收购"]]
    assert got.lost == 0


def test_an_event_whose_trigger_is_not_told_in_a_part_is_lost_there() -> None:
    far = "没有别的事情。" * 10
    text = f"银河公司宣布了。{far}后来裁员，又裁撤。"
    schema = [{"event_type": "裁员", "trigger": ["裁员", "裁撤"], "arguments": ["公司"]}]
    got = split("EEA", text, schema, {"裁员": [{"公司": "银河公司"}]}, 90)
    assert answers(got) == [{"裁员": []}] and (got.facts, got.lost) == (1, 1)


LONG = "张三走了。" * 60


@pytest.mark.parametrize("task, query, answer, why", [
    ("NER", "plain words " + LONG, "{}", Reason.FREE_TEXT),
    ("", Instruction("p", ["人"], LONG).render(), '{"人": []}', Reason.NO_TASK),
    ("XYZ", Instruction("p", ["人"], LONG).render(), '{"人": []}', Reason.NO_TASK),
    ("RE", Instruction("p", [{"a": 1}], LONG).render(), '{"人": []}', Reason.ODD_QUESTION),
    ("NER", Instruction("p", ["人"], LONG).render(), '{"人": ["张', Reason.ODD_ANSWER),
    ("NER", Instruction("p", ["人"], LONG).render(), '{"物": ["张三"]}', Reason.ODD_ANSWER),
    ("EE", Instruction("p", [{"event_type": "a", "arguments": ["r"]}], LONG).render(), '{"a": [{"r": "张三"}]}',
     Reason.ODD_ANSWER),
    ("NER", Instruction("p" * 200, ["人"], LONG).render(), '{"人": []}', Reason.NO_ROOM),
    ("EEA", Instruction("p", [{"event_type": "a", "trigger": ["x"], "arguments": ["r"]}], LONG).render(), '{"a": []}',
     Reason.NOTHING_ASKED),
])
def test_rows_that_cannot_be_split_say_why(task: str, query: str, answer: str, why: Reason) -> None:
    assert split_row(Row(query, answer, task, "s", "f", 1), fits(150)) is why


@pytest.mark.parametrize("name", ["NER", "RE", "SPO", "KG", "EE", "EET", "EEA"])
def test_real_rows_of_every_task(shared: Path, name: str) -> None:
    """Published training rows, cut into parts of about half their size: few facts are lost, all parts are sound."""
    path = shared / "data/DeepKE_InstructKGC" / name / "train.json"
    task, facts, lost, parts = get_task(name), 0, 0, 0
    for n, (line, fields) in enumerate(read_rows(path)):
        if n == 40:
            break
        text = read_instruction(fields["instruction"]).input
        asked = Row(fields["instruction"], fields["output"], name, "s", str(path), line)
        limit = len(asked.query) + len(asked.answer) - len(text) // 2
        got = split_row(asked, fits(limit))
        if isinstance(got, Reason):
            assert got is Reason.NOTHING_ASKED, (line, got)
            continue
        assert all(len(p.query) + len(p.answer) <= limit for p in got.parts)
        assert_same_form(task, asked.answer, got.parts)
        facts, lost, parts = facts + got.facts, lost + got.lost, parts + len(got.parts)
    assert parts and facts and lost <= 0.6 * facts


def assert_same_form(task: Task, answer: str, parts: tuple[Part, ...]) -> None:
    """Objects of the parts have the keys that objects of the whole answer have."""
    def shapes(value: Any, depth: int = 0) -> set[Any]:
        if isinstance(value, dict):
            own = {(depth, "object")} if task.attributes else {(depth, *value)}
            return own.union(*(shapes(v, depth + 1) for v in value.values()))
        if isinstance(value, list):
            return set().union(*(shapes(v, depth + 1) for v in value))
        return set()

    whole = shapes(json.loads(answer)) | {(3,), (2,)}
    for part in parts:
        got = {s for s in shapes(json.loads(part.answer)) if s[0] > 0}
        assert got <= whole, (part.answer, answer)
