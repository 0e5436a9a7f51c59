"""Answers on arrival: whole, mended, closed, or unfit; and the log-probabilities of what is left."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.confidence import strings_of
from iepile.extraction.engines.engine import Request
from iepile.extraction.server.check import Checked, check, logprobs_of
from iepile.extraction.server.hollow import without_empty
from iepile.extraction.server.question import Question, read_question
from iepile.extraction.server.reply import Reply
from iepile.instruction import Instruction

TEXT = "Ada met Bob, 康有为."
EVENT = {"event_type": "收购", "trigger": True, "arguments": ["收购方", "时间"]}


def question(task: str = "NER", schema: list[Any] | None = None, text: str = TEXT) -> Question:
    return read_question(Request("0", task, Instruction("Find.", schema or ["person"], text).render()))


NER, RE, EE = question(), question("RE", ["knows"]), question("EE", [EVENT])
KG = question("KG", [{"entity_type": "人", "attributes": ["生日", "国籍"]}])


@pytest.mark.parametrize(("asked", "written", "checked"), [
    (NER, '{"person": ["Ada"]}', Checked('{"person": ["Ada"]}', True)),
    (NER, ' {"person": ["Ada"]}\n', Checked('{"person": ["Ada"]}', True)),
    (NER, '{"person":["Ada","Bob"]}', Checked('{"person": ["Ada", "Bob"]}', True)),
    (NER, '{\n  "person": [\n "Bob, 康" ]}', Checked('{"person": ["Bob, 康"]}', True)),
    (NER, '{"person": ["\\u5eb7\\u6709"]}', Checked('{"person": ["\\u5eb7\\u6709"]}', True)),
    (NER, '{"person": ["Ada", ""]}', Checked('{"person": ["Ada"]}', True)),
    (NER, '{"person": ["Ada", "\ufffd\ufffd"]}', Checked('{"person": ["Ada"]}', True)),
    (NER, '{"person": ["Ada", "Bo', Checked('{"person": ["Ada"]}', False, True)),
    (NER, '{ "person" :\t["Ada" ,  \t \t', Checked('{"person": ["Ada"]}', False, True)),
    (NER, '{"person": ["Zoe"]}', Checked('{"person": ["Zoe"]}', False)),
    (NER, '{"place": []}', Checked('{"place": []}', False)),
    (NER, "Sure! I found Ada.", Checked("Sure! I found Ada.", False)),
    (NER, "", Checked("", False)),
    (RE, '{"knows": [{"subject": "", "object": "Bob"}, {"subject": "Ada", "object": "Bob"}]}',
     Checked('{"knows": [{"subject": "Ada", "object": "Bob"}]}', True)),
    (EE, '{"收购": [{"trigger": "", "arguments": {"收购方": ["Ada", ""], "时间": ""}}]}',
     Checked('{"收购": [{"trigger": "NAN", "arguments": {"收购方": "Ada", "时间": "NAN"}}]}', True)),
    (KG, '{"人": {"Ada": {"生日": "", "国籍": "Bob"}, "": {"生日": "Ada"}}}',
     Checked('{"人": {"Ada": {"国籍": "Bob"}}}', True)),
])
def test_what_arrives(asked: Question, written: str, checked: Checked) -> None:
    assert check(asked, written) == checked


def test_a_schema_cannot_keep_mentions_to_the_text() -> None:
    assert check(NER, '{"person":["Zoe"]}', verbatim=False) == Checked('{"person": ["Zoe"]}', True)


def test_triggers_that_the_question_tells_need_not_be_in_the_text() -> None:
    asked = question("EEA", [{"event_type": "e", "trigger": ["bo\"ught"], "arguments": ["who"]}])
    written = '{"e": [{"trigger": "bo\\"ught", "arguments": {"who": "Ada"}}]}'
    assert check(asked, written).whole


@given(st.text(max_size=40))
def test_any_text_is_survived(written: str) -> None:
    found = check(NER, written)
    assert found.whole or found.closed or found.text == written.strip()


@given(st.recursive(st.sampled_from(["", "a"]),
                    lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["", "k", "l"]), inner)))
def test_the_first_way_to_lose_empty_strings_has_none(value: Any) -> None:
    text = json.dumps(value)
    ways = list(without_empty(text))
    assert bool(ways) == ('""' in text)
    assert not ways or value == "" or '""' not in ways[0]


def reply(text: str, pieces: list[bytes]) -> Reply:
    return Reply(text, "stop", pieces=tuple(pieces), logprobs=tuple(-float(n + 1) for n in range(len(pieces))))


def test_each_string_has_the_tokens_that_wrote_it() -> None:
    text = '{"p": ["康", "Bob"]}'
    pieces = [b" ", b'{"', b"p", b'": ["', b"\xe5\xba", b"\xb7", b'", "', b"Bob", b'"]}', b"</s>"]
    whole, strings = logprobs_of(check(question(schema=["p"]), text), reply(f" {text}", pieces))
    assert whole == -55
    assert strings == (-2 - 3 - 4, -4 - 5 - 6 - 7, -7 - 8 - 9)


def test_a_closed_answer_has_those_of_what_was_kept() -> None:
    written = '{"person": ["Ada", "Bo'
    pieces = [b'{"person": [', b'"Ada"', b", ", b'"Bo']
    checked = check(NER, written)
    whole, strings = logprobs_of(checked, reply(written, pieces))
    assert (whole, strings) == (-10, (-1, -2)) and len(strings_of(checked.text)) == 2


def test_none_where_tokens_and_text_do_not_agree() -> None:
    text = '{"person": ["Ada"]}'
    assert logprobs_of(check(NER, text), Reply(text, "stop")) == (None, None)
    assert logprobs_of(check(NER, text), reply(text, [b"something", b"else"])) == (-3, None)
    mended = '{"person":["Ada"]}'
    assert logprobs_of(check(NER, mended), reply(mended, [mended.encode()])) == (-1, None)
