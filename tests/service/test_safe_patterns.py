"""Patterns of strangers: usual ones are taken, and whatever is taken is matched fast on any text."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.service.safe_patterns import check_pattern

_pieces = st.recursive(
    st.sampled_from(["a", "b", r"\d", r"\w", "[ab]", "."]),
    lambda inner: st.tuples(inner, inner).map("".join)
    | st.tuples(inner, inner).map(lambda x: f"(?:{x[0]}|{x[1]})")
    | st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{3,}", "{0,40}"])).map(
        lambda x: f"(?:{x[0]}){x[1]}"),
    max_leaves=6)


@pytest.mark.parametrize("pattern", [
    r"\d{4}-\d{2}-\d{2}", "[A-Z]{2}-[0-9]+", r"(?:red|green|blue)", r"[A-Z][a-z]*", r"(\d{3}-){2}\d{4}", "colou?r",
    r"(?:ab|cd)+", r"-?\d+(\.\d{2})?", r"\w{1,30}@\w{1,30}\.[a-z]{2,6}", "(?:Dr|Prof)?[A-Z]", r"^[A-F0-9]{8}$"])
def test_usual_patterns_are_taken(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize("pattern", [
    "(a+)+", "(a*)*b", "(a|a)*b", "(a|ab)*c", "(a?){30}a{30}" * 2, ".*a.*b.*c", "((a{1,9}){1,9}){1,9}", "(.|a)+",
    "(a|b?)*c", "x" * 501, "(?=a)", "a{1001}", "(", "(?:(?:a|b)|(?:b|c))*d", r"\w*\d*[a-z]*!"])
def test_what_could_be_made_slow_is_refused(pattern: str) -> None:
    with pytest.raises(InputError) as raised:
        check_pattern(pattern)
    assert raised.value.field == "values" and len(str(raised.value)) < 900


@settings(max_examples=200)
@given(_pieces, st.sampled_from(["a" * 1500, "ab" * 750, "1" * 1500, "a1" * 700 + "!", "b" * 1500]))
def test_what_is_taken_is_matched_fast(pattern: str, text: str) -> None:
    try:
        check_pattern(pattern)
    except InputError:
        return
    started = time.process_time()
    re.fullmatch(pattern, text + "\x00")
    assert time.process_time() - started < 2
