"""The code on the pages on extending works, and is the same in both languages.

The raw format and the card are followed in `corpus/test_formats_format.py`, a task in `tasks/test_recipe.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.mining import mine as mining
from iepile.schema import Schema

DOCS = Path(__file__).parents[1] / "docs"
CODE = re.compile(r"^```(?:python|yaml)\n(.*?)^```$", re.M | re.S)


def test_both_languages_show_the_same_code() -> None:
    english, chinese = (CODE.findall((DOCS / lang / "extending.md").read_text("utf-8")) for lang in ("en", "zh"))
    assert english == chinese and len(english) >= 5


def test_the_mining_method_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (DOCS / "en" / "extending.md").read_text("utf-8")
    written: dict[str, Any] = {}
    function, line = CODE.findall(page.partition("\n## A way to mine hard negatives\n")[2].partition("\n## ")[0])
    exec(compile(function, "<mining method>", "exec"), written)
    monkeypatch.setattr(mining, "METHODS", mining.METHODS | eval(f"{{{line}}}", written))
    schema = Schema.of_entities("birth date", "death date", "birth place", "company")
    options = mining.MiningOptions(methods={"shared_word": 1.0})
    found = mining.mine(schema, "NER", options).neighbours
    assert [n.label for n in found["birth date"]] == ["birth place", "death date"]
    assert found["birth date"][1].evidence == {"shared_word": ("date",)}
    assert found["company"] == ()
