"""Grammars: every right answer passes, nothing else does, and cut answers are closed without invention."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

from iepile.errors import InputError
from iepile.extraction.grammar import LONGEST_TEXT, complete, lark, limits
from iepile.models.chat import PlainEncoder
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks import Item, get_task
from iepile.tasks.shape import MENTION, MENTIONS, InOrder, ListOf, OneOf, Text, object_of
from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer

TOKENIZERS = {"bytes": byte_level_tokenizer(), "pieces": sentencepiece_tokenizer()}
LL = {name: from_tokenizer(t) for name, t in TOKENIZERS.items()}
PLAIN = {name: PlainEncoder(t) for name, t in TOKENIZERS.items()}
LIMITS = limits()

HOSTILE = st.sampled_from(
    [*'ab "\\/\'\n\r\t\x00\x07\x1b\x7f\x85\xa0\u2028\u200d\ufeff[]{}:,“”，。é𝒳👩', "NAN", '"NAN"', "</s>", "<|im_end|>",
     "::=", "\\u0041", "康有为", "}}", '"]}', "<unk>"]
)
TEXT = st.lists(HOSTILE | st.text(max_size=3).filter(lambda s: s.isprintable()), max_size=25).map("".join)
LABELS = st.lists(TEXT.map(lambda s: s[:6] or "x"), min_size=1, max_size=3, unique=True)
ROLES = ("时间", 'wh"o', "\\where")


@st.composite
def cases(draw: Any) -> tuple[str, str, tuple[Item, ...], Facts]:
    """Text, task, items, and facts whose mentions are pieces of the text."""
    text = draw(TEXT)
    task = draw(st.sampled_from(["NER", "RE", "EE"]))
    labels = draw(LABELS)
    roles = ROLES if task == "EE" else ()
    items = tuple(Item(label, roles) for label in labels)
    if not text:
        return text, task, items, Facts()

    def span() -> Span:
        start = draw(st.integers(0, len(text) - 1))
        return Span(text[start : draw(st.integers(start + 1, len(text)))])

    label = st.sampled_from(labels)
    n = draw(st.integers(0, 4))
    if task == "NER":
        return text, task, items, Facts(entities=tuple(Entity(draw(label), span()) for _ in range(n)))
    if task == "RE":
        return text, task, items, Facts(relations=tuple(Relation(draw(label), span(), span()) for _ in range(n)))
    events = []
    for _ in range(n):
        arguments = tuple(Argument(draw(st.sampled_from(ROLES)), span()) for _ in range(draw(st.integers(0, 4))))
        events.append(Event(draw(label), draw(st.sampled_from([None, span()])), arguments))
    return text, task, items, Facts(events=tuple(events))


def matcher(grammar: str, name: str) -> Any:
    found = LLMatcher(LL[name], LLMatcher.grammar_from_lark(grammar), limits=LIMITS, log_level=0)
    assert not found.is_error(), found.get_error()
    return found


def accepts(grammar: str, answer: str, name: str = "bytes") -> bool:
    ids, m = PLAIN[name](answer), matcher(grammar, name)
    return bool(m.try_consume_tokens(ids) == len(ids) and m.is_accepting())


def grammar_of(shape: Any, text: str, name: str, **more: Any) -> str:
    return lark(shape, text, leading_space=name == "pieces", no_forcing=True, **more)


def sample(grammar: str, name: str, rng: random.Random, most: int) -> Iterator[int]:
    """Tokens drawn from what the grammar allows, all alike, until it has ended or `most`."""
    m = matcher(grammar, name)
    for _ in range(most):
        if m.is_stopped():
            return
        allowed = np.flatnonzero(np.unpackbits(np.frombuffer(m.compute_bitmask(), np.uint8), bitorder="little"))
        assert len(allowed), m.get_error()
        token = int(rng.choice(allowed))
        if token == LL[name].eos_token:
            return
        assert m.consume_token(token), m.get_error()
        yield token


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@given(case=cases())
def test_every_right_answer_is_accepted(name: str, case: tuple[str, str, tuple[Item, ...], Facts]) -> None:
    text, task_name, items, facts = case
    task = get_task(task_name)
    answer = task.answer_text(facts, items, text)
    assert accepts(grammar_of(task.shape(items), text, name), answer, name)


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@settings(max_examples=60)
@given(case=cases(), seed=st.integers(0, 2**32), most=st.sampled_from([1, 4, 12, 40, 100]))
def test_whatever_is_drawn_is_valid_and_verbatim(
    name: str, case: tuple[str, str, tuple[Item, ...], Facts], seed: int, most: int
) -> None:
    text, task_name, items, _ = case
    task = get_task(task_name)
    shape = task.shape(items)
    tokens = list(sample(grammar_of(shape, text, name), name, random.Random(seed), most))
    written = LL[name].decode_bytes(tokens).decode("utf-8", "ignore").removeprefix(" ")
    answer = complete(shape, written)
    assert answer is not None
    read = task.parse(answer, items)
    assert read.valid, read.problems
    assert all(s.text and s.text in text for s in read.facts.spans())
    assert json.dumps(json.loads(answer), ensure_ascii=False) == answer


@given(case=cases(), data=st.data())
def test_a_cut_answer_keeps_its_whole_values_and_invents_none(
    case: tuple[str, str, tuple[Item, ...], Facts], data: st.DataObject
) -> None:
    text, task_name, items, facts = case
    task = get_task(task_name)
    shape, answer = task.shape(items), task.answer_text(facts, items, text)
    assert complete(shape, answer) == answer
    written = answer[: data.draw(st.integers(0, len(answer)))]
    closed = complete(shape, written)
    assert closed is not None and accepts(grammar_of(shape, text, "bytes"), closed)
    read, gold = task.parse(closed, items), task.parse(answer, items)
    assert read.valid
    assert {s.text for s in read.facts.spans()} <= {s.text for s in gold.facts.spans()}
    if task_name == "NER":
        # Each string that was closed by its quote is kept.
        assert read.facts.entities == gold.facts.entities[: len(read.facts.entities)]
        assert len(read.facts.entities) >= len(task.parse(written + '"', items).facts.entities) - 1


def test_a_cut_event_keeps_its_arguments_and_one_without_any_is_dropped() -> None:
    shape = get_task("EE").shape([Item("收购", ("甲", "乙"))])
    begun = '{"收购": [{"trigger": "买", "arguments": {"甲": "苹果", "乙": ["B'
    assert complete(shape, begun) == '{"收购": [{"trigger": "买", "arguments": {"甲": "苹果", "乙": "NAN"}}]}'
    assert complete(shape, '{"收购": [{"trigger": "买", "arguments": {"甲') == (
        '{"收购": [{"trigger": "买", "arguments": {}}]}'
    )
    assert complete(shape, '{"收购": [{"trigger": "N') == '{"收购": []}'
    assert complete(shape, '{"收购": [{"trigger": "NAN", "arg') == '{"收购": []}'


def test_half_a_pair_is_dropped() -> None:
    shape = get_task("RE").shape([Item("r")])
    whole = '{"r": [{"subject": "a", "object": "b"}'
    for more in ("", ",", ", ", ', {"subject": "c", "obj', ', {"subject": "c", "object": "'):
        assert complete(shape, whole + more) == whole + "]}"


def test_what_is_no_beginning_of_an_answer_is_not_closed() -> None:
    shape = get_task("NER").shape([Item("a")])
    for text in ("nonsense", '{"b": []}', '{"a": [1', '{"a": []} and more', '{"a": [] '):
        assert complete(shape, text) is None
    assert complete(MENTION, '"a') is None


@pytest.mark.parametrize("answer", [
    '{"人": ["向左"]}', '{"人": [""]}', '{"人": ["向佐" ]}', '{"人":["向佐"]}', '{"物": ["向佐"]}', ' {"人": []}',
    '{"人": ["向佐说"', '{"人": ["向\\u4f50"]}', '{"人": []}\n', '```json\n{"人": []}\n```',
])
def test_wrong_answers_are_refused(answer: str) -> None:
    assert not accepts(lark(get_task("NER").shape([Item("人")]), "向佐在此"), answer)


def test_blanks_before_the_answer_only_where_asked() -> None:
    shape = get_task("NER").shape([Item("a")])
    assert accepts(lark(shape, "x", leading_space=True), ' {"a": ["x"]}')
    assert not accepts(lark(shape, "x", leading_space=True), '  {"a": ["x"]}')


def test_an_empty_text_has_no_mentions() -> None:
    for task, items in (("NER", [Item("a")]), ("RE", [Item("a")]), ("EE", [Item("a", ("r",))])):
        t = get_task(task)
        shape, empty = t.shape(items), t.answer_text(Facts(), items, "")
        assert accepts(lark(shape, ""), empty)
    assert not accepts(lark(get_task("NER").shape([Item("a")]), ""), '{"a": [""]}')
    with pytest.raises(InputError, match="every answer needs a mention"):
        lark(InOrder((Text("a"), MENTION)), "")
    assert accepts(lark(OneOf((MENTION, Text("none"))), ""), "none")


def test_lists_are_bounded_where_asked() -> None:
    for least, most in ((0, 2), (2, 3), (2, 1), (0, 1), (1, None)):
        grammar = lark(ListOf(MENTION, least), "abc", most=most)
        for n in range(6):
            answer = json.dumps(["a"] * n)
            want = n >= least and (most is None or n <= max(most, least))
            assert accepts(grammar, answer) == want, (least, most, n)


def test_word_units_keep_words_whole() -> None:
    grammar = lark(MENTIONS, "Iraqis met Ada, 北京", unit="word")
    assert accepts(grammar, '["Iraqis met", "Ada", "北", "met Ada,"]')
    assert not accepts(grammar, '["Iraqi"]')


def test_equal_parts_of_a_shape_share_a_rule() -> None:
    items = [Item(f"e{i}", tuple(f"r{j}" for j in range(20))) for i in range(30)]
    grammar = lark(get_task("EE").shape(items), "text")
    assert grammar.count("\nr") < 200


def test_grammars_for_servers_use_only_what_they_know() -> None:
    grammar = lark(MENTIONS, "ab", no_forcing=True, local=False)
    assert "%llguidance" not in grammar and "&" not in grammar
    assert accepts(grammar, '["ab"]')


def test_half_characters_and_endless_texts_are_refused() -> None:
    with pytest.raises(InputError, match="lone surrogate"):
        lark(MENTIONS, "a\ud800")
    with pytest.raises(InputError, match="cut it into windows"):
        lark(MENTIONS, "a" * (LONGEST_TEXT + 1))


@pytest.mark.parametrize("characters", ["康有为字广厦，生于南海。", "The quick brown fox; "])
def test_fifty_thousand_characters_pass(characters: str) -> None:
    rng = random.Random(0)
    text = "".join(rng.choice(characters) for _ in range(LONGEST_TEXT))
    spans = [text[100:110], text[-9:], text[25_000:25_300]]
    grammar = lark(get_task("NER").shape([Item("a"), Item("b")]), text)
    assert accepts(grammar, json.dumps({"a": spans, "b": []}, ensure_ascii=False))
    outside = next(c for n in range(3, 9) if (c := characters[:n][::-1]) not in text)
    assert not accepts(grammar, json.dumps({"a": [outside], "b": []}, ensure_ascii=False))
    m = matcher(grammar, "bytes")
    assert m.consume_tokens(PLAIN["bytes"]('{"a": ["')) and m.compute_bitmask() and not m.is_error()


def test_object_of_nothing() -> None:
    assert accepts(lark(object_of([]), "x"), "{}")
