"""The page on benchmarks: its YAML is what the command reads, its numbers are what is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iepile.bench.lined import read_lined
from iepile.bench.published import PublishedFile, read_published
from iepile.bench.report import figure_of
from iepile.bench.suite import Suite, read_suite

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_yaml_of_the_page_is_read(language: str, tmp_path: Path) -> None:
    page = (DOCS / language / "bench.md").read_text("utf-8")
    suite, published = re.findall(r"```yaml\n(.*?)```", page, re.S)
    found, _ = read_lined(suite.encode(), "page", Suite)
    assert [e.dataset for e in found.sets] == ["notices", "conll04"]
    (tmp_path / "p.yaml").write_text(published, "utf-8")
    figures = read_published([str(tmp_path / "p.yaml")]).of("CrossNER_AI", "zero-shot", "NER", "entity")
    # What the page enters by hand is what is shipped of the same source.
    for model in ("GLiNER-L", "GoLLIE"):
        by_hand, shipped = [f for f in figures if f.model == model]
        assert (by_hand.f1, by_hand.table, by_hand.quoted) == (shipped.f1, shipped.table, shipped.quoted)
    read_lined(published.encode(), "page", PublishedFile)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_numbers_of_the_page_are_those_shipped(language: str) -> None:
    page = (DOCS / language / "bench.md").read_text("utf-8")
    for suite in ("supervised", "zero-shot"):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{suite}` |"))
        assert str(len(read_suite(suite)[1])) in row
    figures = read_published([])
    for dataset, task, group in (("ncbi", "NER", "entity"), ("conll04", "RE", "relation"), ("PHEE", "EE", "event")):
        told = figure_of(figures.of(dataset, "supervised", task, group), "InstructUIE")
        assert told is not None and f"{told.f1:.2f}" in page
    for model in ("LLaMA2-IEPile", "OneKE", "GPT-4"):
        assert (model in figures.models) == (f"{model}" not in page.partition("**Not in yet**")[2] + page.partition(
            "**尚未收录**")[2])
