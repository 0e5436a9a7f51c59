"""What the filters leave out, and what they must not."""

from __future__ import annotations

from typing import Any

import pytest

from iepile.corpus.quality import Quality, QualitySettings, judge, limits_for, stop_words
from iepile.corpus.rejects import Reason, Rejects
from iepile.errors import InputError
from iepile.records import Document

ROSTER = "Team : 1 - " + " , 2 - ".join(f"Ann{c} Bo{c}" for c in "abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Oberwald", "en"),
        ("OBERWALD 1996-08-27", "en"),
        ("哈哈哈哈哈哈😂😂😂林晚舟来了", "zh"),
        ("男，1960年出生，大学学历。", "zh"),
        ("临溪", "zh"),
        ("GDP up 3.5 %", "en"),
        (ROSTER, "en"),
        ("@lin http://a.bc/xyz 转发微博", "zh"),
        ("iPhone 15 Pro Max 512GB Titanium", "en"),
        ("历任副厂长、厂长、董事长、总经理、党委书记、监事会主席、工会主席、总工程师、总会计师。" * 2, "zh"),
        ("OK", "zh"),
        ("a b\nc d\na b\ne f", "en"),
        ("Text 道 means way", "en"),
    ],
)
def test_kept(text: str, language: str) -> None:
    assert judge(Document(text, language=language), limits_for(language)) is None
    assert judge(Document(text), limits_for(language)) is None


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("", "en", Reason.EMPTY),
        (" \n\u3000", "zh", Reason.EMPTY),
        ("a.", "en", Reason.SHORT),
        ("林", "zh", Reason.SHORT),
        ("词" * 20_001, "zh", Reason.LONG),
        ("word " * 12_001, "en", Reason.LONG),
        ("6-3 4-6 7-5", "en", Reason.FEW_LETTERS),
        ("——————————", "zh", Reason.FEW_LETTERS),
        ("啊" * 30 + "林晚舟", "zh", Reason.REPEATED_CHARACTERS),
        ("buy now\n" * 5 + "here", "en", Reason.REPEATED_LINES),
        ("她在临溪镇工作很多年了，后来才去了北京读书上学的地方。", "en", Reason.LANGUAGE),
        ("She has lived in Oberwald for years.", "zh", Reason.LANGUAGE),
        (" ".join(f"xq{i}z" for i in range(200)), "en", Reason.FEW_STOP_WORDS),
        ("颗粒钢铁铜锌铝锡镍铬" * 30, "zh", Reason.FEW_STOP_WORDS),
    ],
)
def test_left_out(text: str, language: str, reason: Reason) -> None:
    assert judge(Document(text, language=language), limits_for(language)) is reason


@pytest.mark.parametrize(
    ("change", "text", "reason"),
    [
        ({"min_characters": 20}, "Ada met Bob.", Reason.SHORT),
        ({"max_characters": 5}, "Ada met Bob.", Reason.LONG),
        ({"min_letters": 0.9}, "Ada, 3, met 4!", Reason.FEW_LETTERS),
        ({"min_letters": 0.0}, "6-3 4-6", None),
        ({"max_repeated_characters": 0.1}, "soooooooo good", Reason.REPEATED_CHARACTERS),
        ({"max_repeated_lines": 1.0}, "buy now\n" * 9, None),
        ({"check_language": False}, "她在临溪镇工作很多年了，后来才去了北京读书上学的地方。", None),
        ({"min_stop_words": 0.0}, " ".join(f"xq{i}z" for i in range(200)), None),
        ({"filters": False}, "1", None),
        ({"filters": False}, " ", Reason.EMPTY),
    ],
)
def test_settings(change: dict[str, Any], text: str, reason: Reason | None) -> None:
    rejects = Rejects()
    kept = list(Quality(QualitySettings(**change), rejects).run([Document(text, language="en", source="s")]))
    assert (len(kept), rejects.counts) == ((0, {reason.value: 1}) if reason else (1, {}))


@pytest.mark.parametrize(
    "change",
    [
        {"min_letters": 2.0},
        {"min_letters": float("nan")},
        {"min_stop_words": -0.1},
        {"max_repeated_lines": 1.1},
        {"max_repeated_characters": 3.0},
        {"min_characters": -1},
    ],
)
def test_limits_out_of_range(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        Quality(QualitySettings(**change), Rejects())


def test_lists_differ_by_language() -> None:
    assert "the" in stop_words("en") and "的" in stop_words("zh")
    assert not stop_words("en") & stop_words("zh")
    assert limits_for("zh") != limits_for("en") and limits_for("fr") == limits_for("en")
