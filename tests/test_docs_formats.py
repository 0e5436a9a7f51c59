"""The pages on raw formats name every format and every kind of repair, in both languages."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from iepile.corpus.formats.format import formats
from iepile.corpus.formats.reading import Repair

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.M)


def rows(language: str) -> list[tuple[str, list[str]]]:
    """(first cell, the others) of the rows whose first cell is code, below the heading on raw formats."""
    page = (ROOT / "docs" / language / "data.md").read_text("utf-8")
    _, _, below = page.partition({"en": "\n## Raw formats\n", "zh": "\n## 原始格式\n"}[language])
    assert below
    return [(name, [cell.strip() for cell in rest.split(" | ")])
            for name, rest in ROW.findall(below.partition("\n## ")[0])]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_format_has_one_row(language: str) -> None:
    named = {name: cells for name, cells in rows(language) if not name.startswith("Repair.")}
    assert sorted(named) == sorted(formats())
    assert all(cells[0] for cells in named.values())
    assert max(Counter(name for name, _ in rows(language)).values()) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_repair_is_explained_as_the_summary_words_it(language: str) -> None:
    told = {name.removeprefix("Repair."): cells for name, cells in rows(language) if name.startswith("Repair.")}
    assert {name: cells[0] for name, cells in told.items()} == {r.name: r.value for r in Repair}
    assert all(meaning for _, meaning in told.values())


def test_the_tables_of_both_languages_agree() -> None:
    assert [name for name, _ in rows("en")] == [name for name, _ in rows("zh")]
