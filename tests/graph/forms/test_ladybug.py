"""A graph as a database of ladybug: whole or not at all, with keys that say what a thing is."""

from __future__ import annotations

import sqlite3
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from graph.forms.made import EDGES, edge, kept, stored
from iepile.errors import IepileError, InputError, MissingDependency
from iepile.graph.build import KgConfig, build
from iepile.graph.forms import ladybug as form
from iepile.graph.forms.ladybug import connected, read_ladybug, write_ladybug
from iepile.graph.store import Store


def written(folder: Path, edges: list[Any], name: str = "g.lbug") -> Path:
    with Store(stored(folder / f"{name}.db", edges)) as store:
        assert write_ladybug(store, folder / name) == len(edges)
    return folder / name


def rows(path: Path, query: str) -> list[list[Any]]:
    with connected(path) as connection:
        found: list[list[Any]] = connection.execute(query).get_all()
    return found


def test_small_portions_and_windows_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "COPIED_ROWS", 100)
    monkeypatch.setattr(form, "READ_ROWS", 7)
    path = written(tmp_path, EDGES[:300])
    assert list(read_ladybug(path)) == EDGES[:300]
    monkeypatch.setattr(form, "COPIED_BYTES", 300)
    assert list(read_ladybug(written(tmp_path, EDGES[:40], "h.lbug"))) == EDGES[:40]


def test_windows_that_do_not_fit_the_memory_are_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, asked = form._window, []

    def narrow(connection: Any, trails: Any, low: int, high: int) -> Any:
        asked.append(high - low)
        if high - low > 20:
            raise RuntimeError("Buffer manager exception: The buffer pool is full")
        return read(connection, trails, low, high)

    monkeypatch.setattr(form, "_window", narrow)
    monkeypatch.setattr(form, "READ_ROWS", 64)
    assert list(read_ladybug(written(tmp_path, EDGES[:50]))) == EDGES[:50]
    assert asked == [64, 16, 16, 16, 16]


def test_keys_and_aliases_are_those_of_any_store_with_these_facts(tmp_path: Path) -> None:
    facts = [edge("Ada Smith", head_type="person", head_mention="Ada"), edge("x"),
             edge("wed", event="d:1", kind="role")]
    query = "MATCH (n) RETURN label(n), n.key, n.name, n.aliases ORDER BY n.key"
    one, other = (rows(written(tmp_path, list(order), name), query)
                  for name, order in (("a.lbug", facts), ("b.lbug", reversed(facts))))
    assert one == other
    assert ["Ada"] in [aliases for *_, aliases in one]
    assert len({key for _, key, *_ in one}) == len(one) == 5


def test_no_type_and_an_empty_type_are_two_nodes(tmp_path: Path) -> None:
    path = written(tmp_path, [edge("Ada", head_type=""), edge("Ada", head_type="null"), edge("Ada")])
    assert sorted(rows(path, "MATCH (a)-[:FACT]->(b) RETURN a.type"), key=str) == [[""], ["null"], [None]]


def test_merged_events_keep_their_own_ids(tmp_path: Path) -> None:
    facts = [edge("sale", "buyer", "Ada", kind="role", event="d:1", head_type="deal"),
             edge("sold", "seller", "Bob", kind="role", event="d:2", head_type="deal")]
    graph = stored(tmp_path / "g.db", facts)
    with Store(graph, write=True) as store:
        one, two = (store.one("SELECT id FROM node WHERE event = ?", (e,)) for e in ("d:1", "d:2"))
        store.db.execute("UPDATE node SET same_as = ? WHERE id = ?", (one, two))
        assert write_ladybug(store, tmp_path / "g.lbug") == 2
    assert list(read_ladybug(tmp_path / "g.lbug")) == kept(graph)
    assert rows(tmp_path / "g.lbug", "MATCH (e:Event) RETURN e.event") == [["d:1"]]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, EDGES[:3])
    before = path.read_bytes()

    def failing(*_: Any) -> None:
        raise RuntimeError("no space left")

    monkeypatch.setattr(form, "_copy_batch", failing)
    with Store(tmp_path / "g.lbug.db") as store, pytest.raises(IepileError, match="ladybug failed: no space left"):
        write_ladybug(store, path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.lbug", "g.lbug.db"]


def test_a_log_left_by_a_program_that_died_is_not_played_back(tmp_path: Path) -> None:
    (tmp_path / "g.lbug.wal").write_bytes(b"of another database")
    (tmp_path / "g.lbug.shadow").write_bytes(b"of another database")
    path = written(tmp_path, EDGES[:3])
    assert list(read_ladybug(path)) == EDGES[:3]
    assert not list(tmp_path.glob("g.lbug.*l*"))


def test_a_folder_with_quotes_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "it's \\ \"a\" 图"
    folder.mkdir()
    assert list(read_ladybug(written(folder, EDGES[:3]))) == EDGES[:3]


def test_a_store_that_changes_meanwhile_is_read_in_one_state(tmp_path: Path) -> None:
    graph = stored(tmp_path / "g.db", EDGES[:3])
    with Store(graph) as store, form.snapshot(store):
        assert len(list(store.edges())) == 3
        other = sqlite3.connect(graph, timeout=0.05)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("DELETE FROM edge")
            other.commit()
        other.close()


def test_it_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, EDGES[:3]).rename(tmp_path / "renamed")
    build(KgConfig(input_file=str(path), output_file=str(tmp_path / "again.db")))
    assert kept(tmp_path / "again.db") == EDGES[:3]


@pytest.mark.parametrize("name", ["g.lbug.gz", "g.neo4j.zst"])
def test_databases_and_folders_are_not_packed(tmp_path: Path, name: str) -> None:
    graph = stored(tmp_path / "g.db", EDGES[:3])
    with pytest.raises(InputError, match="cannot be packed"):
        build(KgConfig(input_file=str(graph), output_file=str(tmp_path / name)))
    assert [p.name for p in tmp_path.iterdir()] == ["g.db"]


def test_other_databases_are_refused(tmp_path: Path) -> None:
    with connected(tmp_path / "other.lbug", write=True) as connection:
        connection.execute("CREATE NODE TABLE Person (name STRING PRIMARY KEY)")
    with pytest.raises(InputError, match="is no graph of ours"):
        list(read_ladybug(tmp_path / "other.lbug"))
    (tmp_path / "text.lbug").write_text("hello")
    with pytest.raises(InputError, match="cannot be opened"):
        list(read_ladybug(tmp_path / "text.lbug"))


def test_what_it_needs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = stored(tmp_path / "g.db", EDGES[:3])
    with monkeypatch.context() as m, Store(graph) as store:
        m.setitem(sys.modules, "ladybug", None)
        with pytest.raises(MissingDependency, match=r"iepile\[graph\]"):
            write_ladybug(store, tmp_path / "g.lbug")
    monkeypatch.setitem(sys.modules, "kuzu", types.ModuleType("kuzu"))
    with pytest.raises(IepileError, match="break each other"):
        list(read_ladybug(tmp_path / "g.lbug"))
    assert [p.name for p in tmp_path.iterdir()] == ["g.db"]
