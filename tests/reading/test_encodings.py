"""Bytes become the right characters, or a message; what was assumed is said."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.reading.encodings import decode
from iepile.reading.reader import read_document
from iepile.reading.source import Source

SIMPLIFIED = "阿达·洛夫莱斯是英国数学家。她出生于伦敦，父亲是诗人拜伦。"
TRADITIONAL = "臺灣大學位於臺北市大安區，創立於一九二八年，是臺灣第一所大學。"
JAPANESE = "東京都は日本の首都であり、世界最大の都市圏の一つである。"
WESTERN = "Émile Zola naquit à Paris en 1840 ; il écrivit « Germinal » – à 45 ans. Café, déjà, où."


def read(data: bytes, declared: str | None = None) -> tuple[str, list[str]]:
    return decode(Source(data, "a.txt"), declared)


@pytest.mark.parametrize(("text", "encoding", "said"), [
    (SIMPLIFIED, "gb18030", "read as GB18030: a guess"), (SIMPLIFIED[:14], "gbk", "read as GB18030: a guess"),
    (SIMPLIFIED * 5000, "gb18030", "read as GB18030: a guess"), (TRADITIONAL, "big5", "read as BIG5: a guess"),
    (JAPANESE, "shift_jis", "read as SHIFT_JIS: a guess"), (JAPANESE, "euc_jp", "read as EUC_JP: a guess"),
    (WESTERN, "cp1252", "read as CP1252: a guess"), ("Price: 5 £ – café", "cp1252", "read as CP1252: a guess"),
    (SIMPLIFIED, "utf-16", "read as UTF-16-LE, by its byte-order mark"), (SIMPLIFIED, "utf-8-sig", None),
    (SIMPLIFIED, "utf-32", "read as UTF-32-LE, by its byte-order mark"), (SIMPLIFIED, "utf-8", None),
    ("Ada met Bob.\nIn Rome.", "utf-16-le", "read as UTF-16-LE: a guess"),
    ("Ada met Bob.\nIn Rome.", "utf-16-be", "read as UTF-16-BE: a guess"),
])
def test_texts_come_out_as_they_went_in(text: str, encoding: str, said: str | None) -> None:
    assert read(text.encode(encoding)) == (text, [said] if said else [])


@pytest.mark.parametrize(("declared", "encoding"), [
    ("gb2312", "gb18030"), ("GBK", "gbk"), ("big5", "big5hkscs"), ("iso-8859-1", "cp1252"), ("windows-1251", "cp1251"),
    ("utf-8", "utf-8"), ("UTF8", "utf-8")])
def test_what_a_file_declares_is_believed_where_it_fits(declared: str, encoding: str) -> None:
    text = {"cp1251": "Москва", "cp1252": "café – “x”", "big5hkscs": TRADITIONAL}.get(encoding, SIMPLIFIED)
    assert read(text.encode(encoding), declared)[0] == text


def test_what_a_file_declares_wrongly_is_said() -> None:
    assert read(SIMPLIFIED.encode(), "shift_jis") == (SIMPLIFIED, ["read as UTF-8; the file declares shift_jis"])


@pytest.mark.parametrize("name", ["utf-7", "rot13", "base64", "zip", "unicode_escape", "no such", "\x00", "idna", ""])
def test_names_that_are_no_encodings_of_texts(name: str) -> None:
    assert read(SIMPLIFIED.encode(), name)[0] == SIMPLIFIED


@pytest.mark.parametrize(("data", "problem"), [
    (b"\x00\x01\x02\x03" * 9, "bytes that no text has"), (codecs.BOM_UTF16_LE + b"\x00\xd8\x00", "begins as UTF-16"),
    (b"fine\nno \x81\x8d\xff\xfe\x81 \x9d\n", "in no encoding that could be told")])
def test_no_text_is_made_of_what_is_none(data: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_text_or_a_message(data: bytes) -> None:
    try:
        (document,) = read_document(data, "a.txt")
    except InputError:
        return
    assert document.text.encode() and all(document.text[p["start"]:p["end"]].strip() for p in document.meta["places"])
