"""HTML, Markdown, EPUB and tables: what a reader would see, in its order."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from tests.reading.made import epub, excel

from iepile.errors import InputError
from iepile.reading.limits import LIMITS, ReadOptions
from iepile.reading.reader import read_document


def read(data: str | bytes, name: str, **options: Any) -> Any:
    (document,) = read_document(data.encode() if isinstance(data, str) else data, name, LIMITS, ReadOptions(**options))
    for place in document.meta["places"]:
        piece = document.text[place["start"]:place["end"]]
        assert piece and piece == piece.strip()
    return document


@pytest.mark.parametrize(("html", "text"), [
    ("<p>One <b>bo</b>ld<br>line<p>Two", "One bold\nline\n\nTwo"),
    ("<p>a\n  b</p>\n\n<p>\n</p><div>c</div>d", "a b\n\nc\n\nd"),
    ("<p>他出生于\n伦敦，\n父亲 x\n是", "他出生于伦敦，父亲 x 是"),
    ("<ul><li>a<li>b</ul><ol><li>c</ol>", "- a\n- b\n\n- c".replace("\n\n- c", "\n- c")),
    ("a<script>x()</script><style>y{}</style><template>t</template>b<!-- c -->", "ab"),
    ("<nav>menu</nav><div role=navigation>n</div><p>text", "text"),
    ("<p hidden>h</p><p style='color:red; Display : NONE'>h</p><p style=visibility:hidden>h<p>seen", "seen"),
    ("<p>&lt;b&gt; &eacute;&#x4e2d;&nbsp;&amp;amp;", "<b> é中 &amp;"),
    ("<ruby>漢<rp>(<rt>kan<rp>)</ruby>字", "漢字"),
    ("<table><tr><th>Name<th>Born<tr><td>Ada<td>1815<tr><td><td>1791</table>",
     "Name | Born\nAda | 1815\n1791"),
    ("<title>t</title><main>seen", "seen"),
    ("<table><tr><td><p>left<p>more<td>right</table>", "left\n\nmore\n\nright"),
    ("<table><tr><td>a<td>b<table><tr><td>in<td>ner</table></table>", "a\n\nb\n\nin | ner"),
    ("<pre>x = 1\n  y</pre>", "x = 1\n  y"), ("<svg><text>s</text></svg><textarea>t</textarea>u", "u"),
    ("<body><h1>H</h1>one<h2>K</h2><section>two</section>", "H\n\none\n\nK\n\ntwo"),
])
def test_html(html: str, text: str) -> None:
    assert read(html, "a.html").text == text


def test_html_says_title_section_what_is_left_out_and_its_encoding() -> None:
    page = '<meta charset="gb2312"><title>题 &amp; 目</title><nav>x</nav><h2>第一节</h2><p>正文<p hidden>x<pre>c</pre>'
    document = read(page.encode("gbk"), "a.htm", code=False)
    places = document.meta.pop("places")
    assert document.meta == {"title": "题 & 目", "media": "text/html",
                             "notes": ["read as GB18030, as the file declares"],
                             "dropped": {"navigation": 1, "hidden parts": 1, "code blocks": 1}}
    assert [p["section"] for p in places] == ["第一节"] * 2 and document.text == "第一节\n\n正文"


def test_html_of_one_page_without_text() -> None:
    for page in ("<html><script>x</script></html>", "<!-- c -->", "<p>&nbsp;</p>"):
        with pytest.raises(InputError, match="holds no text"):
            read(page, "a.html")


def test_html_nested_without_end_is_read_or_refused() -> None:
    for tag in ("div", "b", "table><tr><td", "ul><li"):
        with contextlib.suppress(InputError):
            assert "x" in read(f"<{tag}>" * 20_000 + "x", "a.html").text


@pytest.mark.parametrize(("markdown", "text"), [
    ("# Head *one*\n\nAda **Lo**ve\nlace", "Head one\n\nAda Love lace"),
    ("[a](http://x) ![alt](y) `c` <b>d</b>", "a alt c d"),
    ("他出生于\n伦敦。", "他出生于伦敦。"), ("- a\n- b\n\n1. c\n2. d", "- a\n- b\n1. c\n2. d"),
    ("|A|B|\n|-|-|\n|1|**2**|", "A | B\n1 | 2"), ("> said\n> so", "said so"), ("a  \nb", "a\nb"),
    ("a\\*b &amp; c", "a*b & c"), ("<div><p>in</p></div>\n\n<!-- no -->\n\nx", "in\n\nx"),
    ("---\ntitle: T\n---\ntext", "text"), ("+++\ntitle = 'T'\n+++\ntext", "text"), ("Title\n=====\n\nx", "Title\n\nx"),
    ("---\n\nnot front matter", "not front matter"),
])
def test_markdown(markdown: str, text: str) -> None:
    assert read(markdown, "a.md").text == text


def test_markdown_keeps_or_drops_code_and_knows_sections() -> None:
    text = "---\ntitle: \"My T\"\n---\n# A\n\n```py\nx = 1\n```\n\n## B\n\ny\n"
    kept, dropped = read(text, "a.md"), read(text, "a.md", code=False)
    assert kept.text == "A\n\nx = 1\n\nB\n\ny" and dropped.text == "A\n\nB\n\ny"
    assert kept.meta["title"] == "My T" and dropped.meta["dropped"] == {"front matter": 1, "code blocks": 1}
    assert [p["section"] for p in kept.meta["places"]] == ["A", "A", "B", "B"]


def test_a_book_in_the_order_of_its_spine() -> None:
    doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://example.org/xhtml11.dtd">'
    page = f'<?xml version="1.0"?>{doctype}'
    page += '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>A&nbsp;b&eacute;</p></body></html>'
    made = epub("<h1>第一章</h1><p>正文 <ruby>漢<rt>x</rt></ruby></p>", page, "<p>torn", title="书", language="zh-CN")
    book = read(made, "b.epub")
    assert (book.text, book.language, book.meta["title"]) == ("第一章\n\n正文 漢\n\nA bé\n\ntorn", "zh", "书")
    assert book.meta["places"][1]["section"] == "第一章"


def test_a_locked_book_says_so_and_packed_fonts_do_not_matter() -> None:
    lock = '<encryption><EncryptedData><EncryptionMethod Algorithm="{}"/></EncryptedData></encryption>'
    locked, fonts = (epub("<p>x</p>", **{"META-INF__encryption.xml": lock.format(how)}) for how in (
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.idpf.org/2008/embedding"))
    with pytest.raises(InputError, match="DRM"):
        read(locked, "b.epub")
    assert read(fonts, "b.epub").text == "x"


@pytest.mark.parametrize(("table", "texts"), [
    ("id,text\n1,Ada\n,\"two\nlines\"\n3,\n", [("1", "Ada"), ("a.csv:3", "two\nlines")]),
    ("id;text\n1;Ada, Bob\n", [("1", "Ada, Bob")]), ("body\nAda\n", [("a.csv:2", "Ada")])])
def test_a_table_is_a_document_a_row(table: str, texts: list[tuple[str, str]]) -> None:
    assert [(d.id, d.text) for d in read_document(table.encode(), "a.csv")] == texts


@pytest.mark.parametrize(("table", "problem", "line"), [
    ("a,b\n1,2\n", "no column 'text'", 1), ("text,b\n1,2,3\n", "has 3 values", 2), ('text\n"open\n', "is no table", 2),
    ("text,text\n1,2\n", "two columns 'text'", 1), ("text\n\n", "no row with text", None)])
def test_tables_that_are_none(table: str, problem: str, line: int | None) -> None:
    with pytest.raises(InputError, match=problem) as e:
        read_document(table.encode(), "a.csv")
    assert e.value.line == line and e.value.file == "a.csv"


def test_sheets_have_their_columns_named_and_values_as_text() -> None:
    from datetime import date

    rows = [["n", "body", "day", "sure"], [3.0, "Ada\nwas", date(1815, 12, 10), True], [None, "Bob", None, 0.5]]
    data = excel(rows, "S 1")
    first, second = read_document(data, "a.xlsx", LIMITS, ReadOptions(text_field="body"))
    assert (first.id, first.text) == ("a.xlsx:S 1:2", "Ada\nwas")
    assert {k: first.meta[k] for k in ("n", "day", "sure")} == {"n": "3", "day": "1815-12-10", "sure": "TRUE"}
    assert second.meta["places"] == [{"start": 0, "end": 3, "sheet": "S 1", "row": 3, "column": "body"}]
    with pytest.raises(InputError, match="no column 'text'") as e:
        read_document(data, "a.xlsx")
    assert e.value.expected == "n, body, day, sure"
