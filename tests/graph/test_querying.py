"""Questions in SQL read and never change; values are bound; answers go to the terminal or a file."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from iepile.cli.main import main
from iepile.errors import InputError
from iepile.graph.build import KgConfig, build
from iepile.graph.querying import QueryConfig, asked, keep
from iepile.graph.sql import sql
from iepile.graph.store import Store
from iepile.jsonl import read_rows, write_rows

HOSTILE = "'); DROP TABLE edge; --"


@pytest.fixture
def graph(tmp_path: Path) -> str:
    rows = [{"id": "1", "text": f"Ada met {name}.", "relation": [{"head": "Ada", "relation": "met", "tail": name}]}
            for name in ("Bob", HOSTILE)]
    write_rows(tmp_path / "in.json", rows)
    build(KgConfig(str(tmp_path / "in.json"), str(tmp_path / "g.db")))
    return str(tmp_path / "g.db")


def answer(graph: str, query: str, *values: str, **more: Any) -> list[tuple[Any, ...]]:
    with asked(QueryConfig(graph, query, values=list(values), **more)) as found:
        return [tuple(row) for row in found.rows]


def test_sql(graph: str) -> None:
    assert answer(graph, "SELECT head, tail, snippet FROM fact WHERE tail = :name", f"name={HOSTILE}") == [
        ("Ada", HOSTILE, f"Ada met {HOSTILE}.")]
    assert answer(graph, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3) SELECT sum(x) FROM n"
                  ) == [(6,)]
    assert answer(graph, "SELECT name FROM thing ORDER BY name") == [(HOSTILE,), ("Ada",), ("Bob",)]


@pytest.mark.parametrize("query", [
    "DROP TABLE edge", "DELETE FROM edge", "UPDATE node SET name = 'x'", "INSERT INTO word (text) VALUES ('x')",
    "ATTACH 'other.db' AS other", "PRAGMA user_version = 3", "SELECT load_extension('x')", "VACUUM",
    "CREATE TABLE a (b)",
    "SELECT 1; DELETE FROM edge", "REINDEX", "BEGIN", "nonsense", "SELECT :missing", "SELECT * FROM nowhere", " ", "--",
])
def test_nothing_but_reading(graph: str, query: str) -> None:
    before = Path(graph).read_bytes()
    with pytest.raises(InputError) as e:
        answer(graph, query, language="sql")
    assert e.value.field == "query"
    with Store(graph, write=True) as store, pytest.raises(InputError):
        list(sql(store, query).rows)  # even where the file is open for writing
    assert Path(graph).read_bytes() == before
    assert not (Path(graph).parent / "other.db").exists()


def test_errors_while_the_answer_comes(graph: str) -> None:
    with pytest.raises(InputError, match="cannot be answered"):
        answer(graph, "SELECT abs(-9223372036854775807 - n) FROM (SELECT 0 AS n UNION ALL SELECT 1)")


def test_bad_settings(graph: str, tmp_path: Path) -> None:
    for config, message in (
        (QueryConfig(), "give the graph"), (QueryConfig(graph), "give the query"),
        (QueryConfig(graph, "SELECT 1", "klingon"), "no language"),
        (QueryConfig(graph, "SELECT 1", values=["a"]), "name=value"),
        (QueryConfig(graph, f"@{tmp_path / 'none.sql'}"), "cannot be read"),
        (QueryConfig("no.db", "SELECT 1"), "no such file"),
    ):
        with pytest.raises(InputError, match=message), asked(config):
            pass


def test_answers_in_files(graph: str, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT tail, confidence, id FROM fact ORDER BY id", "utf-8")
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.csv.gz"):
        assert keep(QueryConfig(graph, f"@{tmp_path / 'q.sql'}", output_file=str(tmp_path / name))).rows == 2
    rows = list(csv.reader((tmp_path / "a.csv").read_text("utf-8").splitlines()))
    assert rows == [["tail", "confidence", "id"], ["Bob", "", "1"], [HOSTILE, "", "2"]]
    assert [row for _, row in read_rows(tmp_path / "a.jsonl")] == [
        {"tail": "Bob", "confidence": None, "id": 1}, {"tail": HOSTILE, "confidence": None, "id": 2}]


def test_files_in_the_formats_of_sparql(graph: str, tmp_path: Path) -> None:
    query, file = "SELECT ?s { ?s a prov:Entity } LIMIT 1", str(tmp_path / "a.srj")
    assert keep(QueryConfig(graph, query, output_file=file)).rows is None
    assert json.loads((tmp_path / "a.srj").read_text("utf-8"))["head"] == {"vars": ["s"]}
    for bad in (QueryConfig(graph, "SELECT 1", output_file=file), QueryConfig(graph, query, output_file="x.doc")):
        with pytest.raises(InputError, match="no form of answers"):
            keep(bad)


def test_on_the_command_line(graph: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*argv: str) -> str:
        assert main(["kg", *argv]) == 0
        return capsys.readouterr().out

    assert "Ada met Bob." in run("find", graph, "Bob") and HOSTILE in run("find", graph, "*DROP*")
    assert "nothing in the graph fits" in run("find", graph, "Zoe")
    assert json.loads(run("find", graph, "Bob", "--json"))[0]["tail"] == "Bob"
    assert json.loads(run("query", graph, "SELECT count(*) AS n FROM fact", "--json")) == {"n": 2}
    assert "met" in run("path", graph, "Bob", "Ada") and "<" in run("path", graph, "Bob", "Ada")
    assert json.loads(run("info", graph, "--json"))["facts"] == 2
    assert json.loads(run("remove", graph, "--document", "1", "--json"))["left"] == 0
    assert main(["kg", "fnd", graph]) == 2 and "did you mean find?" in capsys.readouterr().err
    assert main(["kg", "query", graph, "DROP TABLE edge"]) == 2 and "not authorized" in capsys.readouterr().err
    assert "iepile kg find" in run("--help")


def test_left_out_rows_are_an_error_in_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.dumps({"text": "Ada met Bob.", "relation": [{"head": "Ada", "relation": "met", "tail": "Bob"}]})
    (tmp_path / "in.json").write_text(f"{good}\n{{broken\n{good}\n[1]\n{{}}\n", "utf-8")
    source, graph = str(tmp_path / "in.json"), str(tmp_path / "g.db")
    assert main(["kg", "--input_file", source, "--output_file", graph, "--json"]) == 1
    out, err = capsys.readouterr()
    done = json.loads(out)
    assert (done["rows"], done["malformed"], done["edges"]) == (5, 3, 2)
    assert [m.split(":")[1] for m in done["first_malformed"]] == ["2", "4", "5"]
    assert "3 rows" in err
    with sqlite3.connect(tmp_path / "g.db") as db:
        assert db.execute("SELECT count(*) FROM edge").fetchone() == (2,)
    db.close()
