"""Tokens, shingles and digests mean the same for texts that differ in form only."""

from __future__ import annotations

import subprocess
import sys

import pytest

from iepile.corpus.shingles import digest, enough, fold, jaccard, shingles, tokens


def test_fold() -> None:
    assert fold("  Ada\u3000Ｂｏｂ\n\nSTRASSE ") == fold("ada bob straße") == "ada bob strasse"


def test_tokens() -> None:
    assert tokens("Don't_stop: U.S. GDP+3.5%") == ["don", "t", "stop", "u", "s", "gdp", "3", "5"]
    assert tokens("iPhone手机，很好") == ["iphone", "手", "机", "很", "好"]
    assert tokens("。，!?") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c d", ["a b c", "b c d"]),
        ("a b", ["a b"]),
        ("", []),
        ("。", []),
        ("我去北京", ["我 去 北 京"]),
        ("我去了北京", ["我 去 了 北", "去 了 北 京"]),
    ],
)
def test_shingles(text: str, expected: list[str]) -> None:
    assert shingles(text) == expected


def test_jaccard() -> None:
    assert jaccard(frozenset(), frozenset()) == 1.0
    assert jaccard(frozenset("a"), frozenset()) == 0.0


def test_two_chinese_characters_are_a_word() -> None:
    assert enough(["a"] * 3, "en", 3) and not enough(["中"] * 5, "zh", 3) and enough(["中"] * 6, "zh", 3)


def test_a_digest_is_the_same_in_every_process() -> None:
    code = "from iepile.corpus.shingles import digest; print(digest('Ada 去'))"
    out = subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True)
    assert int(out.stdout) == digest("Ada 去") < 1 << 64
    digest("\ud800")
