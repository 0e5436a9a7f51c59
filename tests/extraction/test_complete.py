"""Cut answers whose fields need not be pieces of the text, or whose mentions stand in no quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.complete import complete
from iepile.tasks import Item, get_task
from iepile.tasks.shape import MENTION, Bare, Choice, Free, InOrder, ListOf, OneOf, Pattern, Text, Words
from iepile.values import Values

PAIRS = get_task("RE").shape([Item("colour")], {"colour": Values("enum", options=("red", "redder"))})
RELATION = OneOf((Text("a"), Text("b")))
BRACKETS = InOrder((Text("("), Bare("(),"), Text(","), RELATION, Text(","), Bare("(),"), Text(")")))
TRIPLES = OneOf((ListOf(BRACKETS, 0, "", ""), ListOf(BRACKETS, 0, "", "\n")))
LINES = OneOf((ListOf(InOrder((Text("is "), Bare(",\n"))), 1, "", "\n"), Text("NAN")))


def test_a_value_of_a_list_of_values_is_not_guessed() -> None:
    whole = '{"colour": [{"subject": "Ada", "object": "red"}'
    assert complete(PAIRS, whole) == whole + "]}"
    for cut in ('"r', '"red', '"', '"redder'):
        assert complete(PAIRS, f'{whole}, {{"subject": "Bo", "object": {cut}') == whole + "]}"
    assert complete(PAIRS, '{"colour": [{"subject": "Ada", "object": "blue"}]}') is None


@pytest.mark.parametrize(("shape", "written", "closed"), [
    (ListOf(Free()), '["a \\" b", "c', '["a \\" b"]'),
    (ListOf(Free()), '["a", ""]', None),
    (ListOf(Pattern(r"\d+")), '["12", "3', '["12"]'),
    (ListOf(Pattern(r"\d+")), '["12", "x"]', None),
    (ListOf(Pattern(r"\d*")), '["", "1"]', '["", "1"]'),
    (ListOf(Pattern(r'"\\')), '["\\"\\\\"', '["\\"\\\\"]'),
    (ListOf(Pattern("x")), '["\\q"]', None),
    (ListOf(Choice(("a", 'b"'))), '["a", "b\\""', '["a", "b\\""]'),
    (ListOf(Choice(("a", 'b"'))), '["a", "b\\', '["a"]'),
    (InOrder((Text("("), Words(","), Text(","), MENTION)), '(x y,"a"', '(x y,"a"'),
    (InOrder((Text("("), Words(","), Text(","), MENTION)), '(,"a"', None),
])
def test_fields_of_other_kinds(shape: object, written: str, closed: str | None) -> None:
    assert complete(shape, written) == closed  # type: ignore[arg-type]


@given(st.integers(0, 40), st.sampled_from(["", "\n"]))
def test_triples_in_brackets_are_kept_while_they_are_whole(end: int, between: str) -> None:
    items = ["(Ada,a,Bob)", "(x y,b,z)", "(康,a,“w”)"]
    answer = between.join(items)
    assert complete(TRIPLES, answer) == answer
    written = answer[:end]
    kept, n = "", 0
    while n < len(items) and written.startswith(between.join(items[: n + 1])):
        kept = between.join(items[: n + 1])
        n += 1
    assert complete(TRIPLES, written) == kept


def test_a_mention_at_the_very_end_is_whole_only_where_the_model_ended_there() -> None:
    assert complete(LINES, "is Ada\nis Bo") == "is Ada"
    assert complete(LINES, "is Ada\nis Bo", ended=True) == "is Ada\nis Bo"
    assert complete(LINES, "is Ada\n") == "is Ada"
    assert complete(LINES, "is Ad") == "NAN"
    assert complete(LINES, "") == "NAN"
    assert complete(LINES, "N") == "NAN"
    assert complete(LINES, "no") is None
    assert complete(LINES, "is Ada, is Bo", ended=True) is None
