"""Stores of older versions open still, and are brought up to date when they are written to."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from iepile.graph.build import KgConfig, build
from iepile.graph.forms import ladybug
from iepile.graph.sql import sql
from iepile.graph.store import VERSION, Store
from iepile.graph.upgrading import SQL
from iepile.jsonl import write_rows

PLACES = [{"start": 0, "end": 12, "page": 4, "paragraph": 2}]


def documents(path: Path, *ids: str) -> str:
    write_rows(path, ({"id": id_, "text": "Ada met Bob.", "meta": {"places": PLACES}, "relation": [
        {"head": "Ada", "relation": "met", "tail": "Bob"}]} for id_ in ids))
    return str(path)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as version 1 had it."""
    path = tmp_path / "g.db"
    build(KgConfig(documents(tmp_path / "in.jsonl", "d1"), str(path)))
    view = SQL.read_text("utf-8").partition("CREATE VIEW fact AS")[2].partition(";")[0]
    db = sqlite3.connect(path)
    for statement in ("DROP VIEW fact", "ALTER TABLE edge DROP COLUMN place",
                      "CREATE VIEW fact AS" + view.replace("e.place, ", ""), "PRAGMA user_version = 1"):
        db.execute(statement)
    db.close()
    return path


def test_an_old_store_is_read_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    with Store(old) as store:
        (edge,) = store.edges()
        assert (edge.head, edge.tail, edge.place) == ("Ada", "Bob", None)
        assert list(sql(store, "SELECT head, place FROM fact").rows) == [("Ada", None)]
        assert store.summary().placed == 0
    assert old.read_bytes() == before


def test_an_old_store_that_is_added_to_becomes_one_of_today(old: Path, tmp_path: Path) -> None:
    build(KgConfig(documents(tmp_path / "more.jsonl", "d2"), str(old)))
    with Store(old) as store:
        assert [(e.document, e.place) for e in store.edges()] == [("d1", None), ("d2", "page 4, paragraph 2")]
        assert store.summary().placed == 1 and store.one("PRAGMA user_version") == VERSION
    with Store(old, write=True) as store:
        assert store.one("SELECT count(*) FROM fact") == 2


def test_a_database_without_the_column_is_read(tmp_path: Path) -> None:
    pytest.importorskip("ladybug")
    build(KgConfig(documents(tmp_path / "in.jsonl", "d1"), str(tmp_path / "g.lbug")))
    with ladybug.connected(tmp_path / "g.lbug", write=True) as connection:
        for kind in ladybug._TRAILS:
            connection.execute(f"ALTER TABLE {kind} DROP place").close()
    (edge,) = ladybug.read_ladybug(tmp_path / "g.lbug")
    assert (edge.head, edge.document, edge.place) == ("Ada", "d1", None)
