"""The version stands in one file; whatever tells it tells that one."""

from __future__ import annotations

import ast
import re
import tomllib
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest

import iepile
from built_package import ROOT, Built
from iepile.cli.main import main
from iepile.version import __version__

PLACE = ROOT / "src/iepile/version.py"


def test_the_file_holds_it_as_a_plain_string_and_numbers() -> None:
    (assigned,) = (node for node in ast.parse(PLACE.read_text("utf-8")).body if isinstance(node, ast.Assign))
    assert isinstance(assigned.value, ast.Constant) and assigned.value.value == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)


def test_the_build_reads_that_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    assert ROOT / project["tool"]["hatch"]["version"]["path"] == PLACE


def test_archives_and_their_metadata_bear_it(built: Built) -> None:
    assert built.wheel.name == f"iepile-{__version__}-py3-none-any.whl"
    assert built.sdist.name == f"iepile-{__version__}.tar.gz"
    with zipfile.ZipFile(built.wheel) as wheel:
        told = Parser().parsestr(wheel.read(f"iepile-{__version__}.dist-info/METADATA").decode())
    assert (told["Name"], told["Version"]) == ("iepile", __version__)


def test_what_is_installed_here_bears_it() -> None:
    assert metadata.version("iepile") == __version__, "install again: pip install -e ."
    assert iepile.__version__ == __version__


def test_the_command_line_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"iepile {__version__}\n"


def test_the_service_tells_it(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    from iepile.service.app import create_app
    from iepile.service.config import ServeConfig

    assert create_app(ServeConfig(data_dir=str(tmp_path), page=False)).openapi()["info"]["version"] == __version__


def test_model_cards_and_stamps_take_it_from_there() -> None:
    """No other file of the package spells it out."""
    for path in (ROOT / "src").rglob("*"):
        if path.suffix in (".py", ".toml", ".yaml", ".jinja", ".html", ".js") and path != PLACE \
                and "vendor" not in path.parts:
            assert f'"{__version__}"' not in path.read_text("utf-8"), path
    writers = [p for p in (ROOT / "src/iepile/training").rglob("*.py") if "ModelCard(" in p.read_text("utf-8")]
    assert writers
    for path in writers:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "ModelCard" and call.keywords:
                version = next(k.value for k in call.keywords if k.arg == "version")
                assert isinstance(version, ast.Name) and version.id == "__version__", path


def test_the_changelog_says_what_came_with_it() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", text, re.M)
    if __version__ not in headings:  # not released yet: the work in hand says which version it will be
        assert headings[0] == "Unreleased"
        in_hand = text.split("## [Unreleased]", 1)[1].split("\n## [", 1)[0]
        assert re.search(rf"will be {re.escape(__version__)}\b", in_hand)
    released = [tuple(map(int, re.findall(r"\d+", h)[:3])) for h in headings if h != "Unreleased"]
    assert released == sorted(released, reverse=True)
    assert all(r <= tuple(map(int, re.findall(r"\d+", __version__)[:3])) for r in released)


def test_pages_that_name_a_version_name_this_one() -> None:
    for path in (*ROOT.glob("README*.md"), *ROOT.glob("docs/*/*.md")):
        for told in re.findall(r"\biepile[ -=]+v?(\d+\.\d+\.\d+)\b", path.read_text("utf-8")):
            assert told == __version__, path
