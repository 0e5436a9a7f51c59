"""Every command of the READMEs and the tutorials runs, in order, in a copy of what a checkout holds.

A block is left out only where an HTML comment right above it says why: `<!-- not run: needs a download -->`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAIRS = {
    "readme": ("README.md", "README_CN.md"),
    "tutorial": ("docs/en/tutorial.md", "docs/zh/tutorial.md"),
    **{name: (f"docs/en/{name}.md", f"docs/zh/{name}.md")
       for name in ("index", "how_to", "faq", "migration", "concepts", "install", "corpus", "catalog",
                    "cleaning", "negatives", "scale", "training", "methods", "families",
                    "training_data", "training_speed", "parallel", "monitoring", "export", "compact", "extraction",
                    "confidence", "long_text", "evaluation", "errors", "report", "protocols", "bench",
                    "baselines", "triples", "completion", "graph", "merging", "graph_checks", "graph_forms", "rdf",
                    "property_graph", "graph_view", "service", "service_page", "service_jobs", "service_chat",
                    "documents", "examples")},
    "recipes": ("docs/en/recipes.md", "docs/zh/recipes.md"),
}
BLOCK = re.compile(r"(?:<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#]+)\)")


def blocks(page: str) -> list[tuple[str, str, str]]:
    """(language, code, reason not to run it or "") of the shell and Python blocks."""
    found = [m.groupdict(default="") for m in BLOCK.finditer((ROOT / page).read_text("utf-8"))]
    return [
        (b["language"], b["code"], b["note"].removeprefix("not run: ") if b["note"].startswith("not run: ") else "")
        for b in found
        if b["language"] in ("bash", "python")
    ]


@pytest.mark.parametrize("name", PAIRS)
def test_both_languages_have_the_same_commands(name: str) -> None:
    english, chinese = PAIRS[name]
    assert blocks(english) == blocks(chinese)
    assert blocks(english)


@pytest.mark.parametrize("page", sorted(p.relative_to(ROOT).as_posix() for p in (
    *ROOT.glob("README*.md"), *ROOT.glob("docs/*/*.md"))))
def test_links_lead_somewhere(page: str) -> None:
    for link in LINK.findall((ROOT / page).read_text("utf-8")):
        if not link.startswith(("http://", "https://", "mailto:")):
            assert ((ROOT / page).parent / link).exists(), link


def test_both_languages_have_the_same_pages() -> None:
    english, chinese = (sorted(p.name for p in (ROOT / "docs" / lang).glob("*.md")) for lang in ("en", "zh"))
    assert english == chinese


def test_the_file_map_names_everything() -> None:
    listed = {n for row in re.findall(r"^\| (`.*?`) \|", (ROOT / "README.md").read_text("utf-8"), re.M)
              for n in re.findall(r"`([^`]+)`", row)}
    names = {Path(n).name for n in listed} | {"en", "zh"}
    package = {p.name for p in (ROOT / "src/iepile").iterdir() if not p.name.startswith("_")} - {"py.typed"}
    assert package - names == set()


@pytest.mark.timeout(900)  # a minute on a free machine; two cores may be shared with other work
@pytest.mark.parametrize("name", ["readme", "tutorial", "install", "corpus", "catalog", "cleaning", "negatives",
                                  "scale", "training", "extraction", "confidence", "long_text", "evaluation", "errors",
                                  "report", "protocols", "bench", "baselines", "triples", "completion", "graph",
                                  "merging", "graph_checks", "graph_forms", "rdf", "property_graph", "graph_view",
                                  "migration", "concepts", "examples", pytest.param("index", marks=pytest.mark.slow),
                                  pytest.param("how_to", marks=pytest.mark.slow),
                                  pytest.param("faq", marks=pytest.mark.slow)])
def test_the_commands_run(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    bin_folder = Path(sys.executable).parent
    # One thread each: on a busy machine the threads of torch would wait for one another.
    env = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1",
           "PYTHONWARNINGS": "default", "NO_COLOR": "1"}
    run = 0
    for language, code, reason in blocks(PAIRS[name][0]):
        if reason:
            continue
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        run += 1
    assert run >= (4 if name in ("readme", "tutorial") else 1)
    if name == "readme":
        _the_figures_are_of_the_order_shown(tmp_path / "runs/demo")


def _the_figures_are_of_the_order_shown(folder: Path) -> None:
    """The README prints scores; a model that lost its wits must not pass."""
    import json

    rows = json.loads((folder / "scores.json").read_text("utf-8"))["scores"]
    f1 = {(r["task"], r["group"]): r["score"]["f1"] for r in rows}
    assert f1["NER", "entity"] > 85
    assert f1["EE", "event"] > 70
    assert f1["RE", "relation"] > 50
    assert len((folder / "triples.jsonl").read_text("utf-8").splitlines()) > 500
