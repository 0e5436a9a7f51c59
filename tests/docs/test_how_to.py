"""docs/*/how_to.md has a heading and a command for every verb."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iepile.cli.main import VERBS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_verb_has_a_how_to(language: str) -> None:
    page = (ROOT / f"docs/{language}/how_to.md").read_text("utf-8")
    parts = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    assert set(parts) == set(VERBS)
    for verb, text in parts.items():
        assert re.search(rf"^iepile {verb}\b", text, re.M), verb
