"""The wheel, installed into a clean environment, works without the extras and without the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest

from built_package import ROOT, Built
from iepile.cli.main import VERBS
from iepile.version import __version__

PIP_SECONDS = 240.0


def pip(python: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """This interpreter's pip, at work on the environment of another."""
    command = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PIP_SECONDS)


def install(python: Path, what: str) -> subprocess.CompletedProcess[str]:
    return pip(python, "install", "-q", "-c", str(ROOT / "constraints.txt"), what)


def clean(folder: Path) -> Path:
    """The interpreter of a new environment into which pip can install; skips where it cannot."""
    venv.create(folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    probe = install(python, "msgspec")
    if probe.returncode:
        pytest.skip(f"pip reaches no registry: {probe.stderr.strip().splitlines()[-1]}")
    return python


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, built: Built) -> Path:
    found = clean(tmp_path_factory.mktemp("clean") / "venv")
    done = install(found, str(built.wheel))
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def report(python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("work")
    script = ROOT / "tests/packaging/installed_check.py"
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run([str(python), "-I", str(script), str(folder)], cwd=folder, env=env,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_the_installed_package_that_answers(report: dict[str, Any], python: Path) -> None:
    assert Path(report["home"]).is_relative_to(python.parents[1])
    assert report["version"] == __version__
    assert report["told version"] == [0, f"iepile {__version__}\n"]


def test_importing_and_the_help_load_nothing_heavy(report: dict[str, Any]) -> None:
    assert report["after import"] == [] and report["after help"] == []
    code, text = report["help"]
    assert code == 0 and all(f"  {verb}" in text for verb in VERBS)


def test_every_verb_tells_what_it_takes(report: dict[str, Any]) -> None:
    assert report["helps"].keys() == VERBS.keys()
    for verb, (code, text) in (report["helps"] | report["actions"]).items():
        assert code == 0 and text.strip() and "Traceback" not in text, verb


def test_work_that_needs_no_extra_is_done(report: dict[str, Any]) -> None:
    for code, text in report["work"]:
        assert code == 0, text
    told = json.loads(report["work"][-1][1])
    assert told["iepile"] == __version__ and told["device"] == ""
    assert "torch is not installed" in {check["found"] for check in told["checks"]}
    assert all(e["missing"] for e in told["extras"] if e["name"] in ("train", "serve", "graph", "documents"))


def test_what_an_extra_brings_is_named(report: dict[str, Any]) -> None:
    code, text = report["without torch"]
    assert code == 2 and "pip install 'iepile[train]'" in text


def test_the_command_and_the_module_start(python: Path, tmp_path: Path) -> None:
    for command in ([str(python.with_name("iepile"))], [str(python), "-I", "-m", "iepile"]):
        done = subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, f"iepile {__version__}\n")


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["documents", "serve", "corpus", "graph", "plot", "servers", "rouge", "baselines"])
def test_an_extra_makes_itself_whole(extra: str, built: Built, tmp_path: Path) -> None:
    """Those without torch: the others are several hundred MB each."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert extra in known
    python = clean(tmp_path / "venv")
    done = install(python, f"iepile[{extra}] @ {built.wheel.as_uri()}")
    assert done.returncode == 0, done.stderr
    told = subprocess.run([str(python), "-I", "-m", "iepile", "doctor", extra], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    checked = pip(python, "check")
    assert checked.returncode == 0, checked.stdout


def test_this_interpreter_is_new_enough() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert sys.version_info[:2] >= tuple(map(int, wanted.removeprefix(">=").split(".")))
