"""Tables as files: whatever stands in a label, a cell stays that cell."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.evaluation.facts import Counts, Note
from iepile.evaluation.report import Intervals, Report, Row, Score, SourceCounts
from iepile.evaluation.table_files import as_csv, as_latex, as_markdown, write_tables
from iepile.evaluation.tables import Table, tables

HOSTILE = "=1+2|a_b & 50% \\ {x} #1 ~ ^ $y$ <b> \"q\" `c` [z]\n*w*"


@pytest.fixture
def report() -> Report:
    return Report(
        "micro-string-normal/1", "pred.json", [Row("NER", "entity", Score.of(1, 3, 2))],
        [Row("EE", "trigger-id", Score.of(0, 0, 0))], [Row("NER", "entity", Score.of(1, 3, 2), source="-s")],
        [Row("NER", "entity", Score.of(1, 3, 2), label=HOSTILE), Row("NER", "entity", Score.of(0, 1, 0), label="人物")],
        [SourceCounts("NER", "-s", 2, 1)], Counts(rows=2, records=2, invalid=1), [Note(2, "invalid answer: a|b")],
    )


def test_every_table_is_in_the_csv(report: Report, tmp_path: Path) -> None:
    write_tables(report, tmp_path / "deep" / "t.csv")
    with (tmp_path / "deep" / "t.csv").open(encoding="utf-8-sig", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [r["table"] for r in rows] == [t.title for t in tables(report, "source,label,language") for _ in t.rows]
    by_label = [r for r in rows if r["table"] == "by label"]
    assert [(r["label"], r["P"], r["R"], r["F1"], r["gold"]) for r in by_label] == [
        ("'" + HOSTILE, "33.33", "50.00", "40.00", "2"), ("人物", "0.00", "0.00", "0.00", "0")]
    assert next(r for r in rows if r["table"] == "by source")["source"] == "'-s"
    assert next(r for r in rows if r["table"] == "first faults")["problem"] == "invalid answer: a|b"


def test_markdown_has_one_row_a_row(report: Report, tmp_path: Path) -> None:
    write_tables(report, tmp_path / "t.MD")
    text = (tmp_path / "t.MD").read_text("utf-8")
    line = next(x for x in text.splitlines() if "50%" in x)
    assert _cells(line) == ["NER", "entity", " ".join(HOSTILE.split()), "33.33", "50.00", "40.00", "1", "3", "2"]
    assert "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |" in text
    assert text.count("\n**") + text.startswith("**") == len(tables(report, "source,label,language"))


def test_latex_is_escaped(report: Report, tmp_path: Path) -> None:
    write_tables(report, tmp_path / "t.tex")
    text = (tmp_path / "t.tex").read_text("utf-8")
    line = next(x for x in text.splitlines() if r"50\%" in x)
    assert line == (
        r"NER & entity & =1+2\textbar{}a\_b \& 50\% \textbackslash{} \{x\} \#1 \textasciitilde{} \textasciicircum{} "
        r"\$y\$ \textless{}b\textgreater{} \symbol{34}q\symbol{34} \textasciigrave{}c\textasciigrave{} {[}z] "
        r"{*}w{*} & 33.33 & 50.00 & 40.00 & 1 & 3 & 2 \\")
    assert text.count(r"\begin{tabular}{lllrrrrrr}") == 2
    assert text.count(r"\begin{") == text.count(r"\end{") == 2 * len(tables(report, "source,label,language"))


def test_intervals_are_figures_too() -> None:
    row = Row("NER", "entity", Score.of(1, 3, 2), interval=Intervals((0.0, 50.0), (0.0, 100.0), (0.0, 66.667)))
    report = Report("s/1", "f", [row], [], [], [], [], Counts(), [])
    text = as_markdown(tables(report))
    assert "| NER | entity | 33.33 | 50.00 | 40.00 | 0.00 to 66.67 | 1 | 3 | 2 |" in text
    assert "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |" in text


def test_another_ending_is_refused_before_anything_is_written(report: Report, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.md, \.tex"):
        write_tables(report, tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())


CELL = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
TABLE = st.integers(1, 3).flatmap(lambda n: st.builds(
    Table, CELL, st.tuples(*[st.just(f"c{i}") for i in range(n)]),
    st.lists(st.tuples(*[CELL] * n), max_size=3).map(tuple)))


@given(TABLE)
def test_csv_comes_back_and_nothing_runs_as_a_formula(table: Table) -> None:
    rows = list(csv.reader(io.StringIO(as_csv([table])[1:], newline="")))[1:]
    assert len(rows) == len(table.rows)
    for read, row in zip(rows, table.rows, strict=True):
        for got, cell in zip(read[1:], row, strict=True):
            assert got in (cell, "'" + cell)
            assert not re.match(r"[=@\t\r\n]|[+-](?!\d)", got.lstrip(" "))


@given(TABLE)
def test_markdown_and_latex_keep_their_rows(table: Table) -> None:
    lines = as_markdown([table]).split("\n")
    assert len(lines) == len(table.rows) + 5
    for line, row in zip(lines[4:], table.rows, strict=False):
        assert _cells(line) == [_plain(cell) for cell in row]
    typeset = as_latex([table]).split("\n")
    assert len(typeset) == len(table.rows) + 11
    for line in typeset[7 : 7 + len(table.rows)]:
        # Outside of commands nothing is left that LaTeX would act on.
        rest = re.sub(r"\\text[a-z]+\{\}|\\symbol\{34\}|\\[{}$&#%_]|\{[\[*]\}|-\{\}", "", line.removesuffix(r" \\"))
        assert not set(rest) & set("\\{}$#%_^~<>|\"`[*") and rest.count(" & ") >= len(table.header) - 1
        assert rest.count("&") == len(table.header) - 1


def _plain(cell: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f\u2028\u2029]+", " ", cell).strip()


def _cells(line: str) -> list[str]:
    """Of a row of a pipe table, as a reader of Markdown takes it."""
    cells, cell, n = [], "", 1
    while n < len(line):
        if line[n] == "\\":
            cell += line[n + 1]
            n += 1
        elif line[n] == "|":
            cells.append(cell.strip())
            cell = ""
        else:
            cell += line[n]
        n += 1
    return cells
