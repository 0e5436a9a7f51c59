"""PDF files made line by line: paragraphs, columns, headers, pages, Chinese, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reading.made import Line, broken, pdf, running

from iepile.errors import InputError
from iepile.reading.limits import LIMITS, ReadLimits, ReadOptions
from iepile.reading.line_ends import joined
from iepile.reading.reader import read_document
from iepile.records import Document

LONG = ("Ada Lovelace was an English mathematician and writer, chiefly known for her work on the mechanical computer "
        "that Charles Babbage had proposed. She saw that the machine had uses beyond pure calculation, and published "
        "the first algorithm that was meant to be carried out by such a machine.")
FONTS = [Path(f) for f in ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
                           "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
                           "/usr/share/fonts/truetype/arphic/uming.ttc")]


def read(data: bytes, **options: bool) -> Document:
    (document,) = read_document(data, "a.pdf", LIMITS, ReadOptions(**options))
    for place in document.meta["places"]:
        piece = document.text[place["start"]:place["end"]]
        assert piece and piece == piece.strip()
    return document


def test_lines_become_paragraphs() -> None:
    lines = running(broken(LONG, 80)) + running(broken(LONG, 80), top=200)
    document = read(pdf(lines, title="On Ada"))
    assert document.text == f"{LONG}\n\n{LONG}" and document.meta["title"] == "On Ada"
    assert [(p["page"], p["paragraph"]) for p in document.meta["places"]] == [(1, 1), (1, 2)]


def test_an_indent_or_a_short_line_begins_a_paragraph() -> None:
    rows = broken(LONG, 80)
    indented = [(72.0, y, text) if not n else (x, y, text) for n, (x, y, text) in enumerate(running(rows))]
    again = [(x, y + len(rows) * 13, text) for x, y, text in indented]
    assert read(pdf(indented + again)).text == f"{LONG}\n\n{LONG}"


@pytest.mark.parametrize(("left", "right", "known", "text"), [
    ("inter-", "national law", (), "international law"), ("well-", "known", ("well-known",), "well-known"),
    ("Anglo-", "Saxon", (), "Anglo-Saxon"), ("2019-", "2020", (), "2019- 2020"),
    ("他出生于", "伦敦", (), "他出生于伦敦"),
    ("Ada 说", "hello", (), "Ada 说 hello"), ("a\u00ad", "b", (), "ab"), ("Anglo\u00ad", "Saxon", (), "Anglo-Saxon")])
def test_lines_are_put_together(left: str, right: str, known: tuple[str, ...], text: str) -> None:
    assert joined(left, right, frozenset(known)) == text


@pytest.mark.parametrize("by_row", [False, True])
def test_two_columns_are_read_one_after_the_other(by_row: bool) -> None:
    left, right = broken(LONG, 42), broken(LONG.replace("Ada", "Eve"), 42)
    title: list[Line] = [(60, 60, "A title that stands over both of the columns of this page, from left to right")]
    columns = [running(left), running(right, x=310)]
    body = [line for pair in zip(*columns, strict=True) for line in pair] if by_row else columns[0] + columns[1]
    document = read(pdf(title + body))
    assert document.text == "\n\n".join([title[0][2], LONG, LONG.replace("Ada", "Eve")])


def test_rows_of_a_table_are_lines_with_cells() -> None:
    rows = [("Name", "Born", "City"), ("Ada", "1815", "London"), ("Bob", "1901", "Rome")]
    lines = [(60 + 150 * n, 100 + 20 * m, cell) for m, row in enumerate(rows) for n, cell in enumerate(row)]
    document = read(pdf(lines))
    assert document.text == "Name | Born | City\nAda | 1815 | London\nBob | 1901 | Rome"
    assert [(p["paragraph"], p["row"]) for p in document.meta["places"]] == [(1, 1), (1, 2), (1, 3)]


def pages(count: int) -> list[list[Line]]:
    words = LONG.split()
    return [[(60, 40, f"Chapter {n // 2} of the report"), *running(broken(" ".join(words[5 * n:] + words[:5 * n]), 80)),
             (290, 800, f"[{n + 1}]")] for n in range(count)]


def test_headers_and_page_numbers_are_left_out_counted_and_kept_on_demand() -> None:
    document = read(pdf(*pages(6)))
    assert document.meta["dropped"] == {"headers and footers": 12}
    assert "Chapter" not in document.text and "[" not in document.text and document.text.count("mathematician") == 6
    kept = read(pdf(*pages(6)), margins=True)
    assert kept.text.count("of the report") == 6 and "dropped" not in kept.meta
    assert read(pdf(pages(1)[0])).text.startswith("Chapter 0")


def test_a_paragraph_goes_on_over_the_end_of_a_page_with_a_place_on_each() -> None:
    rows = broken(LONG, 80)
    document = read(pdf(running(rows[:2], top=760), running(rows[2:], top=60)))
    assert document.text == LONG
    first, second = document.meta["places"]
    assert (first["page"], second["page"]) == (1, 2) and document.text[first["end"]:second["start"]] == " "
    torn = read(pdf([(60, 780, "The law that holds between the nations of the world is called the inter-")],
                    [(60, 60, "national law.")]))
    assert torn.text.endswith("the international law.") and len(torn.meta["places"]) == 2


def test_a_heading_is_the_section_of_what_follows() -> None:
    document = read(pdf([(60, 60, "# One"), *running(broken(LONG, 80)), (60, 300, "# Two"),
                         *running(broken(LONG, 80), top=330)]))
    assert [p["section"] for p in document.meta["places"]] == ["One", "One", "Two", "Two"]


def test_chinese_with_an_embedded_font() -> None:
    font = next((f for f in FONTS if f.is_file()), None)
    if font is None:
        pytest.skip("no Chinese font is installed")
    text = ("甲方北京云海科技有限公司将位于北京市海淀区中关村大街的房屋出租给乙方使用，"
            "租期自二〇二四年一月一日起，乙方应当按月支付租金。")
    lines = [text[n:n + 25] for n in range(0, len(text), 25)]
    assert read(pdf(running(lines, leading=16), font=str(font))).text == text


def test_what_cannot_be_read_says_why() -> None:
    whole = pdf(running(broken(LONG, 80)))
    for data, problem in ((pdf([]), "no text layer"), (pdf([(9, 9, "x")], password="secret"), "has a password"),
                          (whole[:60], "is damaged"), (b"%PDF-1.7\n" + b"x" * 5000, "is damaged")):
        with pytest.raises(InputError, match=problem):
            read(data)
    with pytest.raises(InputError, match="has 3 pages"):
        read_document(pdf([], [], []), "a.pdf", ReadLimits(pages=2))
    partly = read(pdf(running(broken(LONG, 80)), [], []))
    assert partly.meta["notes"] == ["pages without text: images, or empty: 2-3"]
