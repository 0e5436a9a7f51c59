"""Every command of the page on RDF runs, in order, and prints what the page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(language: str) -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / f"docs/{language}/rdf.md").read_text("utf-8"))


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_both_languages_show_the_same() -> None:
    assert blocks("en") == blocks("zh")


@pytest.mark.timeout(300)
def test_the_page_on_rdf(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1",
           "COLUMNS": "120"}
    printed: list[str] = []
    queries = shown = 0
    for language, code in blocks("en"):
        if language in ("bash", "python"):
            command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
            done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
            printed = words(done.stdout)
            queries += "SELECT" in code and language == "bash"
        else:
            missing = [line for line in words(code) if not any(line in other for other in printed)]
            assert missing == [], printed
            shown += 1
    assert (queries, shown) == (6, 7)
    assert (tmp_path / "runs/graph/one.ttl").read_text("utf-8").count("\n") == 89
