r"""Brackets with parts, `(head,relation,tail)`, in any text: where they are, and how their commas cut them.

Brackets and commas may be Chinese or not. Brackets inside a part belong to it. A part in quotation marks holds
whatever it likes; in ASCII ones, escapes stand for what they do in JSON. The last bracket
need not be closed. Time is linear, and depth is no matter.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import combinations
from typing import Any

import msgspec

OPEN, CLOSE, COMMA = "(（", ")）", ",，"
LINES = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』"}
MARKS = "\"'“”‘’「」『』"
"""All of them."""
_THOUSANDS = re.compile(r"\d{3}(?!\d)")
_DIGIT = re.compile(r"(?<!\d)\d{1,3}\Z")
_NUMBER = re.compile(r"[^\d,]*\d{1,3}(?:,\d{3})+(?!\d)[^,]*")
"""A number with commas of thousands, and a unit before or after it."""
_MOST = 12
"""Commas of thousands in one bracket, of which all ways to read them are tried."""
_CLOSER = re.compile(r"([\"'”’」』])(?=\s*(?:[,，)）]|\Z))")
_BORDER = re.compile(r"[)）]\s*[,，;；、]?\s*[(（]")
_BLANKS = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[nrtbf\"'/\\])")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

Part = tuple[int, int]
"""Where a part stands in the text."""


class Bracket(msgspec.Struct):
    """A pair of brackets in a text; `end` is the place of the closing one, or the text's end."""

    start: int
    end: int = -1
    commas: list[int] = []
    """Places of the commas right inside it."""
    inner: list[Any] = []
    """Brackets right inside it."""

    def parts(self) -> list[Part]:
        """What stands between its commas."""
        return list(zip([self.start + 1, *(c + 1 for c in self.commas)], [*self.commas, self.end], strict=True))


class Brackets:
    """The brackets of a text."""

    def __init__(self, text: str, quotes: bool = True) -> None:
        """
        Args:
            quotes: whether quotation marks hold a part together.
        """
        self.text = text
        self.balanced = True
        """Each bracket that `outermost` met is one of a pair."""
        self._closers: dict[str, list[int]] = {}
        for m in _CLOSER.finditer(text) if quotes else ():
            if m[1] not in "\"'" or not _is_escaped(text, m.start()):
                self._closers.setdefault(m[1], []).append(m.start())

    def outermost(self) -> list[Bracket]:
        """The outermost brackets with all that is in them, in one pass."""
        text = self.text
        done: list[Bracket] = []
        open_: list[Bracket] = []
        at = 0
        while at < len(text):
            mark = text[at]
            if mark in OPEN:
                open_.append(Bracket(at))
            elif mark in CLOSE and open_:
                closed = open_.pop()
                closed.end = at
                (open_[-1].inner if open_ else done).append(closed)
            elif mark in CLOSE:
                self.balanced = False
            elif mark in COMMA and open_:
                open_[-1].commas.append(at)
            at += 1
            if open_ and mark in OPEN + COMMA and (end := self._quoted(at)):
                at = end
        self.balanced = self.balanced and not open_
        for n, left in enumerate(open_):  # never closed
            done += [left] if n == len(open_) - 1 else left.inner
            left.end = len(text)
        return done

    def cut(self, parts: list[Part], wanted: int, relations: Collection[str] = ()) -> list[Part]:
        """The parts as `wanted` ones, some commas taken as part of a mention; empty where there is no single way.

        Args:
            relations: names of which the second of three parts is one, if known.
        """
        if len(parts) == wanted or len(parts) < wanted:
            return parts if len(parts) == wanted else []
        if relations and wanted == 3:
            ways = list(self._around(parts, relations))
            if len(ways) > 1:
                ways = [way for way in ways if self._numbers(way)]
            if len(ways) == 1:
                return ways[0]
        return self._by_width(parts, wanted) or self._by_thousands(parts, wanted)

    def by_borders(self) -> list[list[Part]]:
        """The text cut where one bracket closes and the next opens, whatever is not paired in between; parts of each.

        Empty where the text is more than brackets.
        """
        text = self.text
        if len(text) < 2 or text[0] not in OPEN or text[-1] not in CLOSE:
            return []
        borders = [0, *(at for m in _BORDER.finditer(text) for at in (m.start(), m.end() - 1)), len(text) - 1]
        return [self.at_commas(a + 1, b) for a, b in zip(borders[::2], borders[1::2], strict=True)]

    def at_commas(self, start: int, end: int) -> list[Part]:
        """Parts of a piece of the text, cut at every comma that is in no quotation."""
        marks, at = [], start
        while at < end:
            if at == start or self.text[at - 1] in COMMA:
                at = min(max(at, self._quoted(at)), end - 1)
            if self.text[at] in COMMA:
                marks.append(at)
            at += 1
        return list(zip([start, *(n + 1 for n in marks)], [*marks, end], strict=True))

    def values(self, parts: list[Part]) -> list[str]:
        """What the parts say. Marks that Chinese texts hold of themselves are taken off only where all parts have them.

        `("甲,乙",国籍,丙)` is how answers are written here; `(“神舟”,型号,“五号”)` is how a text may name things.
        """
        starts = [self.text[self.stripped(p)[0]] if self.is_quoted(p) else "" for p in parts]
        off = "".join(QUOTES) if all(starts) else "\"'"
        return [self.value(p) if mark and mark in off else self.text[slice(*self.stripped(p))]
                for p, mark in zip(parts, starts, strict=True)]

    def value(self, part: Part) -> str:
        """What a part says, without blanks around it and quotation marks."""
        start, end = self.stripped(part)
        if self._quoted(start) != end or end == start:
            return self.text[start:end]
        said = self.text[start + 1 : end - 1]
        return unescaped(said) if self.text[start] in "\"'" else said

    def is_quoted(self, part: Part) -> bool:
        """It stands in quotation marks."""
        start, end = self.stripped(part)
        return end > start and self._quoted(start) == end

    def stripped(self, part: Part) -> Part:
        """The part without the blanks around it."""
        start, end = part
        said = self.text[start:end]
        return start + len(said) - len(said.lstrip()), end - len(said) + len(said.rstrip())

    def _quoted(self, start: int) -> int:
        """Where the quotation that opens at `start`, after blanks, ends; 0: none does."""
        start = _BLANKS.match(self.text, start).end()  # type: ignore[union-attr]
        closer = QUOTES.get(self.text[start : start + 1])
        places = self._closers.get(closer, []) if closer else []
        n = bisect_right(places, start)
        # A quotation does not run over lines: a mark that nothing closes would take in what follows.
        return places[n] + 1 if n < len(places) and "\n" not in self.text[start : places[n]] else 0

    def _around(self, parts: list[Part], relations: Collection[str]) -> Iterator[list[Part]]:
        most = max(sum(map(name.count, COMMA)) for name in relations)
        for first in range(1, len(parts) - 1):
            for last in range(first, min(first + most, len(parts) - 2) + 1):
                relation = parts[first][0], parts[last][1]
                if self.value(relation) in relations:
                    yield [(parts[0][0], parts[first - 1][1]), relation, (parts[last + 1][0], parts[-1][1])]

    def _by_width(self, parts: list[Part], wanted: int) -> list[Part]:
        commas = [start - 1 for start, _ in parts[1:]]
        for comma in COMMA:
            of_width = [at for at in commas if self.text[at] == comma]
            if len(of_width) == wanted - 1:
                return list(zip([parts[0][0], *(c + 1 for c in of_width)], [*of_width, parts[-1][1]], strict=True))
        return []

    def _by_thousands(self, parts: list[Part], wanted: int) -> list[Part]:
        over, text = len(parts) - wanted, self.text
        inside = [n for n, (a, _) in enumerate(parts) if n and _THOUSANDS.match(text, a) and text[a - 1] == ","
                  and _DIGIT.search(text[max(0, a - 4) : a - 1])]
        if not over <= len(inside) <= _MOST:
            return []
        ways = []
        for joined in combinations(inside, over):
            made: list[Part] = []
            for n, (a, b) in enumerate(parts):
                if n in joined:
                    made[-1] = (made[-1][0], b)
                else:
                    made.append((a, b))
            if self._numbers(made):
                ways.append(made)
        return ways[0] if len(ways) == 1 else []

    def _numbers(self, parts: list[Part]) -> bool:
        said = (self.text[a:b] for a, b in parts)
        return all(_NUMBER.fullmatch(s) for s in said if "," in s)


def unescaped(said: str) -> str:
    """What stands between the quotation marks of a string, as JSON reads it, and as well as can be where that fails."""
    if "\\" not in said:
        return said
    try:
        return str(json.loads(f'"{said}"'))
    except ValueError:
        return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][1:] else _ESCAPED.get(m[1], m[1]), said)


def _is_escaped(text: str, at: int) -> bool:
    before = at
    while before and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1
