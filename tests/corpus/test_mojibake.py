"""Texts read in a wrong encoding are told from texts in a foreign script."""

from __future__ import annotations

import pytest

from iepile.corpus.mojibake import is_mojibake

TEXTS = [
    "Zoë’s café — “très” bon",
    "Ürümqi, São Tomé, Łódź",
    "林晚舟在临溪镇创立了青麦食品。",
    "东京の本社",
    "3½ × 2 µm ± 5 °C",
]


@pytest.mark.parametrize("text", [*TEXTS, "plain", "", "é", "😀😀"])
def test_sound(text: str) -> None:
    assert not is_mojibake(text)


def test_utf8_read_as_western() -> None:
    for text in TEXTS[:2]:
        assert is_mojibake(text.encode().decode("cp1252", "replace"))


def test_utf8_read_as_chinese() -> None:
    for text in ("临溪镇青麦食品", "我们都在这里"):
        broken = text.encode().decode("gb18030", "ignore")
        assert broken != text and is_mojibake(broken)


@pytest.mark.parametrize("text", ["锟斤拷", "don\x92t", "bad \ufffd", "烫烫烫烫", "ï»¿text"])
def test_what_only_a_fault_leaves(text: str) -> None:
    assert is_mojibake(text)
