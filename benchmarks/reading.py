"""Reading PDF files: paragraphs that come out whole, and time a page, against pypdf on the same files.

    python benchmarks/reading.py [--pages 40] [--seed 1] [--write]

The files are made here (fpdf2), so every paragraph is known: one column, two columns, two columns written row by row,
each with a header and a page number. `whole`: the paragraph stands in the text as it was written, its lines put
together, and for ours none of it in another paragraph. `running`: the same when all white space and hyphens are
forgiven, so only the order counts. The peer gives lines and tells no paragraphs, so for it each line end is read as a
space. Times are of one process, the best of three.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import sys
import time
from collections.abc import Callable

from results import record

from iepile.reading.limits import LIMITS
from iepile.reading.reader import read_document

_WORDS = """
international cooperation between governments established considerable advantages for participating organisations
although representatives of several universities criticised the administration when machines were built in the
nineteenth century
"""
WORDS = _WORDS.split()
LEFT, RIGHT, TOP, LEADING = 60, 310, 80, 12.5
LINES = 54


def paragraph(chance: random.Random) -> str:
    """Four sentences."""
    return " ".join(" ".join(chance.choices(WORDS, k=chance.randint(6, 16))).capitalize() + "." for _ in range(4))


def wrapped(text: str, width: float, wide: Callable[[str], float]) -> list[str]:
    """Lines as a printer breaks them: as many words as have room."""
    lines: list[str] = []
    for word in text.split():
        indent = 12 * (len(lines) < 2)
        if lines and wide(f"{lines[-1]} {word}") + indent <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def made(kind: str, pages: int, chance: random.Random) -> tuple[bytes, list[str]]:
    """A file and the paragraphs in it; none goes on over a column or a page."""
    from fpdf import FPDF

    pdf, said = FPDF(unit="pt", format="A4"), []
    width = 470.0 if kind == "one column" else 225.0
    for number in range(1, pages + 1):
        pdf.add_page()
        pdf.set_font("helvetica", size=9)
        pdf.text(LEFT, 40, f"Part {1 + number // 7} of the report")
        pdf.text(295, 810, str(number))
        pdf.set_font("times", size=10)
        columns: list[list[tuple[float, float, str]]] = []
        for x in (LEFT,) if kind == "one column" else (LEFT, RIGHT):
            column: list[tuple[float, float, str]] = []
            while True:
                text = paragraph(chance)
                lines = wrapped(text, width, pdf.get_string_width)
                if len(column) + len(lines) > LINES:
                    break
                column += [(x + 12 * (not n), TOP + LEADING * (len(column) + n), line) for n, line in enumerate(lines)]
                said.append(text)
            columns.append(column)
        ordered = [line for column in columns for line in column]
        if kind == "row by row":
            ordered.sort(key=lambda line: (line[1], line[0]))
        for x, y, line in ordered:
            pdf.text(x, y, line)
    return bytes(pdf.output()), said


def ours(data: bytes) -> str:
    """With the reader of this toolkit."""
    return read_document(data, "a.pdf", LIMITS)[0].text


def peer(data: bytes) -> str:
    """With pypdf."""
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def measured(read: Callable[[bytes], str], data: bytes, said: list[str], pages: int) -> dict[str, float]:
    """Shares of the paragraphs, and milliseconds a page."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        text = read(data)
        best = min(best, time.perf_counter() - start)
    known = set(text.split("\n\n")) if "\n\n" in text else None
    flat = text.replace("\n", " ")
    bare = re.sub(r"[\s-]+", "", text)
    return {"whole": round(sum(p in (flat if known is None else known) for p in said) / len(said), 4),
            "running": round(sum(re.sub(r"[\s-]+", "", p) in bare for p in said) / len(said), 4),
            "headers left in": text.count("of the report"), "ms a page": round(1000 * best / pages, 2)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    options = parser.parse_args()
    from importlib.metadata import version

    figures: dict[str, object] = {"pages": options.pages, "peer": f"pypdf {version('pypdf')}"}
    for kind in ("one column", "two columns", "row by row"):
        data, said = made(kind, options.pages, random.Random(options.seed))
        of = {name: measured(read, data, said, options.pages) for name, read in (("ours", ours), ("peer", peer))}
        faster = round(of["peer"]["ms a page"] / of["ours"]["ms a page"], 2)
        figures[kind] = of | {"paragraphs": len(said), "times as fast": faster}
    record("reading", options.write, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
