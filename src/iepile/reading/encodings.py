"""Bytes to text: by byte-order mark, by what the file declares, as UTF-8, and only then by a guess, which is told.

A guess is made by charset-normalizer among encodings that Chinese and Western texts are found in: with all the
encodings that it knows, it takes short texts for Baltic or Korean ones.
"""

from __future__ import annotations

import codecs
import re

from iepile.errors import MissingDependency
from iepile.reading.source import Source

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
          (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
GUESSED = ["gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252"]
"""What an undeclared text is taken for."""
SAMPLE = 1 << 16
"""Bytes that a guess looks at; all are then decoded by it, each one strictly."""
# As browsers read them: each holds the one that is named, and pages are full of characters that only it has.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030", "big5": "big5hkscs",
          "iso8859-1": "cp1252", "ascii": "cp1252", "x-sjis": "cp932", "shift_jis": "cp932", "euc_kr": "cp949"}

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f]")
_NEVER = ("utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem")


def decode(source: Source, declared: str | None = None) -> tuple[str, list[str]]:
    """The text, and what is to be said about how it was read; nothing for UTF-8.

    Args:
        declared: encoding that the file names, where its form has a place for that.

    Raises:
        InputError: no encoding fits.
    """
    data = source.data
    for mark, name in _MARKS:
        if data.startswith(mark):
            if (text := _strict(data[len(mark):], name)) is None:
                source.fail(f"begins as {name.upper()} and is not", fix="save it as UTF-8")
            return text, [] if name == "utf-8" else [f"read as {name.upper()}, by its byte-order mark"]
    codec = _known(declared) if declared else None
    if codec and (text := _strict(data, codec)) is not None:
        return text, [] if codec == "utf-8" else [f"read as {codec.upper()}, as the file declares"]
    if (text := _strict(data, "utf-8")) is not None and "\x00" not in text:
        return text, [f"read as UTF-8; the file declares {declared}"] if declared else []
    guess = _unmarked_utf16(data) if b"\x00" in data else _guess(data)
    if guess is None or (text := _strict(data, guess)) is None:
        if b"\x00" in data:
            source.fail("holds bytes that no text has", expected="text in UTF-8", fix="see that it is a text file")
        line = data.count(b"\n", 0, _fault(data)) + 1
        source.fail("is in no encoding that could be told", line=line, expected="UTF-8", fix="save it as UTF-8")
    return text, [f"read as {guess.upper()}: a guess"]


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _fault(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        return e.start
    return 0


def _known(declared: str) -> str | None:
    """The codec of a declared name; None for none that decodes text."""
    name = declared.strip().lower()
    try:
        codec = codecs.lookup(_WIDER.get(name, name))
    except (LookupError, ValueError, UnicodeError):
        return None
    if not codec._is_text_encoding or codec.name.replace("_", "-") in _NEVER:
        return None
    wider = _WIDER.get(codec.name, codec.name)
    return "utf-8" if wider == "utf-8-sig" else wider


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without its mark: spaces and line ends have their zero byte always on one side."""
    sample = data[:SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 or min(even, odd) * 20 > max(even, odd):
        return None
    name = "utf-16-le" if odd > even else "utf-16-be"
    text = _strict(sample[: len(sample) // 2 * 2], name) or ""
    return name if text and not _CONTROLS.search(text) else None


def _guess(data: bytes) -> str | None:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise MissingDependency("charset-normalizer", "documents", "reading a text that is not UTF-8") from None
    # A character of several bytes may be cut at the end of the sample.
    sample = data if len(data) <= SAMPLE else data[: data.rfind(b"\n", 0, SAMPLE) + 1 or SAMPLE]
    best = from_bytes(sample, cp_isolation=GUESSED).best()
    if best is None:
        return None
    wider = _WIDER.get(best.encoding, best.encoding)
    return best.encoding if _strict(data, best.encoding) is not None else wider
