"""The quickstart: whole (slow), and small."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from iepile.cli import show
from iepile.cli.main import main
from iepile.cli.quickstart import show_quickstart
from iepile.cli.recipes import run_shown
from iepile.jsonl import read_rows
from iepile.recipe import RunConfig

OUT = ("documents", "rows", "train/model", "predictions", "scores", "graph")


def shipped() -> dict[str, dict[str, dict[str, object]]]:
    recipe = yaml.safe_load(files("iepile.recipes").joinpath("quickstart.yaml").read_text("utf-8"))
    assert isinstance(recipe, dict)
    return recipe


def test_a_small_quickstart_shows_what_the_whole_one_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = shipped()
    for stage in recipe["stages"].values():
        settings = stage["with"]
        if "n" in settings:
            settings["n"] = 4
    recipe["stages"]["train"]["with"] |= {"max_steps": 20, "threads": 1}
    small = tmp_path / "small.yaml"
    small.write_text(yaml.safe_dump(recipe, sort_keys=False), "utf-8")
    out = tmp_path / "run"
    done = run_shown(RunConfig(recipe=str(small), output=str(out)))
    show_quickstart(done)
    text, progress = capsys.readouterr()
    assert "held-out test" in text and "F1" in text and "Chinese" in text and "English" in text
    assert " 0 invalid; " in text and " 0 not in the text" in text
    for name in OUT:
        assert name in text and (out / name).exists()
    assert "train: " in progress
    assert {p.suffix for p in (out / "graph").iterdir()} == {".db", ".html", ".jsonl", ".graphml"}
    # Again: everything is kept, and the report is the same.
    run_shown(RunConfig(recipe=str(small), output=str(out)))
    assert capsys.readouterr().err.count("kept") == len(done.jobs)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_quickstart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    try:
        assert main(["quickstart", "--output", str(tmp_path), "--json"]) == 0
    finally:
        show.as_json = False
    result = json.loads(capsys.readouterr().out)
    assert list(result["scores"]) == ["zh", "en"]
    for scores in result["scores"].values():
        f1 = {(s["task"], s["group"]): s["score"]["f1"] for s in scores}
        # Floors well below what it does; a part that stopped learning falls through.
        assert f1["NER", "entity"] > 85 and f1["RE", "relation"] > 60
        assert f1["EE", "event"] > 80 and f1["EE", "argument"] > 60
    for summary in result["predictions"].values():
        assert summary["invalid"] == summary["ungrounded"] == summary["errors"] == 0
    edges = [row for _, row in read_rows(tmp_path / "graph/zh.triples.jsonl")]
    assert len(edges) > 1000 and all(e["document"] and e["instruction"] for e in edges)
