"""The pages on forms name every form with its endings, and their commands run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iepile.graph.forms.form import form_names, forms

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.M | re.S)


def page(language: str) -> str:
    return (ROOT / "docs" / language / "graph_forms.md").read_text("utf-8")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_form_is_told_with_its_endings(language: str) -> None:
    rows = "\n".join(line for line in page(language).splitlines() if line.startswith("| `"))
    assert [name for name in form_names() if f"`{name}`" not in rows] == []
    first = [f.endings[0] for f in forms().values() if f.endings]
    assert [ending for ending in first if f"`{ending}`" not in rows] == []


def test_both_pages_have_the_same_commands() -> None:
    assert BLOCK.findall(page("en")) == BLOCK.findall(page("zh"))


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    said = ""
    for language, code in BLOCK.findall(page("en")):
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        said += done.stdout
    assert said.count("edges") >= 8 and "founded by" in said
