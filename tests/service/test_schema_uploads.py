"""Schema files that people send in: YAML and JSON within limits."""

from __future__ import annotations

import time

import pytest

from iepile.errors import InputError
from iepile.schema import Schema
from iepile.service.refusals import TooLarge
from iepile.service.schema_uploads import MOST, of_file


@pytest.mark.parametrize("text", [
    "entities: [person]", "\ufeffentities:\n  person: ''\n", '{"entities": ["person"]}',
    ' \n{"entities": {"person": ""}}',
    '["person"]\n[]\n{}\n',
])
def test_all_forms_of_files(text: str) -> None:
    assert of_file(text) == Schema.of_entities("person")


@pytest.mark.parametrize("text", ["entities: [", "{", "just words", "- a\n- b", "entities: {a: {b: c}}", "\x00",
                                  "!!python/object:os.system x",
                                  "[" * 5000, "a: " * 500, "{" * 5000, "\ud800"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError) as error:
        of_file(text)
    assert error.value.field


def test_a_few_lines_that_stand_for_gigabytes() -> None:
    pairs = zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in pairs)
    started = time.monotonic()
    with pytest.raises(InputError, match="references"):
        of_file(bomb)
    assert time.monotonic() - started < 5


def test_size() -> None:
    with pytest.raises(TooLarge):
        of_file("a" * (MOST + 1))
