"""What is in the wheel and in the source archive, and that the same tree gives the same bytes."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from built_package import Built, build

LARGEST = 8 << 20
"""Bytes that the wheel may have. It had 1.7 million in November 2026."""
ENDINGS = {".py", ".toml", ".yaml", ".json", ".jinja", ".sql", ".html", ".css", ".js", ".txt", ".typed", ".svg",
           ".md", ".woff2", ".png", ".ico", ".webmanifest", ".bash", ".zsh", ".fish"}


def sources(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")
            if p.is_file() and "__pycache__" not in p.parts}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {n for n in wheel.namelist() if ".dist-info/" not in n}
        licence = [n for n in wheel.namelist() if n.endswith("licenses/LICENSE")]
    assert names == {f"iepile/{n}" for n in sources(built.tree / "src/iepile")}
    assert len(licence) == 1


def test_nothing_stray_is_in_the_wheel(built: Built) -> None:
    assert built.wheel.stat().st_size < LARGEST
    with zipfile.ZipFile(built.wheel) as wheel:
        inside = [n for n in wheel.namelist() if ".dist-info/" not in n]
    for name in inside:
        path = PurePosixPath(name)
        assert path.suffix in ENDINGS or path.name.startswith("LICEN"), name
        assert not {"tests", "__pycache__", "node_modules"} & set(path.parts), name


@pytest.mark.parametrize("kind", ["wordings", "templates", "presets", "pages", "recipes", "tables"])
def test_data_files_are_in_the_wheel(built: Built, kind: str) -> None:
    wanted = {
        "wordings": ["instructions/wording/en.toml", "instructions/wording/zh.toml", "instructions/triples/zh.toml"],
        "templates": ["models/templates/qwen.jinja", "models/templates/llama3.jinja"],
        "presets": ["presets/instructie_en.yaml", "presets/instructie_zh.yaml"],
        "pages": ["pages/graph.html", "pages/vendor/cytoscape.min.js", "pages/vendor/CYTOSCAPE-LICENSE.txt"],
        "recipes": ["recipes/quickstart.yaml", "bench/suites/zero-shot.yaml"],
        "tables": ["graph/store.sql", "cli/doctor.toml", "models/families.toml", "py.typed"],
    }[kind]
    with zipfile.ZipFile(built.wheel) as wheel:
        for name in wanted:
            assert wheel.getinfo(f"iepile/{name}").file_size > 0 or name == "py.typed"


def test_the_page_of_the_service_is_in_the_wheel(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        page = [n for n in wheel.namelist() if n.startswith("iepile/service/page/")]
    assert {Path(n).suffix for n in page} >= {".html", ".js"}


def test_two_builds_are_equal_to_the_byte(built: Built, tmp_path: Path) -> None:
    again = build(built.tree, tmp_path)
    assert again.wheel.read_bytes() == built.wheel.read_bytes()
    assert again.sdist.read_bytes() == built.sdist.read_bytes()


def test_the_source_archive_gives_the_same_wheel(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    for name in ("README.md", "README_CN.md", "CHANGELOG.md", "LICENSE", "Makefile", "constraints.txt",
                 "pyproject.toml", "Dockerfile", ".dockerignore", "docker/compose.yaml"):
        assert (tree / name).read_bytes() == (built.tree / name).read_bytes(), name
    for folder in ("src", "tests", "examples", "docs", "docker", "benchmarks"):
        assert sources(tree / folder) == sources(built.tree / folder), folder
    again = build(tree, tmp_path / "dist")
    assert again.wheel.read_bytes() == built.wheel.read_bytes()
