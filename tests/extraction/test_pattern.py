"""Patterns mean in a grammar what they mean in Python, within the part that all engines read alike."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.test_grammar import accepts
from gbnf_reader import GbnfReader
from iepile.errors import InputError
from iepile.extraction.grammar import gbnf, lark
from iepile.extraction.pattern import read_pattern
from iepile.tasks.shape import Pattern
from iepile.values import DATE, NUMBER

ATOMS = st.sampled_from([
    "a", "b", "-", "é", "康", " ", "/", r"\d", r"\w", r"\s", r"\.", r"\\", r"\"", '"', r"\n", r"\t", r"\x41", r"\u5eb7",
    "[abc]", "[a-c]", "[^a-c]", r"[\d-]", r"[\]\[]", "[]a]", r"[^\w]", "[-a]", ".", r"\-", r"\/", "[康-有]",
    r"[\x00-\x1f]",
])
TIMES = st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,2}", "{0,3}", "{2,}", "{,2}", "*?", "??"])
PATTERNS = st.recursive(
    st.tuples(ATOMS, TIMES).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(st.lists(inner, min_size=1, max_size=3).map("|".join), TIMES).map(lambda x: f"({x[0]}){x[1]}"),
        st.lists(inner, min_size=1, max_size=2).map(lambda x: f"(?:{'|'.join(x)})"),
    ), max_leaves=6)
VALUES = st.text(st.sampled_from('abcA-é康为 /.\\"\n\t\x01[]1ü'), max_size=6)


def said(pattern: str, value: str) -> tuple[bool, bool]:
    answer = json.dumps(value, ensure_ascii=False)
    shape = Pattern(pattern)
    return accepts(lark(shape, ""), answer), GbnfReader(gbnf(shape, "")).accepts(answer)


@settings(max_examples=200)
@given(PATTERNS, VALUES)
def test_what_a_grammar_accepts_matches(pattern: str, value: str) -> None:
    by_lark, by_gbnf = said(pattern, value)
    assert by_lark == by_gbnf
    # `.` and [^...] leave out what JSON escapes, \w is ASCII: a grammar may take less, never more.
    if by_lark:
        assert re.fullmatch(pattern, value)
    elif value.isascii() and not re.search(r'["\\\x00-\x1f]', value):
        assert not re.fullmatch(pattern, value)


@settings(max_examples=100)
@given(PATTERNS, st.integers(0, 2**32))
def test_what_is_drawn_matches(pattern: str, seed: int) -> None:
    answer = GbnfReader(gbnf(Pattern(pattern), "")).draw(random.Random(seed))
    assert re.fullmatch(pattern, json.loads(answer)), answer
    assert accepts(lark(Pattern(pattern), ""), answer)


@pytest.mark.parametrize(("pattern", "yes", "no"), [
    (NUMBER, ["0", "-12", "3.14"], ["", ".5", "1e5", "1,000", "- 1"]),
    (DATE, ["2026", "2026-11", "2026-11-27"], ["26", "2026-1", "2026-11-27T"]),
    (r"^[A-Z]{2}\d+$", ["AB1"], ["A1", "AB", "xAB1"]),
    (r"^a|b$", ["a", "b"], ["ab"]),
    (r"a\$", ["a$"], ["a"]),
    (r"say \"no\"\\", ['say "no"\\'], ["say no"]),
    ("", [""], ["a"]),
    ("(a|)b", ["ab", "b"], ["a"]),
])
def test_examples(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [said(pattern, v) for v in yes] == [(True, True)] * len(yes)
    assert [said(pattern, v) for v in no] == [(False, False)] * len(no)


@pytest.mark.parametrize(("pattern", "what"), [
    (r"(a)\1", r"a \\1 at character"), (r"\bword", r"a \\b"), ("(?=a)b", "no plain one"), ("(?P<n>a)", "no plain one"),
    ("(?i)a", "no plain one"), ("a{1001}", "more than 1000"), ("a{3,2}", "from low to high"),
    ("a**", "repetition of a"),
    ("*a", "repetition of nothing"), ("a{b}", "no repetition"), ("a^b", r"a \^ inside"), ("a$b", r"a \$ inside"),
    ("[a", "class without end"), ("[b-a]", "from high to low"), ("(a", "group without end"), ("a)", r"a \) too many"),
    (r"\p{L}", r"a \\p"), ("[[:alpha:]]", r"in a class"), ("a++", "repetition of a"), (r"\x4", r"broken \\x"),
    ("a\\", r"a \\"),
    ("[\ud800]", "holds no character"), ("(" * 60 + "a" + ")" * 60, "fifty"), ("[\\d-z]", "from high to low"),
])
def test_the_rest_is_refused(pattern: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as found:
        read_pattern(pattern)
    assert found.value.field == "values" and found.value.fix


@given(st.text(st.sampled_from("ab[](){}|*+?^$.\\-,12dwxu\n\""), max_size=12))
def test_any_text_is_read_or_refused(pattern: str) -> None:
    try:
        read_pattern(pattern)
    except InputError:
        return
    try:
        re.compile(pattern)
    except re.error:
        # Python refuses a range such as [\d-a] too; whatever we read, it reads.
        raise AssertionError(pattern) from None
    GbnfReader(gbnf(Pattern(pattern), ""))
    lark(Pattern(pattern), "")
