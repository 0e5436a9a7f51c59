"""The tables of a report as a file: CSV for a spreadsheet, Markdown for a page, LaTeX for a paper.

    write_tables(report, "scores.csv")      # or .md, .tex

The ending says which. CSV holds all tables in one, the first column names them; Markdown and LaTeX hold one after the
other. Names of labels, sources and files are the user's: in each form whatever would mean something there is escaped.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from iepile.errors import InputError
from iepile.evaluation.report import Report
from iepile.evaluation.tables import Table, tables
from iepile.jsonl import atomic_writer

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?: to [+-]?\d+(?:\.\d+)?)?")
# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$&^=])")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\symbol{34}", "`": r"\textasciigrave{}",
    # After the end of a row these two would be read as its options; two hyphens would be joined.
    "[": "{[}", "*": "{*}", "-": "-{}",
}


def write_tables(report: Report, path: str | Path) -> None:
    """Write every table of a report; the file appears only when complete.

    Raises:
        InputError: the ending is none of `.csv`, `.md`, `.tex`.
    """
    data = writer_for(path)(tables(report, "source,label,language")).encode()
    with atomic_writer(path) as f:
        f.write(data)


def writer_for(path: str | Path) -> Callable[[Sequence[Table]], str]:
    """What turns tables into the text of a file with this ending.

    Raises:
        InputError: no such form.
    """
    if (writer := _WRITERS.get(Path(path).suffix.lower())) is None:
        raise InputError(f"tables cannot be written as {Path(path).name!r}", field="tables",
                         expected="a file that ends in " + ", ".join(_WRITERS))
    return writer


def as_csv(shown: Sequence[Table]) -> str:
    """All tables as one: `table` says which, and a column that a table lacks is empty (RFC 4180, with a byte order
    mark, without which Excel misreads Chinese)."""
    columns = list(dict.fromkeys(name for t in shown for name in t.header))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["table", *map(_inert, columns)])
    for t in shown:
        for row in t.rows:
            cells = dict(zip(t.header, row, strict=True))
            writer.writerow([_inert(t.title), *(_inert(cells.get(c, "")) for c in columns)])
    return "\ufeff" + out.getvalue()


def as_markdown(shown: Sequence[Table]) -> str:
    """One pipe table after the other (GitHub flavour)."""
    parts = []
    for t in shown:
        rule = ["---:" if right else "---" for right in _figures(t)]
        lines = [t.header, *t.rows]
        head, *rows = ("| " + " | ".join(map(_marked, line)) + " |" for line in lines)
        parts.append("\n".join([f"**{_marked(t.title)}**", "", head, "| " + " | ".join(rule) + " |", *rows, ""]))
    return "\n".join(parts)


def as_latex(shown: Sequence[Table]) -> str:
    """One `tabular` after the other; needs no package, but an engine that has the letters of the labels."""
    parts = []
    for t in shown:
        columns = "".join("r" if right else "l" for right in _figures(t))
        head, *rows = (" & ".join(map(_typeset, line)) + r" \\" for line in (t.header, *t.rows))
        parts.append("\n".join([
            r"\begin{table}", r"\centering", rf"\caption{{{_typeset(t.title)}}}", rf"\begin{{tabular}}{{{columns}}}",
            r"\hline", head, r"\hline", *rows, r"\hline", r"\end{tabular}", r"\end{table}", "",
        ]))
    return "\n".join(parts)


_WRITERS = {".csv": as_csv, ".md": as_markdown, ".tex": as_latex}


def _figures(t: Table) -> list[bool]:
    return [bool(t.rows) and all(_NUMBER.fullmatch(row[n]) or row[n] in ("", "-") for row in t.rows)
            for n in range(len(t.header))]


def _inert(cell: str) -> str:
    return "'" + cell if cell.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def _marked(cell: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _BLANKS.sub(" ", cell))


def _typeset(cell: str) -> str:
    return "".join(_LATEX.get(c, c) for c in _BLANKS.sub(" ", cell))
