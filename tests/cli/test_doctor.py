"""What is installed and what is missing is told, with the command that brings it."""

from __future__ import annotations

import io
import json
import shutil
import socket
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from iepile.cli import doctor, doctor_checks
from iepile.cli.main import main

ROOT = Path(__file__).parents[2]


def test_every_extra_is_told_with_what_it_is_for() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    found = doctor.extras()
    assert {e.name for e in found} == known.keys() - {"dev"} and all(e.about for e in found)
    for e in found:
        if e.name != "all":
            assert len(e.installed) + len(e.missing) == len(known[e.name])
    holds = {e.name: {*e.installed, *e.missing} for e in found}
    for name in known["all"][0].removeprefix("iepile[").removesuffix("]").split(","):
        assert holds[name] <= holds["all"], name


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
    assert told["device"] == ""
    (check,) = (c for c in told["checks"] if c["name"] == "models run on")
    assert check == {"name": "models run on", "state": "warning", "found": "torch is not installed",
                     "fix": "pip install 'iepile[train]'"}


def test_a_package_that_is_too_old_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.4.9" if name == "pyoxigraph" else there(name))
    assert main(["doctor", "graph"]) == 1
    said = capsys.readouterr()
    assert "(pyoxigraph>=0.5)" in said.out and "not whole: graph" in said.err
    monkeypatch.setattr(metadata, "version", lambda name: "0.5.0+local" if name == "pyoxigraph" else there(name))
    assert main(["doctor", "graph"]) == 0


def test_a_port_in_use_is_told_and_a_free_one_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        number = s.getsockname()[1]
        assert doctor_checks.port(number).state == "ill"
        assert main(["doctor", "--port", str(number)]) == 0  # one may want no service
        assert "iepile serve --port with another number" in capsys.readouterr().out
    assert doctor_checks.port(number) == doctor_checks.Check("port", "well", f"{number}, free")
    assert main(["doctor", "--port", "65536"]) == 2


def test_folders_that_cannot_be_written_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor_checks.folder("data", str(tmp_path / "a/b"), "x").found == f"{tmp_path / 'a/b'}, to be made"
    assert doctor_checks.folder("data", str(tmp_path), "x").found == str(tmp_path)
    assert not list(tmp_path.iterdir())  # looking leaves nothing
    (tmp_path / "file").touch()
    found = doctor_checks.folder("data", str(tmp_path / "file/below"), "choose another")
    assert (found.state, found.fix) == ("ill", "choose another")


def test_little_room_and_a_terminal_without_chinese_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor_checks.disk().state in ("well", "warning")
    monkeypatch.setattr(doctor_checks, "ENOUGH_DISK", 1e9)
    monkeypatch.setattr(doctor_checks, "ENOUGH_MEMORY", 1e9)
    low = doctor_checks.memory()
    assert doctor_checks.disk().state == "warning" and (low is None or low.state == "warning")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert doctor_checks.terminal().fix == "set PYTHONUTF8=1"


def test_a_gpu_that_torch_does_not_see_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is one that it sees")
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert doctor_checks.device()[1].fix == "install the build of torch for CUDA in its place"
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "no GPU answers" in doctor_checks.device()[1].found


def test_everything_is_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"models run on", "terminal", "free here", "temporary files", "fetched models", "data of the service",
            "port"} <= {c["name"] for c in told["checks"]}
    for check in told["checks"]:
        assert check["state"] == "well" or check["fix"]
