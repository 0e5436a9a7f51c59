"""Tables of edges and of nodes: what other readers see, what spreadsheets do to them, what is refused."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.forms.made import EDGES, edge, kept, stored
from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.delimited import write_table
from iepile.graph.forms.form import forms
from iepile.graph.forms.identified import COLUMNS, FIELDS
from iepile.graph.store import Store

COMMA = pytest.mark.parametrize(("name", "comma"), [("csv", ","), ("tsv", "\t")])


def written(folder: Path, edges: list[Edge], form: str = "csv", file: str = "") -> Path:
    path = folder / (file or f"g.{form}")
    with Store(stored(folder / f"{form}.db", edges)) as store:
        assert forms()[form].write(store, path) == len(edges)
    return path


def read(path: Path, form: str = "csv") -> list[Edge]:
    reader = forms()[form].read
    assert reader
    return list(reader(path))


def told(edge: Edge) -> list[Any]:
    return [getattr(edge, f) for f in FIELDS]


@COMMA
def test_another_reader_sees_the_same_values(tmp_path: Path, name: str, comma: str) -> None:
    """Arrow's reader tells an empty text from a missing value as we do."""
    path = written(tmp_path, EDGES, name)
    assert path.read_bytes()[:3] == b"\xef\xbb\xbf" and path.read_bytes().count(b"\r\n") > len(EDGES)
    types = dict.fromkeys(COLUMNS, pa.string()) | dict.fromkeys(
        ("head_start", "head_end", "tail_start", "tail_end", "snippet_start"), pa.int64()) | {
        "confidence": pa.float64(), "ungrounded": pa.bool_()}
    table = arrow_csv.read_csv(
        path, parse_options=arrow_csv.ParseOptions(delimiter=comma, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True,
                                                 quoted_strings_can_be_null=False))
    assert table.column_names == list(COLUMNS)
    assert [list(row.values())[:-2] for row in table.to_pylist()] == [told(e) for e in EDGES]


@COMMA
def test_the_csv_module_sees_the_same_text(tmp_path: Path, name: str, comma: str) -> None:
    with written(tmp_path, EDGES, name).open(encoding="utf-8-sig", newline="") as f:
        rows = list(csv.DictReader(f, delimiter=comma, strict=True))
    for row, found in zip(rows, EDGES, strict=True):
        assert (row["head"], row["relation"], row["tail"], row["snippet"]) == (
            found.head, found.relation, found.tail, found.snippet or "")
        assert row["confidence"] == ("" if found.confidence is None else repr(found.confidence))


def test_none_and_empty_are_told_apart_by_quotes(tmp_path: Path) -> None:
    header, row = written(tmp_path, [edge(head_type="", confidence=0.0, head_start=0)]).read_text("utf-8-sig").split()
    assert header == ",".join(COLUMNS)
    assert row == '"Ada","spouse","Bob","relation","",,0,,,,,,,false,0.0,"d",,,,,,,"n1","n2"'


def test_a_formula_stays_what_it_is(tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1"]
    path = written(tmp_path, [edge(n) for n in names])
    assert [e.head for e in read(path)] == names
    assert '"=1+1",' in path.read_text("utf-8")


def test_a_table_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    """Fewer quotes, TRUE for true, other ends of lines, columns in another order, blank lines, no mark."""
    path = tmp_path / "saved.csv"
    path.write_text('document,tail,head,kind,relation,ungrounded,head_start,confidence,head_type\n'
                    'd,Bob,"Ada, ""A""",relation,spouse,TRUE,3,0.5,\n\nd,,Ada\xa0B,relation,knows,FALSE,,1,p\n',
                    "utf-8")
    assert read(path) == [
        edge('Ada, "A"', ungrounded=True, head_start=3, confidence=0.5),
        edge("Ada\xa0B", "knows", "", confidence=1.0, head_type="p")]


HEADER = "head,relation,tail,kind,document,head_start,confidence,ungrounded"
GOOD = '"a","r","t",relation,"d\n",1,0.5,false'


@pytest.mark.parametrize(("text", "line", "said"), [
    ("", None, "is empty"),
    ("a,b\n1,2\n", 1, "it has no column 'document'"),
    (f"{HEADER},weight\n", 1, "column 'weight' is none of an edge"),
    (f"{HEADER},head\n", 1, "column 'head' is named twice"),
    (f'{HEADER}\n{GOOD}\n{GOOD},\n', 4, "has 9 values"),
    (f'{HEADER}\n{GOOD}\n"a,r,t\n', 4, "a quote is opened and not closed"),
    (f'{HEADER}\n{GOOD}\n"a"b","r","t",relation,"d",1,0.5,false\n"', 4, "a quotation mark inside"),
    (f'{HEADER}\n{GOOD}\na"b"",r,t,relation,d,1,0.5,"false\n"\n', 4, "a quotation mark inside a value"),
    (f'{HEADER}\n{GOOD}\n"a"b,r,t,relation,d,1,0.5,false\n', 4, "a quotation mark inside a value"),
    (f'{HEADER}\n{GOOD}\na,r,t,relation,d,1.5,0.5,false\n', 4, "head_start is '1.5'"),
    (f'{HEADER}\n{GOOD}\na,r,t,relation,d,99999999999999999999,0.5,false\n', 4, "head_start"),
    (f'{HEADER}\n{GOOD}\na,r,t,relation,d,1,nan,false\n', 4, "confidence is nan"),
    (f'{HEADER}\n{GOOD}\na,r,t,relation,d,1,much,false\n', 4, "confidence is 'much'"),
    (f'{HEADER}\n{GOOD}\na,r,t,relation,d,1,1,perhaps\n', 4, "ungrounded is 'perhaps'"),
])
def test_what_is_no_edge_is_refused_with_its_line(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as e:
        read(path)
    assert (e.value.line, said in str(e.value)) == (line, True)


def test_what_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(f"{HEADER}\n林,r,t,relation,d,1,1,true\n".encode("gb18030"))
    with pytest.raises(InputError, match="is not UTF-8"):
        read(tmp_path / "bad.csv")


def test_a_long_value_with_odd_quotes_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text(f'{HEADER}\n"{"a" * 300_000}"x{"," * 300_000}"",{"b" * 300_000}\n', "utf-8")
    with pytest.raises(InputError, match="a quotation mark inside"):
        read(tmp_path / "bad.csv")


@given(st.lists(st.lists(st.none() | st.text() | st.sampled_from(['"', '""', ",", "\t", "\r", "\n", "\r\n", ""]),
                         min_size=2, max_size=2), max_size=5), st.sampled_from([",", "\t"]))
def test_whatever_is_in_the_cells_the_csv_module_reads_it(rows: list[list[str | None]], comma: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        assert write_table(path, ["a", "b"], rows, comma) == len(rows)
        text = path.read_bytes().decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True))
    assert back == [["a", "b"], *([cell or "" for cell in row] for row in rows)]


def test_parquet_has_the_exact_types(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path, EDGES, "parquet"))
    assert table.column_names == list(COLUMNS)
    types = {field.name: str(field.type) for field in table.schema}
    assert {n: t for n, t in types.items() if t != "string"} == {
        **dict.fromkeys(("head_start", "head_end", "tail_start", "tail_end", "snippet_start"), "int64"),
        "confidence": "double", "ungrounded": "bool"}
    assert [list(row.values())[:-2] for row in table.to_pylist()] == [told(e) for e in EDGES]
    assert [f.name for f in table.schema if not f.nullable] == [
        "head", "relation", "tail", "kind", "ungrounded", "document", "head_id"]


def test_parquet_that_another_program_wrote_is_read(tmp_path: Path) -> None:
    """Other types that hold the same, dictionaries, and columns in another order."""
    table = pa.table({
        "document": pa.array(["d", "d"]).dictionary_encode(), "kind": pa.array(["relation"] * 2, pa.large_string()),
        "tail": ["Bob", ""], "relation": ["spouse", "knows"], "head": ["Ada", "Ada"], "head_type": [None, ""],
        "head_start": pa.array([3.0, None]), "head_end": pa.array([6, None], pa.int8()),
        "confidence": pa.array([1, None], pa.int32()), "ungrounded": [None, True]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet", "parquet") == [
        edge(head_start=3, head_end=6, confidence=1.0), edge("Ada", "knows", "", head_type="", ungrounded=True)]


@pytest.mark.parametrize(("column", "values", "said", "line"), [
    ("head_start", [1.0, 1.5], "values of another type", None),
    ("head_start", ["1", "x"], "values of another type", None),
    ("head_start", [1, -1], "head_start", 2), ("confidence", [0.5, float("nan")], "confidence is nan", 2),
    ("head", ["a", None], "missing required field `head`", 2), ("weight", [1, 2], "none of an edge", 1),
    ("head", [["a"], ["b"]], "values of another type", None),
])
def test_parquet_of_something_else_is_refused(tmp_path: Path, column: str, values: list[Any], said: str,
                                              line: int | None) -> None:
    good = {"head": ["a", "b"], "relation": ["r"] * 2, "tail": ["t"] * 2, "kind": ["relation"] * 2,
            "document": ["d"] * 2}
    pq.write_table(pa.table(good | {column: values}), tmp_path / "t.parquet")
    with pytest.raises(InputError) as e:
        read(tmp_path / "t.parquet", "parquet")
    assert (e.value.line, said in str(e.value)) == (line, True)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"head,tail\n", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_what_is_not_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read(tmp_path / "t.parquet", "parquet")


def test_parquet_is_not_packed_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"use g\.parquet"):
        written(tmp_path, [edge()], "parquet", "g.parquet.gz")
    assert [p.name for p in tmp_path.iterdir()] == ["parquet.db"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "parquet"])
def test_the_nodes_are_a_table(tmp_path: Path, ending: str) -> None:
    edges = [
        edge("IBM", "in", "NYC", head_type="org", head_mention="I.B.M.", tail_type=""),
        edge("sale", "seller", "IBM", head_type="deal", tail_type="org", event="e1", kind="role")]
    path = written(tmp_path, edges, "nodes", f"n.{ending}")
    if ending == "parquet":
        rows = pq.read_table(path).to_pylist()
    else:
        table = arrow_csv.read_csv(
            path, parse_options=arrow_csv.ParseOptions(delimiter="\t" if ending == "tsv" else ","),
            convert_options=arrow_csv.ConvertOptions(null_values=[""], strings_can_be_null=True,
                                                     quoted_strings_can_be_null=False))
        rows = table.to_pylist()
    assert [(r["label"], r["kind"], r["type"], r["mentions"], r["aliases"] and json.loads(r["aliases"]), r["event"])
            for r in rows] == [("IBM", "entity", "org", 1, ["I.B.M."], None), ("NYC", "entity", "", 1, None, None),
                               ("sale", "event", "deal", 1, None, "e1")]
    ends = pq.read_table(written(tmp_path, edges, "parquet")).to_pylist()
    by_id = {r["id"]: r["label"] for r in rows}
    assert [(by_id[e["head_id"]], by_id[e["tail_id"]]) for e in ends] == [(e.head, e.tail) for e in edges]


def test_nodes_are_written_as_tables_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the ending tells no table"):
        written(tmp_path, [edge()], "nodes", "n.ttl")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_are_written_and_read_as_a_stream(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times the edges take no more memory."""
    monkeypatch.setattr("iepile.graph.forms.parquet.GROUP", 1_000)
    monkeypatch.setattr("iepile.graph.forms.parquet.BATCH", 1_000)
    peaks = []
    for count in (3_000, 15_000):
        path = stored(tmp_path / f"{count}.db", (edge(f"h{n}", tail=f"t{n % 50}") for n in range(count)))
        with Store(path) as store:
            tracemalloc.start()
            forms()[form].write(store, tmp_path / "t")
            assert sum(1 for _ in forms()[form].read(tmp_path / "t")) == count  # type: ignore[misc]
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 200_000
    assert kept(path)[0].head == "h0"
