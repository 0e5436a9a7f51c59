"""JSON as language models write it: fenced, wrapped in talk, cut short, badly quoted. Reads what is there.

What was only half written when the text ends is left out: half a mention is a wrong mention.

>>> loads_tolerant('{"a": ["x", "y').value
{'a': ['x']}
>>> loads_tolerant("Sure: {'a': [“x”,]}").value
{'a': ['x']}
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

_strict = json.JSONDecoder(strict=False)
_CLOSERS = {'"': '"', "'": "'", "\u201c": "\u201c\u201d\"", "\u201d": "\u201c\u201d\"", "\uff02": "\uff02"}
"""What opens a string in broken JSON -> what may close it."""
_PLAIN = {"\uff0c": ",", "\uff1a": ":"}
"""Full-width punctuation between strings."""
_STARTS = 8
"""Opening braces to try before giving up on a text that talks in braces."""
_CUTS = 8
"""Ends to try: a cut leaves at most one half-written member."""


class Salvaged(msgspec.Struct, frozen=True):
    """A value and how it was got: None means that the text was plain JSON."""

    value: Any
    how: str | None = None


def loads_tolerant(text: str) -> Salvaged:
    """Parse JSON, else the first object in the text, else that object mended or closed where it was cut.

    Returns:
        value None when nothing could be read; `how` then says what was met. Strings in the value can
        always be written as UTF-8.
    """
    try:
        return _encodable(Salvaged(json.loads(text)), text)
    except (ValueError, RecursionError):
        pass
    found = Salvaged(None, "no JSON object")
    start = -1
    for _ in range(_STARTS):
        start = text.find("{", start + 1)
        if start < 0:
            break
        found = _read(text, start)
        if found.value:
            return _encodable(found, text)
    return found


def _read(text: str, start: int) -> Salvaged:
    body = text[start:]
    try:
        value, end = _strict.raw_decode(body)
        rest = (text[:start] + body[end:]).strip()
        return Salvaged(value, "code fence" if rest.startswith("```") else "text around the JSON")
    except json.JSONDecodeError as e:
        # Up to here it is JSON: at the very end it was cut, elsewhere it is faulty.
        good = e.pos
        end = len(body.rstrip())
        cut = good >= end or e.msg.startswith("Unterminated") or ("escape" in e.msg and good >= end - 6)
    except (ValueError, RecursionError):
        return Salvaged(None, "broken JSON")
    if cut and (value := _closed(body[:good])):
        return Salvaged(value, "cut short")
    mended = _mended(body)
    try:
        return Salvaged(_strict.raw_decode(mended)[0], "mended quotes or commas")
    except json.JSONDecodeError as e:
        better = _closed(mended[: e.pos])
    except (ValueError, RecursionError):
        better = None
    plain = _closed(body[:good])
    best = better if len(str(better or "")) > len(str(plain or "")) else plain
    return Salvaged(best, "broken JSON" if best is None else "cut short" if cut else "broken on the way")


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


def _closed(good: str) -> Any:
    """The longest object that valid JSON up to some point becomes when its open brackets are closed."""
    stack: list[str] = []
    cuts: list[tuple[int, str]] = []
    inside = escaped = False
    for i, ch in enumerate(good):
        if inside:
            if escaped:
                escaped = False
            elif ch == "\\":
                escaped = True
            elif ch == '"':
                inside = False
                cuts.append((i + 1, "".join(reversed(stack))))
        elif ch == '"':
            inside = True
        elif ch in "{[":
            # An object that has just begun in a list says nothing yet.
            before = ch == "{" and bool(stack) and stack[-1] == "]"
            if not before:
                stack.append("}" if ch == "{" else "]")
            cuts.append((i if before else i + 1, "".join(reversed(stack))))
            if before:
                stack.append("}")
        elif ch in "}]":
            stack.pop()
            cuts.append((i + 1, "".join(reversed(stack))))
    for end, closing in reversed(cuts[-_CUTS:]):
        try:
            value = _strict.decode(good[:end].rstrip().removesuffix(",") + closing)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def _mended(body: str) -> str:
    """Straight quotes for others, escapes for quotes inside strings, no comma before a bracket."""
    out: list[str] = []
    closers = ""
    i = 0
    while i < len(body):
        ch = body[i]
        if not closers:
            if ch in _CLOSERS:
                closers = _CLOSERS[ch]
                ch = '"'
            elif ch in "]}" and "".join(out[-8:]).rstrip().endswith(","):
                while out.pop() != ",":
                    pass
            out.append(_PLAIN.get(ch, ch))
        elif ch == "\\":
            pair = body[i : i + 2]
            out.append(pair if pair[1:] and pair[1] in '"\\/bfnrtu' else "'" if pair == "\\'" else "\\\\")
            i += (len(out[-1]) > 1 and out[-1] == pair) or pair == "\\'"
        elif (ch in closers or (ch in "\u201c\u201d" and closers == '"')) and _ends_here(body, i + 1):
            closers = ""
            out.append('"')
        else:
            out.append('\\"' if ch == '"' else ch)
        i += 1
    return "".join(out)


def _ends_here(body: str, i: int) -> bool:
    """A closing quote is followed by punctuation or the end; one inside a string mostly is not."""
    while i < len(body) and body[i] in " \t\r\n":
        i += 1
    return i == len(body) or body[i] in ",:]}\uff0c\uff1a"
