"""Word files, by python-docx and by hand: as they read when all changes are accepted."""

from __future__ import annotations

import pytest
from tests.reading.made import WORDS, saved, word, words_of

from iepile.errors import InputError
from iepile.reading.limits import LIMITS, ReadOptions
from iepile.reading.reader import read_document
from iepile.reading.word_lists import written


def read(data: bytes, **options: bool) -> tuple[str, dict[str, object]]:
    (document,) = read_document(data, "a.docx", LIMITS, ReadOptions(**options))
    return document.text, document.meta


def p(*runs: str, about: str = "") -> str:
    return f"<w:p>{about}" + "".join(r if r.startswith("<") else f"<w:r><w:t>{r}</w:t></w:r>" for r in runs) + "</w:p>"


def test_headings_lists_and_tables_of_python_docx() -> None:
    import docx

    document = docx.Document()
    document.core_properties.title = "Report"
    document.add_heading("Intro", 1)
    document.add_paragraph("Ada was born in London.")
    for text, style in (("first", "List Number"), ("second", "List Number"), ("dot", "List Bullet")):
        document.add_paragraph(text, style=style)
    table = document.add_table(2, 3)
    for cell, text in zip([c for row in table.rows for c in row.cells], ["Name", "Age", "City", "Ada", "", "London"],
                          strict=True):
        cell.text = text
    document.sections[0].header.paragraphs[0].text = "HEADER"
    text, meta = read(saved(document))
    assert text == ("Intro\n\nAda was born in London.\n\n1. first\n\n2. second\n\n- dot\n\n"
                    "Name | Age | City\nAda |  | London")
    places = meta["places"]
    assert isinstance(places, list) and places[-1] | {"start": 0, "end": 0} == {
        "start": 0, "end": 0, "paragraph": 6, "section": "Intro", "row": 2}
    assert meta["title"] == "Report" and meta["dropped"] == {"headers": 1}
    assert read(saved(document), margins=True)[0].startswith("HEADER\n\nIntro")


@pytest.mark.parametrize(("body", "text"), [
    (p("She ", "<w:del><w:r><w:delText>died</w:delText></w:r></w:del>", "<w:ins><w:r><w:t>wrote</w:t></w:r></w:ins>"),
     "She wrote"),
    (p("<w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom>", "x", "<w:moveTo><w:r><w:t>came</w:t></w:r></w:moveTo>"),
     "xcame"),
    (p("one ", about="<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>") + p("two"), "one two"),
    (p("a", "<w:r><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:softHyphen/><w:t>d</w:t></w:r>"),
     "a\tb\nc-d"),
    (p("<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>", "<w:fldSimple><w:r><w:t>3</w:t></w:r></w:fldSimple>"),
     "link3"),
    (p("<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>",
       '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>seen</w:t></w:r>'), "seen"),
    (p("<w:r><w:instrText>PAGE</w:instrText><w:t>7</w:t></w:r>"), "7"),
    ("<w:sdt><w:sdtContent>" + p("control") + "</w:sdtContent></w:sdt>", "control"),
    (p("body", "<w:r><w:pict><w:txbxContent>" + p("box") + "</w:txbxContent></w:pict></w:r>", "more"),
     "bodymore\n\nbox"),
    (p("<w:r><mc:AlternateContent xmlns:mc='m'><mc:Choice><w:t>new</w:t></mc:Choice><mc:Fallback><w:t>old</w:t>"
       "</mc:Fallback></mc:AlternateContent></w:r>"), "new"),
    (p("<w:r><w:ruby><w:rt><w:r><w:t>kan</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase></w:ruby></w:r>"),
     "漢"),
    ("<w:tbl><w:tr><w:tc>" + p("a") + p("b") + "</w:tc><w:tc><w:tbl><w:tr><w:tc>" + p("in") + "</w:tc><w:tc>" + p("ner")
     + "</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>", "a b | in | ner"),
])
def test_what_python_docx_would_not_tell(body: str, text: str) -> None:
    assert read(words_of(body))[0] == text


def test_notes_follow_the_paragraph_that_points_to_them() -> None:
    body = p("Said", '<w:r><w:footnoteReference w:id="2"/></w:r>', " so.") + p("Next.")
    notes = (f'<w:footnotes {WORDS}><w:footnote w:id="0" w:type="separator">{p("---")}</w:footnote>'
             f'<w:footnote w:id="2">{p("By Ada.")}</w:footnote></w:footnotes>')
    assert read(words_of(body, footnotes=notes))[0] == "Said so.\n\nBy Ada.\n\nNext."


def test_lists_are_counted_as_word_counts_them() -> None:
    def item(text: str, level: int, list_: int = 1) -> str:
        number = f'<w:pPr><w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_}"/></w:numPr></w:pPr>'
        return p(text, about=number)

    kinds = [("chineseCounting", "第%1条"), ("decimal", "%1.%2"), ("bullet", "·")]
    levels = "".join(f'<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/>'
                     "</w:lvl>" for n, (form, text) in enumerate(kinds))
    again = ('<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
             "</w:lvlOverride></w:num>")
    numbering = (f'<w:numbering {WORDS}><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
                 f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{again}</w:numbering>')
    body = (item("a", 0) + item("b", 0) + item("c", 1) + item("d", 1) + item("e", 2) + item("f", 0) + item("g", 1)
            + item("h", 0, 2) + item("i", 0, 9))
    assert read(words_of(body, numbering=numbering))[0].split("\n\n") == [
        "第一条 a", "第二条 b", "二.1 c", "二.2 d", "- e", "第三条 f", "三.1 g", "第五条 h", "i"]


@pytest.mark.parametrize(("number", "form", "said"), [
    (10, "chineseCounting", "十"), (11, "chineseCounting", "十一"), (20, "chineseCounting", "二十"),
    (9, "lowerRoman", "ix"),
    (1994, "upperRoman", "MCMXCIV"), (26, "lowerLetter", "z"), (27, "lowerLetter", "aa"), (3, "decimalZero", "03"),
    (7, "no such", "7"), (0, "lowerRoman", "0"), (5, "decimalEnclosedCircle", "⑤")])
def test_numbers_as_lists_write_them(number: int, form: str, said: str) -> None:
    assert written(number, form) == said


def test_pages_are_those_that_word_noted() -> None:
    broken = "<w:r><w:lastRenderedPageBreak/><w:t>two</w:t></w:r>"
    (document,) = read_document(words_of(p("one ", broken) + p("end")), "a.docx")
    assert document.text == "one two\n\nend"
    assert [(x["page"], x["paragraph"]) for x in document.meta["places"]] == [(1, 1), (2, 1), (2, 2)]
    assert "page" not in read_document(word("x"), "a.docx")[0].meta["places"][0]


def test_what_is_no_word_file() -> None:
    with pytest.raises(InputError, match="holds no text"):
        read(word(""))
    deep = "<w:tbl><w:tr><w:tc>" * 30 + p("x") + "</w:tc></w:tr></w:tbl>" * 30
    with pytest.raises(InputError, match="deeper than 8"):
        read(words_of(deep))
