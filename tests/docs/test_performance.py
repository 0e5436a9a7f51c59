"""docs/*/performance.md is what docs/performance.py makes of the recorded figures, and leaves no record out."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("performance_page", ROOT / "docs/performance.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_not_stale(maker: ModuleType, language: str) -> None:
    page = (ROOT / f"docs/{language}/performance.md").read_text("utf-8")
    assert page == maker.page(language), "python docs/performance.py --write"


def test_every_record_is_shown() -> None:
    plan = tomllib.loads((ROOT / "docs/performance.toml").read_text("utf-8"))
    shown = [b["result"] for area in plan["area"] for b in area["benchmark"]]
    assert sorted(shown) == sorted(p.stem for p in (ROOT / "benchmarks/results").glob("*.json"))


def test_ratios_speak_for_what_is_larger_or_smaller(maker: ModuleType) -> None:
    ways = ("ours/beside", "beside/ours", "share", "")
    assert [maker._ratio(6, 3, w) for w in ways] == ["2.00", "0.50", "200.00 %", "-"]
    assert maker._ratio(1, 0, "ours/beside") == "-"
    assert maker._ratio(1000.0, 2, "ours/beside") == "500"
