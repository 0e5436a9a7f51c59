"""What is installed and what is missing is told, with the command that brings it."""

from __future__ import annotations

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from iepile.cli import doctor
from iepile.cli.main import main

ROOT = Path(__file__).parents[2]


def test_every_extra_is_told_with_what_it_is_for() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    found = doctor.extras()
    assert {e.name for e in found} == known.keys() - {"dev"} and all(e.about for e in found)
    for e in found:
        assert len(e.installed) + len(e.missing) == len(known[e.name])


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    there = metadata.version

    def version(name: str) -> str:
        if name == "pyoxigraph":
            raise metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(metadata, "version", version)
    assert main(["doctor"]) == 0
    assert "pip install 'iepile[graph]'" in capsys.readouterr().out
    assert main(["doctor", "graph"]) == 1
    assert "not whole: graph" in capsys.readouterr().err
    assert main(["doctor", "rouge", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["device"].startswith(("cpu", "cuda", "mps"))
    assert next(e for e in told["extras"] if e["name"] == "graph")["missing"] == ["pyoxigraph"]
    assert main(["doctor", "nonsense"]) == 2
    assert "no extra 'nonsense'" in capsys.readouterr().err


def test_torch_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["device"] == "" and told["device_problem"] == "torch is not installed"
