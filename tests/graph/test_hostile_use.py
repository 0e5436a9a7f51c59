"""What careless hands do to a graph: outputs named as inputs, empty and damaged files. Nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from iepile.cli.main import main
from iepile.errors import IepileError, InputError
from iepile.graph.build import KgConfig, build
from iepile.graph.checking import CheckConfig, check_graph
from iepile.graph.edge import Edge
from iepile.graph.entity_merging import MergeConfig, merge_graph
from iepile.graph.merge_list import MergesConfig, merges
from iepile.graph.querying import QueryConfig, keep
from iepile.graph.search import FindConfig, find
from iepile.graph.store import Store
from iepile.graph.view import ViewConfig, view

SCHEMA = "relations:\n  - {name: knows, domain: [person]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [Edge(head=f"name {n}", relation="knows", tail=f"name {n + 1}", kind="relation", head_type="dog",
                 document=f"d{n // 10}") for n in range(3000)]
    (tmp_path / "edges.jsonl").write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in rows))
    (tmp_path / "s.yaml").write_text(SCHEMA, "utf-8")
    build(KgConfig(str(tmp_path / "edges.jsonl"), str(tmp_path / "g.db")))
    return tmp_path


@pytest.mark.parametrize("lost, act", [
    ("g.db", lambda d: merge_graph(MergeConfig(f"{d}/g.db", output=f"{d}/g.db"))),
    ("g.db", lambda d: merges(MergesConfig(f"{d}/g.db", output=f"{d}/g.db"))),
    ("g.db", lambda d: check_graph(CheckConfig(f"{d}/g.db", f"{d}/s.yaml", output=f"{d}/g.db"))),
    ("s.yaml", lambda d: check_graph(CheckConfig(f"{d}/g.db", f"{d}/s.yaml", output=f"{d}/s.yaml"))),
    ("g.db", lambda d: view(ViewConfig(f"{d}/g.db", f"{d}/g.db"))),
    ("g.db", lambda d: build(KgConfig(f"{d}/g.db", f"{d}/g.db"))),
    ("g.db", lambda d: build(KgConfig(f"{d}/g.db", f"{d}/g.db", overwrite=True))),
    ("edges.jsonl", lambda d: build(KgConfig(f"{d}/edges.jsonl", f"{d}/./edges.jsonl"))),
    ("s.yaml", lambda d: build(KgConfig(f"{d}/g.db", f"{d}/s.yaml", "jsonl", schema_path=f"{d}/s.yaml"))),
    ("edges.jsonl", lambda d: keep(QueryConfig(f"{d}/edges.jsonl", "SELECT 1", output_file=f"{d}/edges.jsonl"))),
])
def test_an_input_is_never_written_over(folder: Path, lost: str, act: Callable[[Path], object]) -> None:
    before = (folder / lost).read_bytes()
    with pytest.raises(InputError, match="is an input"):
        act(folder)
    assert (folder / lost).read_bytes() == before


@pytest.mark.parametrize("act", [
    lambda p: merge_graph(MergeConfig(p, dry_run=True)),
    lambda p: check_graph(CheckConfig(p, clear=True)),
])
def test_an_empty_file_is_not_made_a_graph_by_what_needs_one(tmp_path: Path, act: Callable[[str], object]) -> None:
    path = tmp_path / "e.db"
    path.touch()
    with pytest.raises(InputError, match="is no graph of ours"):
        act(str(path))
    assert path.read_bytes() == b""


def test_damage_in_the_middle_of_a_store_is_told(folder: Path) -> None:
    path = folder / "g.db"
    with Store(path) as store:
        page, size = store.one("SELECT rootpage FROM sqlite_schema WHERE name = 'edge'"), store.one("PRAGMA page_size")
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(data)
    with pytest.raises(IepileError, match=r"(?s)g\.db: .*malformed.*is damaged"):
        merge_graph(MergeConfig(str(path)))
    with Store(path) as store, pytest.raises(IepileError, match="is damaged"):
        list(find(store, FindConfig(relation="knows")))


def test_errors_of_a_statement_close_the_store_and_tell_the_file(folder: Path) -> None:
    with pytest.raises(IepileError, match=r"(?s)g\.db: .*is damaged"), Store(folder / "g.db") as store:
        raise sqlite3.DatabaseError("database disk image is malformed")
    with pytest.raises(sqlite3.ProgrammingError):
        store.db.execute("SELECT 1")


def test_no_graph_given_and_no_gzip_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(b"no gzip at all")
    for graph, told in (("", "not given"), (f"{tmp_path}/x.jsonl.gz", "x.jsonl.gz: cannot be read")):
        assert main(["kg", "info", graph]) == 2
        assert told in capsys.readouterr().err


def test_forms_are_listed_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kg", "forms", "--json"]) == 0
    told = {row["form"]: row for row in msgspec.json.decode(capsys.readouterr().out)}
    assert told["store"]["endings"] == [".db", ".sqlite", ".sqlite3"]
    assert told["csv"]["read_back"] and not told["nodes"]["read_back"]
    assert main(["kg", "forms", "csv"]) == 2
    assert "csv" in capsys.readouterr().err


def test_info_names_the_file_that_was_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kg", "info", str(folder / "edges.jsonl"), "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["file"] == str(folder / "edges.jsonl")


@pytest.mark.parametrize("asked", [
    ["--help"], ["find", "--help"], ["forms"], ["query", "g.db", "SELECT * FROM fact", "--json"],
    ["query", "g.db", "SELECT * FROM fact"], ["find", "g.db", "*", "--limit", "0"],
])
def test_a_pipe_that_is_closed_early_is_no_traceback(folder: Path, asked: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([sys.executable, "-c", "import sys; from iepile.cli.main import main; sys.exit(main())",
                               "kg", *asked], cwd=folder, stdout=write, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert b"Traceback" not in done.stderr
    assert b"closed" not in done.stderr


def test_a_store_is_never_packed(folder: Path) -> None:
    with pytest.raises(InputError, match="cannot be packed"):
        build(KgConfig(str(folder / "g.db"), str(folder / "h.db.gz")))
    assert not (folder / "h.db.gz").exists()


def test_a_graph_that_another_process_changes_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iepile.graph.store.PATIENCE", 0.1)
    other = sqlite3.connect(folder / "g.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for write in (False, True):
        with pytest.raises(IepileError, match="another process is changing the graph"):
            Store(folder / "g.db", write=write)
    other.close()
    with Store(folder / "g.db") as store:
        assert store.one("SELECT count(*) FROM edge") == 3000


@pytest.mark.parametrize("asked, field", [
    (["find", "g.db", "--least-confidence", "nan"], "least_confidence"),
    (["find", "g.db", "--least-confidence", "7"], "least_confidence"),
    (["path", "g.db", "name 1", "name 1", "--most", "0"], "most"),
    (["merge", "g.db", "--margin", "nan"], "margin"), (["merge", "g.db", "--margin=-1"], "margin"),
    (["view", "g.db", "v.html", "--seed=-1"], "seed"),
    (["--input-file", "edges.jsonl", "--output-file", "new.db", "--schema-path", "s.yaml", "--prune", "no"], "prune"),
])
def test_settings_that_cannot_be_are_told_before_the_work(
        folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[str],
        field: str) -> None:
    monkeypatch.chdir(folder)
    assert main(["kg", *asked]) == 2
    assert f"field:    {field}" in capsys.readouterr().err
    assert sorted(p.name for p in folder.iterdir()) == ["edges.jsonl", "g.db", "s.yaml"]


@pytest.mark.parametrize("device", ["/dev/zero", "pipe"])
def test_what_can_be_read_but_once_or_never_ends_is_refused(tmp_path: Path, device: str) -> None:
    if device == "pipe":
        device = str(tmp_path / "pipe")
        os.mkfifo(device)
    with pytest.raises(InputError, match="is no file"):
        build(KgConfig(device, str(tmp_path / "g.db")))
    with pytest.raises(InputError, match="is no file"):
        view(ViewConfig(device, str(tmp_path / "v.html")))
