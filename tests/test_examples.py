"""Every recipe that ships can be read, and those on real data run up to their test rows where the data is."""

from __future__ import annotations

from pathlib import Path

import pytest

from iepile.jsonl import read_rows
from iepile.recipe import RunConfig, run

ROOT = Path(__file__).parents[1]
FOLDERS = {"resume_ner": "resume_ner", "conll04": "conll04", "duee": "DuEE1.0"}
TEST_ROWS = {"resume_ner": 477, "conll04": 288 * 2, "duee": 292 * 16}


def test_every_example_is_listed_here() -> None:
    assert sorted(p.stem for p in (ROOT / "examples").glob("*.yaml")) == sorted(FOLDERS)


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_recipes_on_real_data_reach_their_test_rows(name: str, shared: Path, tmp_path: Path) -> None:
    data = shared / "data" / FOLDERS[name]
    recipe = str(ROOT / "examples" / f"{name}.yaml")
    done = run(RunConfig(recipe=recipe, output=str(tmp_path), set=[f"data={data}"], until="test rows"))
    assert done.jobs[-1].stage == "test rows" and not any(j.kept for j in done.jobs)
    assert sum(1 for _ in read_rows(tmp_path / "test.rows.json")) == TEST_ROWS[name]


def test_the_shipped_recipe_makes_its_rows(tmp_path: Path) -> None:
    recipe = str(ROOT / "src" / "iepile" / "recipes" / "quickstart.yaml")
    done = run(RunConfig(recipe=recipe, output=str(tmp_path), until="test rows"))
    assert {j.verb for j in done.jobs} == {"generate", "convert"}
    again = run(RunConfig(recipe=recipe, output=str(tmp_path), until="test rows"))
    assert all(j.kept for j in again.jobs)
