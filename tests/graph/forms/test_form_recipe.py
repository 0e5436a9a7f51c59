"""A new form of graph is one file: the recipe of docs/en/extending.md, followed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import iepile.graph.forms as package
from graph.forms.made import EDGES, edge, kept, stored
from iepile.graph.build import KgConfig, build
from iepile.graph.forms.form import find_form, form_names, forms
from iepile.graph.store import Store

PAGE = Path(__file__).parents[3] / "docs" / "en" / "extending.md"


def documented() -> list[str]:
    below = PAGE.read_text("utf-8").partition("\n## A form of graph\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", below, re.M | re.S)


@pytest.fixture
def with_msgpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry with the form that the page adds."""
    folder = tmp_path / "added"
    folder.mkdir()
    (folder / "msgpack.py").write_text(documented()[0], "utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    forms.cache_clear()
    yield
    sys.modules.pop("iepile.graph.forms.msgpack", None)
    forms.cache_clear()


def test_a_form_is_added_by_adding_a_file(with_msgpack: None, tmp_path: Path) -> None:
    assert "msgpack" in form_names()
    form = find_form("graph.msgpack.zst")
    assert form is forms()["msgpack"] and form.read
    with Store(stored(tmp_path / "graph.db", EDGES)) as store:
        assert form.write(store, tmp_path / "graph.msgpack") == len(EDGES)
    assert list(form.read(tmp_path / "graph.msgpack")) == EDGES
    build(KgConfig(input_file=str(tmp_path / "graph.msgpack"), output_file=str(tmp_path / "again.db")))
    assert kept(tmp_path / "again.db") == EDGES


def test_the_test_of_the_page_passes(with_msgpack: None, tmp_path: Path) -> None:
    written: dict[str, Any] = {}
    exec(compile(documented()[1], "<test of the page>", "exec"), written)
    tests = [value for name, value in written.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test(tmp_path)


def test_without_the_file_there_is_no_such_form(tmp_path: Path) -> None:
    assert "msgpack" not in form_names()
    assert edge() in kept(stored(tmp_path / "graph.db", [edge()]))
