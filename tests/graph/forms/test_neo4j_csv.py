"""The folder for neo4j-admin: read as its importer reads it, by a reader of CSV that is not ours."""

from __future__ import annotations

import csv
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from graph.forms.made import EDGES, HOSTILE, edge, stored
from iepile.errors import InputError
from iepile.graph.build import KgConfig, build
from iepile.graph.forms.neo4j_csv import read_neo4j_csv, write_neo4j_csv
from iepile.graph.neo4j_push import PushConfig, push
from iepile.graph.store import Store


def written(folder: Path, edges: list[Any]) -> Path:
    with Store(stored(folder / "graph.db", edges)) as store:
        assert write_neo4j_csv(store, folder / "out") == len(edges)
    return folder / "out"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f, strict=True))


def test_headers_are_typed_and_rows_carry_the_whole_trail(tmp_path: Path) -> None:
    out = written(tmp_path, [
        edge("Ada", head_type="person", head_start=0, confidence=1e-05, model="m", ungrounded=True, snippet='a "b"\nc'),
        edge("Ada", "type", "person", head_type="person", kind="type"),
        edge("wed", "bride", "Ada", head_type="wedding", tail_type="person", kind="role", event="d:1"),
    ])
    assert {p.name for p in out.iterdir()} == {"constraints.cypher", "import.sh", "nodes.csv", "relationships.csv"}
    nodes, relationships = table(out / "nodes.csv"), table(out / "relationships.csv")
    assert list(nodes[0]) == ["key:ID", ":LABEL", "name:string", "type:string", "aliases:string[]", "mentions:long",
                              "event:string", "source:string", "graph:string", "pushed:string"]
    assert [(n[":LABEL"], n["name:string"], n["mentions:long"], n["event:string"]) for n in nodes] == [
        ("Entity", "Ada", "2", ""), ("Entity", "Bob", "1", ""), ("Event", "wed", "1", "d:1"), ("Document", "d", "", "")]
    first, second, third = relationships
    assert {"head_start:long", "ungrounded:boolean", "confidence:double", "snippet:string"} <= first.keys()
    assert (first[":TYPE"], first["head_start:long"], first["confidence:double"], first["ungrounded:boolean"],
            first["snippet:string"]) == ("spouse", "0", "1e-05", "true", 'a "b"\nc')
    assert (second[":TYPE"], second["type:string"], second[":END_ID"]) == (
        "MENTIONED_IN", "person", nodes[3]["key:ID"])
    assert (third[":TYPE"], third[":START_ID"], third[":END_ID"]) == (
        "bride", nodes[2]["key:ID"], nodes[0]["key:ID"])


def test_hostile_names_are_text_for_another_reader(tmp_path: Path) -> None:
    csv.field_size_limit(1 << 20)
    out = written(tmp_path, EDGES)
    nodes, relationships = table(out / "nodes.csv"), table(out / "relationships.csv")
    assert set(HOSTILE) <= {n["name:string"] for n in nodes}
    assert [r["relation:string"] for r in relationships] == [e.relation for e in EDGES]
    assert len({n["key:ID"] for n in nodes}) == len(nodes)
    assert all(r[":TYPE"] for r in relationships)
    names = {n["key:ID"]: n["name:string"] for n in nodes}
    assert [names[r[":START_ID"]] for r in relationships] == [e.head for e in EDGES]


def test_lists_are_parted_by_a_sign_that_no_alias_holds(tmp_path: Path) -> None:
    for aliases in (["A;B", "C,D"], ["a\x1fb", "c\x1ed"]):
        folder = tmp_path / str(len(aliases[0]) + ord(aliases[0][1]))
        folder.mkdir()
        out = written(folder, [edge("Ada", head_type="p", head_mention=a) for a in aliases])
        delimiter, = re.findall(r"--array-delimiter=U\+([0-9A-F]{4}) ", (out / "import.sh").read_text())
        assert aliases in [n["aliases:string[]"].split(chr(int(delimiter, 16))) for n in table(out / "nodes.csv")]


def test_the_script_gives_the_importer_all_it_needs(tmp_path: Path) -> None:
    out = written(tmp_path, EDGES[:3])
    admin = tmp_path / "admin"
    admin.write_text('#!/bin/sh\npwd\nprintf "%s\\n" "$@"\n')
    admin.chmod(0o755)
    done = subprocess.run(["sh", out / "import.sh", "my db"], env={**os.environ, "NEO4J_ADMIN": str(admin)}, text=True,
                          capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        str(out), "database", "import", "full", "my db", "--nodes=nodes.csv", "--relationships=relationships.csv",
        "--id-type=string", "--input-encoding=UTF-8", "--multiline-fields=true", "--array-delimiter=U+001F",
        "--legacy-style-quoting=false", "--ignore-empty-strings=false", "--trim-strings=false"]


def test_keys_are_those_of_a_push(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bolt_server import BoltServer

    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    out = written(tmp_path, EDGES[:200])
    with BoltServer() as server:
        push(PushConfig(graph=str(tmp_path / "graph.db"), uri=server.uri))
    assert {(n[":LABEL"], n["key:ID"]) for n in table(out / "nodes.csv")} == set(server.nodes)
    assert {(r[":START_ID"], r[":TYPE"], r[":END_ID"], r["key:string"]) for r in table(out / "relationships.csv")} == {
        (start, kind, end, key) for (_, start), kind, (_, end), key in server.relationships}
    assert [f"{s};" for s, given in server.runs if not given] == (
        out / "constraints.cypher").read_text().splitlines()


def test_a_folder_is_replaced_whole_and_nothing_else_is(tmp_path: Path) -> None:
    out = written(tmp_path, EDGES[:3])
    with Store(tmp_path / "graph.db") as store:
        write_neo4j_csv(store, out)
        assert list(read_neo4j_csv(out)) == EDGES[:3]
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "file").write_text("x")
        for taken in (tmp_path / "mine", tmp_path / "mine" / "file"):
            with pytest.raises(InputError, match="exists already"):
                write_neo4j_csv(store, taken)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["graph.db", "mine", "out"]


def test_the_command_line_makes_and_reads_it(tmp_path: Path) -> None:
    graph = stored(tmp_path / "graph.db", EDGES[:5])
    build(KgConfig(input_file=str(graph), output_file=str(tmp_path / "out.neo4j")))
    build(KgConfig(input_file=str(tmp_path / "out.neo4j"), output_file=str(tmp_path / "again.db")))
    with Store(tmp_path / "again.db") as store:
        assert list(store.edges()) == EDGES[:5]


@pytest.mark.parametrize(("file", "old", "new", "told"), [
    ("nodes.csv", "key:ID", "id", r"nodes.csv:1: has no column key"),
    ("nodes.csv", '"Entity"', '"Entity","x"', r"nodes.csv:2: has 11 values"),
    ("relationships.csv", ",false,", ",perhaps,", r"relationships.csv:2: ungrounded is 'perhaps'"),
    ("relationships.csv", "\n\"", '\n"0', r"relationships.csv:2: an end is no node of nodes.csv"),
    ("relationships.csv", ',"relation",', ",,", r"relationships.csv:2: not an edge: .*kind"),
])
def test_damaged_files_are_told_by_line(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    out = written(tmp_path, [edge("Ada")])
    text = (out / file).read_text("utf-8")
    (out / file).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=told):
        list(read_neo4j_csv(out))
