"""JSON as models really break it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.tasks.salvage import loads_tolerant

GOOD = {"a": ["x", "y"], "b": [{"subject": "s", "object": "o"}]}


@pytest.mark.parametrize(
    ("text", "value", "how"),
    [
        (json.dumps(GOOD), GOOD, None),
        (f"```json\n{json.dumps(GOOD, indent=1)}\n```", GOOD, "code fence"),
        (f"```\n{json.dumps(GOOD)}", GOOD, "code fence"),
        (f"Sure! {json.dumps(GOOD)} Done.", GOOD, "text around the JSON"),
        (f"Use {{curly}} braces: {json.dumps(GOOD)}", GOOD, "text around the JSON"),
        (json.dumps(GOOD) * 3, GOOD, "several values"),
        (json.dumps(GOOD) + "}", GOOD, "text around the JSON"),
        ('{"a": ["x\ny"]}', {"a": ["x\ny"]}, "text around the JSON"),
        ('{"a": ["x", "y', {"a": ["x"]}, "cut short"),
        ('{"a": ["x", ', {"a": ["x"]}, "cut short"),
        ('{"a": ["x"], "b', {"a": ["x"]}, "cut short"),
        ('{"a": ["x"], "b": [{', {"a": ["x"], "b": []}, "cut short"),
        ('{"a": ["“A”, B", "c', {"a": ["“A”, B"]}, "cut short"),
        ('{"a": ["x\\u00', {"a": []}, "cut short"),
        ('{"a": ["x\\', {"a": []}, "cut short"),
        ("{“a”：[“x”，“y”]}", {"a": ["x", "y"]}, "mended quotes or commas"),
        ('{"a": [“x”, "y"]}', {"a": ["x", "y"]}, "mended quotes or commas"),
        ("{'a': ['it's', 'x']}", {"a": ["it's", "x"]}, "mended quotes or commas"),
        ('{"a": ["he said "hi" there"]}', {"a": ['he said "hi" there']}, "mended quotes or commas"),
        ('{"a": ["x",], "b": ["y", ],}', {"a": ["x"], "b": ["y"]}, "mended quotes or commas"),
        ('{"a": ["a\\_b", "it\\\'s"]}', {"a": ["a\\_b", "it's"]}, "mended quotes or commas"),
        ("{'a': ['x', 'y", {"a": ["x"]}, "mended quotes or commas, cut short"),
        ('{"a": ["x"] "b": ["y"]}', {"a": ["x"], "b": ["y"]}, "mended quotes or commas"),
        ('{"a": ["\\ud83d"]}', {"a": ["?"]}, "half characters"),
        ('{"a": ["\\ud83d\\ude42"]}', {"a": ["🙂"]}, None),
        ("no", None, "no JSON object"),
        ("", None, "no JSON object"),
        ("[1]", [1], None),
    ],
)
def test_what_is_read(text: str, value: Any, how: str | None) -> None:
    got = loads_tolerant(text)
    assert (got.value, got.how) == (value, how)


@given(st.text())
def test_any_text(text: str) -> None:
    value = loads_tolerant(text).value
    json.dumps(value, ensure_ascii=False).encode()


@given(st.text(st.sampled_from('{}[]",:\\ \'“”ab\n`u0/*#')))
def test_any_punctuation(text: str) -> None:
    json.dumps(loads_tolerant(text).value, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["{" * 50_000, '{"a":' * 20_000, "[" * 50_000, '{"a": ["' + "x\\" * 50_000,
                                  '{"a": [' + '"x" ' * 20_000, "{'" * 30_000, '{"a": [' + "{" * 30_000,
                                  "{/*/", '{"a": /*/', "{/*/" * 20_000, '{"a": /**/' * 20_000])
def test_long_nonsense_is_quick(text: str) -> None:
    start = time.process_time()
    loads_tolerant(text)
    assert time.process_time() - start < 2


def test_real_predictions(shared: Path) -> None:
    """Of a fine-tuned 7B model: what json.loads reads is read unchanged, and the rest is recovered."""
    file = shared / "data" / "IEPile_format_predictions" / "spo_llm_ori__Baichuan2-7B-SPO-4_7_output.json"
    outputs = [json.loads(line)["output"] for line in file.read_text("utf-8").splitlines()]
    plain = recovered = 0
    for output in outputs:
        got = loads_tolerant(output)
        try:
            assert got.value == json.loads(output)
            plain += 1
        except ValueError:
            assert isinstance(got.value, dict)
            assert got.how is not None
            recovered += 1
    assert (len(outputs), plain, recovered) == (663, 662, 1)
