"""The pages in docs/en and docs/zh say the same: equal headings, blocks, tables, and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.M | re.S)
PAGES = sorted(p.name for p in (ROOT / "docs/en").glob("*.md"))


def outline(text: str) -> dict[str, object]:
    """What two pages have in common that say the same in two languages."""
    blocks = [(m[2], m[3]) for m in BLOCK.finditer(text)]
    prose = BLOCK.sub("", text)
    return {
        "levels of the headings": [len(marks) for marks in re.findall(r"^(#+) ", prose, re.M)],
        "languages of the blocks": [language for language, _ in blocks],
        "commands": [code for language, code in blocks if language == "bash"],
        "rows of the tables": [table.count("\n") for table in re.findall(r"(?:^\|.*\n)+", prose, re.M)],
        "objects of the reference": re.findall(r"^::: (\S+)$", prose, re.M),
        "pages linked": sorted(set(re.findall(r"\]\((\w+\.md)", prose))),
    }


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_say_the_same(name: str) -> None:
    english, chinese = (outline((ROOT / "docs" / language / name).read_text("utf-8")) for language in ("en", "zh"))
    assert english == chinese


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_title(name: str) -> None:
    for language in ("en", "zh"):
        text = (ROOT / "docs" / language / name).read_text("utf-8")
        assert text.startswith("# "), language
        assert len(re.findall(r"^# ", BLOCK.sub("", text), re.M)) == 1, language


def test_the_home_page_leads_to_every_page() -> None:
    home = (ROOT / "docs/en/index.md").read_text("utf-8")
    missing = [name for name in PAGES if name != "index.md" and f"]({name})" not in home]
    assert missing == []


def test_the_reference_has_every_public_name() -> None:
    import iepile

    page = (ROOT / "docs/en/api.md").read_text("utf-8")
    listed = {path.rpartition(".")[2] for path in re.findall(r"^::: (\S+)$", page, re.M)}
    assert set(iepile.__all__) - listed == {"tune"}
    assert "`iepile.tune` is this function:\n\n::: iepile.extraction.dev_score.tune_scored" in page
