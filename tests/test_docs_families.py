"""The pages on model families: complete, the same in both languages, and with code that works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from iepile.models.families import families
from iepile.models.template import OLDER
from tiny_models import byte_level_tokenizer, make_model

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {lang: (DOCS / lang / "families.md").read_text("utf-8") for lang in ("en", "zh")}
CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


@pytest.mark.parametrize("lang", sorted(PAGES))
def test_every_family_has_its_row(lang: str) -> None:
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in PAGES[lang].splitlines() if line[:2] == "| "]
    found = {r[0]: r for r in rows if len(r) == 7}
    assert len(found) == len(families()) + 1
    for f in families():
        row = found[f.name]
        assert row[1].split(", ") == list(f.names)
        assert re.findall("`(.*?)`", row[2]) == list(f.model_types)
        assert re.findall("`(.*?)`", row[3]) == list(f.lora_targets)
        assert row[4] == ", ".join([*f.templates, *(f"{t} ({n})" for n, t in f.named.items())] or ["alpaca"])
        assert bool(row[5]) == f.remote_code and bool(row[6]) == bool(f.note)
    assert {r[0]: r[1] for r in rows if r[0] in OLDER and len(r) == 3} == OLDER


def test_the_code_works_and_is_the_same_in_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    code = {lang: CODE.findall(page) for lang, page in PAGES.items()}
    assert code["en"] == code["zh"] and len(code["en"]) == 3
    make_model(tmp_path / "base", byte_level_tokenizer())
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for block in code["en"]:
        exec(compile(block, "families.md", "exec"), known)
    assert "\nllama alpaca " in "\n" + capsys.readouterr().out
    assert (tmp_path / "served" / "chat_template.jinja").is_file()
