"""Answers in the forms that models choose, made up after real ones: each is read as a person would read it."""

from __future__ import annotations

from typing import Any

import pytest

from iepile.tasks.aliases import is_nothing
from iepile.tasks.task import Answer, Item, get_task
from iepile.values import Values

EN = "Ada Lovelace wed William King in London; Bob, her friend, stayed in Paris. No type. (see N/A)"
ZH = "张三和李四于2020年在北京创立了华夏公司，王五任无锡分公司的经理，注册资本180万元。"
NER = (Item("person"), Item("place"))
RE = (Item("spouse"), Item("friend of"))
EE = (Item("创立", ("创立者", "时间", "对象")),)
KG = (Item("人物", ("公司", "职务")),)
ALL_EN = {("person", "Ada Lovelace"), ("person", "Bob"), ("place", "London")}
WED = {("spouse", "Ada Lovelace", "William King")}
FOUND = {("创立", "创立", ("创立者", "张三"), ("创立者", "李四"), ("时间", "2020年"))}
JOB = {("人物", "王五", "职务", "经理")}


def read(task: str, answer: str, items: tuple[Item, ...], text: str, values: dict[str, Values] | None = None) -> Answer:
    return get_task(task).parse(answer, items, text, values)


def facts(answer: Answer) -> set[Any]:
    f = answer.facts
    out: set[Any] = {(e.type, e.span.text) for e in f.entities}
    out |= {((r.head_type,) if r.head_type and r.tail_type is None else ()) +
            ((r.head.text, r.type, r.tail.text) if r.head_type and r.tail_type is None
             else (r.type, r.head.text, r.tail.text)) for r in f.relations}
    return out | {(e.type, e.trigger and e.trigger.text, *((a.role, a.span.text) for a in e.arguments))
                  for e in f.events}


@pytest.mark.parametrize("answer", [
    '{"person": ["Ada Lovelace", "Bob"], "place": ["London"]}',
    '{"Person": ["Ada Lovelace", "Bob"], "PLACE ": "London"}',
    '{"person": "Ada Lovelace, Bob", "place": "London"}',
    '{"person": {"Ada Lovelace": {}, "Bob": {}}, "place": {"text": "London"}}',
    '{"person": [{"text": "Ada Lovelace", "start": 0}, {"name": "Bob"}], "place": [["London"]]}',
    '{"entities": {"person": ["Ada Lovelace", "Bob"], "place": ["London"]}}',
    '{"name": "extract", "arguments": {"person": ["Ada Lovelace", "Bob"], "place": ["London"]}}',
    '{"entities": [{"entity": "Ada Lovelace", "type": "person"}, {"entity": "Bob", "type": "Person"},'
    ' {"entity": "London", "type": "place"}]}',
    '[{"text": "Ada Lovelace", "label": "person"}, {"text": "Bob", "label": "person"}, '
    '{"text": "London", "label": "place"}]',
    "[{'entity': 'Ada Lovelace', 'entity_type': 'person'}, {'entity': 'Bob', 'entity_type': 'person'}, "
    "{'entity': 'London', 'entity_type': 'place'}, {'entity': 'NAN', 'entity_type': 'place'}]",
    '{"entity": "Ada Lovelace", "type": "person"}\n{"entity": "Bob", "type": "person"}\n'
    '{"entity": "London", "type": "place"}',
    '{"Ada Lovelace": "person", "Bob": "person", "London": "place"}',
    '[{"person": ["Ada Lovelace"]}, {"person": ["Bob"]}, {"place": ["London"]}]',
    '{"person": ["Ada Lovelace"], "place": ["London"], "person": ["Bob"]}',
    '{"person": "[\\"Ada Lovelace\\", \\"Bob\\"]", "place": ["London"]}',
    'The entities are:\n\n- **Person**: Ada Lovelace, Bob\n- **Place**: London\n\nThere are no others.',
    "person:\n  1. Ada Lovelace\n  2. Bob\nplace:\n  1. London\n",
    "| Entity | Type |\n|---|---|\n| Ada Lovelace | person |\n| Bob | person |\n| London | place |",
    "Ada Lovelace: person\nBob: person\nLondon: place",
    "* Ada Lovelace (person)\n* Bob (person)\n* London (place)",
    "person: [Ada Lovelace, Bob]\nplace: [London]",
    "Sure!\n```json\n{person: [Ada Lovelace, Bob], place: [London],}\n```\nLet me know if you need more.",
])
def test_entities(answer: str) -> None:
    got = read("NER", answer, NER, EN)
    assert facts(got) == ALL_EN
    assert got.valid == (answer.startswith('{"person": ["Ada Lovelace", "Bob"], "place": ["London"]}'))


@pytest.mark.parametrize("answer", [
    '{"spouse": [{"subject": "Ada Lovelace", "object": "William King"}], "friend of": []}',
    '{"spouse": [{"head": "Ada Lovelace", "tail": "William King"}], "friend of": []}',
    '{"spouse": [{"头实体": "Ada Lovelace", "尾实体": "William King"}], "friend of": null}',
    '{"Spouse": {"head_entity": "Ada Lovelace", "tail_entity": "William King"}, "friend_of": "NAN"}',
    '{"spouse": [["Ada Lovelace", "William King"]], "friend of": []}',
    '{"spouse": ["Ada Lovelace", "William King"], "friend of": []}',
    '{"spouse": [["Ada Lovelace", "spouse", "William King"]]}',
    '{"spouse": "(Ada Lovelace, William King)"}',
    '{"spouse": {"Ada Lovelace": "William King"}}',
    '{"spouse": [{"subject": "Ada Lovelace", "object": ["William King"]}]}',
    '{"Ada Lovelace": {"spouse": "William King"}}',
    '[{"head": "Ada Lovelace", "relation": "spouse", "tail": "William King"}]',
    '{"triples": [{"subject": "Ada Lovelace", "predicate": "Spouse", "object": "William King"}]}',
    '[["Ada Lovelace", "spouse", "William King"]]',
    "输入中包含的关系三元组是：\n[{'head': 'NAN', 'relation': 'friend of', 'tail': 'NAN'}, "
    "{'head': 'Ada Lovelace', 'relation': 'spouse', 'tail': 'William King'}]",
    "(Ada Lovelace, spouse, William King)",
    "1. Ada Lovelace - spouse - William King",
    "spouse: (Ada Lovelace, William King)\nfriend of: none",
    "| Ada Lovelace | spouse | William King |",
    '{"spouse": [{"subject": "Ada Lovelace", "object": "William King"}, {"subject": "Bob", "obj',
])
def test_relations(answer: str) -> None:
    assert facts(read("RE", answer, RE, EN)) == WED


@pytest.mark.parametrize("answer", [
    '{"创立": [{"trigger": "创立", "arguments": {"创立者": ["张三", "李四"], "时间": "2020年", "对象": "NAN"}}]}',
    '{"创立": [{"trigger": "创立", "arguments": {"创立者": ["张三", "李四"], "时间": "2020年", "对象": "未提及"}}]}',
    '{"创立": {"触发词": "创立", "论元": {"创立者": "张三、李四", "时间": ["2020年"], "对象": null}}}',
    '{"创立": [{"trigger": ["创立"], "创立者": ["张三", "李四"], "时间": "2020年"}]}',
    '{"创立": [{"trigger": "创立", "arguments": [{"role": "创立者", "argument": "张三"}, '
    '{"role": "创立者", "argument": "李四"}, {"role": "时间", "argument": "2020年"}]}]}',
    '{"创立": [{"trigger": "创立", "arguments": {"张三": "创立者", "李四": "创立者", "2020年": "时间"}}]}',
    '{"创立": {"创立": {"创立者": ["张三", "李四"], "时间": "2020年"}}}',
    '[{"event_type": "创立", "trigger": "创立", "arguments": [{"role": "创立者", "argument": "张三"}, '
    '{"创立者": "李四"}, {"role": "时间", "argument": "2020年"}]}]',
    '{"events": [{"事件类型": "创立", "触发词": "创立", "论元": {"创立者": ["张三", "李四"], "时间": "2020年"}}]}',
    "{“创立”：[｛“trigger”：“创立”，“arguments”：{“创立者”：[“张三”，“李四”]，“时间”：“2020年”}｝]}",
    '{"创立": [{"trigger": "创立", "arguments": {"创立者": ["张三", "李四"], "时间": "2020年", "对象": "华夏',
])
def test_events(answer: str) -> None:
    got = {(t, trigger, *sorted(args)) for t, trigger, *args in facts(read("EE", answer, EE, ZH))}
    assert got == {(t, trigger, *sorted(args)) for t, trigger, *args in FOUND}


@pytest.mark.parametrize("answer", [
    '{"人物": {"王五": {"职务": "经理"}}}',
    '{"人物": {"王五": {"职务": ["经理"], "公司": "无"}}}',
    '{"人物": [{"entity": "王五", "attributes": {"职务": "经理"}}]}',
    '{"人物": [{"实体": "王五", "职务": "经理", "公司": "未提及"}]}',
    '{"人物": [{"王五": {"职务": "经理"}}]}',
    '{"王五": {"职务": "经理"}}',
    '[{"entity_type": "人物", "entity": "王五", "attributes": {"职务": "经理"}}]',
    '[["王五", "职务", "经理"]]',
])
def test_attributes(answer: str) -> None:
    assert facts(read("KG", answer, KG, ZH)) == JOB


def test_arguments_whose_triggers_are_told() -> None:
    item = (Item("创立", EE[0].roles, ("创立",)),)
    for answer in ('{"创立": [{"创立者": "张三"}]}', '{"创立": {"arguments": {"创立者": ["张三"]}}}',
                   '{"创立": [{"论元": [{"角色": "创立者", "论元": "张三"}]}]}'):
        assert facts(read("EEA", answer, item, ZH)) == {("创立", "创立", ("创立者", "张三"))}
    assert facts(read("EET", '{"创立": "创立"}', (Item("创立"),), ZH)) == {("创立", "创立")}
    assert facts(read("EET", '[{"trigger": "创立", "event_type": "创立"}]', (Item("创立"),), ZH)) == {("创立", "创立")}


def test_one_label_need_not_be_named() -> None:
    assert facts(read("NER", '["Ada Lovelace", "Bob"]', NER[:1], EN)) == ALL_EN - {("place", "London")}
    assert not read("NER", '["Ada Lovelace", "Bob"]', NER, EN).facts
    assert facts(read("RE", '[{"subject": "Ada Lovelace", "object": "William King"}]', RE[:1], EN)) == WED
    assert not read("RE", '[{"subject": "Ada Lovelace", "object": "William King"}]', RE, EN).facts
    spo = (Item("a_spouse_b", about=("a", "spouse", "b")),)
    assert len(read("SPO", '[{"head": "Ada Lovelace", "tail": "William King"}]', spo, EN).facts.relations) == 1


@pytest.mark.parametrize(("word", "text", "nothing"), [
    ("NAN", "x", True), ("N/A", EN, False), ("none", EN, True), ("无", ZH, True), ("无", "过敏史：无。", False),
    ("null", "the word null", False), ("NULL", "the word null", True), ("未提及", ZH, True), ("Nana", "x", False),
    ("", "x", True), ("“”", "x", True), ("Not mentioned.", "x", True), ("北京", "x", False),
])
def test_words_for_nothing(word: str, text: str, nothing: bool) -> None:
    assert is_nothing(word, text) == nothing


def test_values_of_a_schema_may_be_words_for_nothing() -> None:
    answer = '{"person": ["unknown"]}'
    assert not read("NER", answer, NER, EN).facts
    told = {"person": Values("enum", options=("known", "unknown"))}
    assert facts(read("NER", answer, NER, EN, told)) == {("person", "unknown")}


def test_a_comma_of_another_width_is_no_second_mention() -> None:
    got = read("NER", '{"person": ["华夏公司,王五"], "place": []}', NER, ZH)
    assert got.valid and [e.span.text for e in got.facts.entities] == ["华夏公司,王五"]


def test_loops_are_cut_to_what_the_text_holds() -> None:
    loop = '{"person": [' + '"Bob", ' * 500 + '"Bo'
    got = read("NER", loop, NER, EN)
    assert [e.span.text for e in got.facts.entities] == ["Bob"]
    assert ("rewritten", "person: 499 repeats") in [(p.kind, p.detail) for p in got.problems]
    twice = read("NER", '{"person": ["Bob", "Bob"], "place": []}', NER, "Bob saw Bob.")
    assert twice.valid and len(twice.facts.entities) == 2


def test_what_is_not_sure_is_not_read() -> None:
    for answer in ("I think Ada Lovelace is a person.", '{"people": ["Ada Lovelace"]}', '{"person": 5}', "[]", "",
                   '{"Ada Lovelace": "woman"}', '{"Nobody": "person"}', "person: nobody here", '["person"]'):
        got = read("NER", answer, NER, EN)
        assert not got.facts and got.problems, answer
    two = (Item("a b"), Item("A_B"))
    assert not read("NER", '{"ab": ["Bob"]}', two, EN).facts


def test_every_repair_is_reported() -> None:
    got = read("NER", "```json\n{'Person': 'Bob', 'city': ['Paris']}\n```", NER, EN)
    assert [(p.kind, p.detail) for p in got.problems] == [
        ("salvaged", "code fence, mended quotes or commas"), ("rewritten", "'Person' is 'person'"),
        ("rewritten", "person: text in place of a list"), ("not asked", "city"), ("missing", "place"),
    ]


def test_without_the_text_only_json_is_mended() -> None:
    task = get_task("NER")
    assert not task.parse('{"Person": ["Bob"]}', NER).facts
    assert not task.parse('{"person": "Bob"}', NER).facts
    assert len(task.parse("{'person': ['Bob']}", NER).facts.entities) == 1
