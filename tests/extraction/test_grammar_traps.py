"""Where grammars stumble: special tokens spelt out, the end of an answer, fields that are no pieces of the text."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.test_grammar import LL, PLAIN, TOKENIZERS, accepts, grammar_of, matcher, sample
from gbnf_reader import GbnfReader
from iepile.errors import InputError
from iepile.extraction.grammar import complete, gbnf, lark
from iepile.schema import Schema
from iepile.tasks import Item, get_task, task_names
from iepile.tasks.shape import MENTIONS
from iepile.values import Values
from tasks.hostile import cases

SPECIAL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<unk>", "<0x0A>"]
KINDS = [Values("free"), Values("number"), Values("date"), Values("enum", options=('a"b', "红\n", "NAN")),
         Values("pattern", pattern=r"[A-Z]\d{1,3}|x\"")]


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_special_tokens_spelt_out_in_label_and_text(name: str, special: str) -> None:
    text = f"She wrote {special} and left."
    shape = get_task("NER").shape([Item(special), Item(f"a {special}\n")])
    answer = json.dumps({special: [special, f"wrote {special} and"], f"a {special}\n": []}, ensure_ascii=False)
    grammar = grammar_of(shape, text, name)
    assert accepts(grammar, answer, name)
    for seed in range(5):
        ids = list(sample(grammar, name, random.Random(seed), 400))
        written = LL[name].decode_bytes(ids).decode("utf-8", "ignore").removeprefix(" ")
        closed = complete(shape, written)
        assert closed is not None and accepts(grammar, closed, name)
    if special in TOKENIZERS[name].get_vocab():
        # The token itself stands for no characters, so it is never let through.
        m = matcher(grammar, name)
        assert m.consume_tokens(PLAIN[name](f'{{"{special}": ["'))
        bits = np.unpackbits(np.frombuffer(m.compute_bitmask(), np.uint8), bitorder="little")
        assert not bits[TOKENIZERS[name].convert_tokens_to_ids(special)]


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_after_a_whole_answer_nothing_but_the_end_is_allowed(name: str) -> None:
    grammar = grammar_of(get_task("NER").shape([Item("a")]), "Ada", name)
    m = matcher(grammar, name)
    assert m.consume_tokens(PLAIN[name]('{"a": ["Ada"]}'))
    assert m.is_accepting()
    if not m.is_stopped():
        bits = np.unpackbits(np.frombuffer(m.compute_bitmask(), np.uint8), bitorder="little")
        assert np.flatnonzero(bits).tolist() == [LL[name].eos_token]


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_the_blank_that_a_sentencepiece_model_begins_with(name: str) -> None:
    shape = get_task("NER").shape([Item("a")])
    first = PLAIN[name]('{"a": []}')[0]
    allowed = matcher(lark(shape, "x", leading_space=LL[name].decode_bytes([first]).startswith(b" ")), name)
    assert allowed.try_consume_tokens([first]) == 1
    if LL[name].decode_bytes([first]).startswith(b" "):
        assert matcher(lark(shape, "x"), name).try_consume_tokens([first]) == 0


@settings(max_examples=40)
@pytest.mark.parametrize("name", task_names())
@given(data=st.data(), seed=st.integers(0, 2**32), most=st.sampled_from([10, 60, 300]))
def test_fields_that_need_not_be_in_the_text(name: str, data: st.DataObject, seed: int, most: int) -> None:
    task = get_task(name)
    text, items, _ = data.draw(cases(task))
    names = [x for i in items for x in (task.key(i), i.name, *i.roles, *(f"{i.name}|{r}" for r in i.roles))]
    values = {x: data.draw(st.sampled_from(KINDS)) for x in names if data.draw(st.booleans())}
    shape = task.shape(items, values)
    grammar = lark(shape, text, most=3, no_forcing=True)
    ids = list(sample(grammar, "bytes", random.Random(seed), most))
    written = LL["bytes"].decode_bytes(ids).decode("utf-8", "ignore")
    closed = complete(shape, written)
    assert closed is not None and accepts(grammar, closed)
    read = task.parse(closed, items)
    assert not {p.kind for p in read.problems} & {"invalid", "salvaged", "not asked", "missing"}
    drawn = GbnfReader(gbnf(shape, text, most=3)).draw(random.Random(seed))
    assert accepts(grammar, drawn)
    assert complete(shape, drawn) == drawn


def test_a_schema_says_what_a_field_may_hold(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"entities": {
        "date": {"values": "date"}, "mood": {"values": ["good", "bad"]}, "name": "", "note": {"values": "free"},
        "code": {"values": {"pattern": "[A-Z]{2}[0-9]+"}}}}))
    schema = Schema.read(file)
    task = get_task("NER")
    shape = task.shape(task.items(schema), task.values(schema))
    answer: dict[str, Any] = {"date": ["2026-11-27"], "mood": ["good"], "name": ["Ada"], "note": ["what 谁"],
                              "code": ["AB12"]}
    grammars = [lark(shape, "Ada came"), lark(shape, "Ada came", local=False)]
    reader = GbnfReader(gbnf(shape, "Ada came"))

    def said(**other: list[str]) -> set[bool]:
        written = json.dumps(answer | other, ensure_ascii=False)
        return {*(accepts(g, written) for g in grammars), reader.accepts(written), complete(shape, written) == written}

    assert said() == {True}
    for key, wrong in (("date", "yesterday"), ("mood", "so-so"), ("code", "AB"), ("note", "x" * 201)):
        assert False in said(**{key: [wrong]}), key
        assert accepts(grammars[0], json.dumps(answer | {key: [wrong]})) is False
    assert said(note=["x" * 200], mood=["good", "bad"]) == {True}
    assert not accepts(grammars[0], json.dumps(answer | {"name": ["Bob"]}))


def test_patterns_that_cannot_be_written_are_refused_in_every_notation() -> None:
    task = get_task("NER")
    shape = task.shape([Item("a")], {"a": Values("pattern", pattern=r"(a)\1")})
    for write in (lark, gbnf):
        with pytest.raises(InputError, match="let the field be free"):
            write(shape, "x")


def test_control_characters_and_odd_signs_are_escaped_as_json_has_them() -> None:
    text = "".join(map(chr, range(0x20))) + "\x7f\x80\x9f\u2028\ufeff\u200b\U0001f469\u200d\ufffe\U0010ffff"
    answer = json.dumps([*text, text], ensure_ascii=False)
    for local in (True, False):
        assert accepts(lark(MENTIONS, text, local=local), answer)
    assert GbnfReader(gbnf(MENTIONS, text)).accepts(answer)
    assert complete(MENTIONS, answer) == answer
    assert not accepts(lark(MENTIONS, text), '["\n"]')
