"""JSON as language models write it: fenced, wrapped in talk, in pieces, cut short, badly quoted. Reads what is there.

What was only half written when the text ends is left out: half a mention is a wrong mention.

>>> loads_tolerant('{"a": ["x", "y').value
{'a': ['x']}
>>> loads_tolerant("Sure: {'a': [“x”,]}").value
{'a': ['x']}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from iepile.tasks.lenient_json import Lenient, both

_STARTS = 8
"""Brackets to try in vain before giving up on a text that talks in brackets."""
_LAYERS = 3
"""Times that JSON may stand as text in JSON."""
_OPENING = re.compile(r"[{\uff5b]|[\[\uff3b](?=\s*[\[{\uff5b\uff3b\"'“‘])")
_HEADLESS = re.compile(r"[\s\ufeff]*(?:```\w*\s*)?(?=[\"“][^\"”\n{}\[\]]{1,100}[\"”]\s*[:：])")
"""An answer whose opening bracket is missing, as where the prompt has written it."""
_THOUGHTS = re.compile(r".*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_TALK = re.compile(r"\w{2}")


class Salvaged(msgspec.Struct, frozen=True):
    """A value and how it was got: None means that the text was plain JSON."""

    value: Any
    how: str | None = None


class _Piece(msgspec.Struct):
    """A value in the text."""

    start: int
    end: int
    value: Any
    mended: bool = False
    cut: bool = False


def loads_tolerant(text: str, repeats: bool = False) -> Salvaged:
    """Parse JSON, else what JSON is in the text, mended, closed where it was cut, and put together.

    Several objects are one where each is a part of the answer: of a label that two of them have, both values count
    where they stand side by side, the later one where there is talk between them.

    Args:
        repeats: a key that stands twice in an object has both values; as in JSON otherwise, where the last one counts.

    Returns:
        value None when nothing could be read; `how` then says what was met. Strings in the value can
        always be written as UTF-8. Never raises.
    """
    how: list[str] = []
    decoder = json.JSONDecoder(object_pairs_hook=partial(_pairs, how) if repeats else None)
    for _ in range(_LAYERS):
        try:
            value = decoder.decode(text)
        except (ValueError, RecursionError):
            break
        if not (isinstance(value, str) and _OPENING.search(value)):
            return _encodable(Salvaged(value, ", ".join(dict.fromkeys(how)) or None), text)
        text = value
        how.append("JSON within JSON")
    if '{\\"' in text and '{"' not in text:
        text = text.replace('\\"', '"')
        how.append("JSON within JSON")
    thought = _THOUGHTS.match(text)
    base = thought.end() if thought else 0
    if headless := _HEADLESS.match(text, base):
        text, base = "{" + text[headless.end() :], 0
        how.append("no opening bracket")
    pieces = list(_pieces(text, base, decoder.object_pairs_hook))
    if not pieces:
        return Salvaged(None, "broken JSON" if _OPENING.search(text, base) else "no JSON object")
    return _encodable(Salvaged(_one(pieces, text), ", ".join(dict.fromkeys(_met(pieces, text, how)))), text)


def _pieces(text: str, at: int, hook: Any) -> Iterator[_Piece]:
    """The objects and lists in a text, one after the other."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=hook)
    reader = Lenient(text)
    misses = faults = 0
    last = len(text.rstrip())
    while misses < _STARTS and (opening := _OPENING.search(text, at)):
        start = opening.start()
        try:
            if faults > _STARTS:  # an error of the decoder costs as much time as the text before it is long
                raise ValueError
            value, end = decoder.raw_decode(text, start)
            piece = _Piece(start, end, value)
        except (ValueError, RecursionError) as e:
            faults += 1
            cut = isinstance(e, json.JSONDecodeError) and _cut(e, last)
            value, end = reader.read(start, plain=cut)
            piece = _Piece(start, end, value, not cut and (reader.mended or not reader.cut), reader.cut)
        if piece.value or (piece.value == {} and not piece.mended):
            yield piece
        else:
            misses += 1
        at = piece.end if piece.value or piece.cut else start + 1


def _cut(error: json.JSONDecodeError, last: int) -> bool:
    """Whether what stands before the last code point is JSON up to its end."""
    return (error.pos >= last or error.msg.startswith("Unterminated")
            or ("escape" in error.msg and error.pos >= last - 6))


def _met(pieces: list[_Piece], text: str, how: list[str]) -> Iterator[str]:
    """What stood in the way, for the report."""
    yield from how
    starts, ends = [p.start for p in pieces] + [len(text)], [0] + [p.end for p in pieces]
    around = "".join(text[e:s] for s, e in zip(starts, ends, strict=True)).strip()
    faulty = any(p.mended or p.cut for p in pieces)
    if "```" in around:
        yield "code fence"
    elif around.strip("\ufeff \n;,") or not (faulty or how or len(pieces) > 1):
        yield "text around the JSON"
    if len(pieces) > 1:
        yield "several values"
    if any(p.mended for p in pieces):
        yield "mended quotes or commas"
    if any(p.cut for p in pieces):
        yield "cut short"


def _one(pieces: list[_Piece], text: str) -> Any:
    """The pieces as one value: an object where all are parts of one, else the list of them."""
    values: list[Any] = []
    for p in pieces:
        values += p.value if isinstance(p.value, list) and all(isinstance(v, dict) for v in p.value) else [p.value]
    if not all(isinstance(v, dict) and all(isinstance(x, list | dict) for x in v.values()) for v in values):
        only = [v for v in values if v]
        return only[0] if len(only) == 1 else only or values[0]
    whole: dict[str, Any] = {}
    end = pieces[0].start
    for p in pieces:
        said = bool(_TALK.search(text, end, p.start)) and "```" not in text[end : p.start]
        for part in p.value if isinstance(p.value, list) else [p.value]:
            for key, value in part.items():
                old = whole.get(key)
                if not old or (said and value):
                    whole[key] = value
                elif isinstance(old, list) and isinstance(value, list):
                    old += value if value != old else []
                elif value:
                    whole[key] = both(old, value)
        end = p.end
    return whole


def _pairs(how: list[str], pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out and value != out[key]:
            how.append("a key twice")
        out[key] = both(out[key], value) if key in out else value
    return out


def _encodable(got: Salvaged, text: str) -> Salvaged:
    """Replace half surrogate pairs (an escape cut in two), which no file could hold."""
    try:
        text.encode()
        if "\\u" in text:
            json.dumps(got.value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        safe = json.dumps(got.value, ensure_ascii=False).encode("utf-8", "replace")
        return Salvaged(json.loads(safe), got.how or "half characters")
    return got
