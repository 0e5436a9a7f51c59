r"""Triples as text: the answers to instructions in words (InstructKGC, CCKS2023, kg2instruction).

>>> read_triples("输入中包含的关系三元组是：\n（人口，数值，2,424人）(甲(别名),国籍,乙").triples
[['人口', '数值', '2,424人'], ['甲(别名)', '国籍', '乙']]
>>> write_triples([["甲,乙", "关系", "丙"]])
'("甲,乙",关系,丙)'

Four layouts are read, Chinese and English, each with sentences around it or none:

    (弗雷泽,国籍,澳大利亚)(弗雷泽,获奖,铜牌)          头实体是弗雷泽,关系是国籍,尾实体是澳大利亚
    {'head': '弗雷泽', 'relation': '国籍', 'tail': '澳大利亚'}          国籍：弗雷泽,澳大利亚

`NAN` in place of a mention, and `NAN` or a sentence that says so in place of all, is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from iepile.tasks.lenient_json import Lenient
from iepile.tasks.mentions import NONE
from iepile.tasks.task import Problem
from iepile.tasks.triple_brackets import CLOSE, COMMA, OPEN, QUOTES, Bracket, Brackets

_PHRASES = tuple(re.compile(words, re.I) for words in (
    r"头实体是|subject is\b", r"[,，]\s*(?:关系是|relation is\b)", r"[,，]\s*(?:尾实体是|object is\b)"))
_OBJECT = re.compile(r"""[{｛]\s*["'“‘]?(?:head|subject)["'”’]?\s*[:：]""", re.I)
_STRING = r"""('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
_EXACT = re.compile(rf"\{{{_STRING}: ?{_STRING}, ?{_STRING}: ?{_STRING}, ?{_STRING}: ?{_STRING}\}}")
"""Three members as Python or JSON writes them, so that no mark need be guessed at."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_OPENING = re.compile("[(（]")
_NOTHING = re.compile(
    rf"(?:{NONE}|none|null|无|空|没有)[.。!！]?|\[\s*\]|\{{\s*\}}|sorry\b[^：:]*|"
    r"(?:there (?:is|are) )?no [^：:]*(?:relation|triple)[^：:]*|"
    r"[^：:]*(?:没有|不存在|不包含|未找到|无)[^：:]*(?:关系|三元组)[^：:]*", re.I)
_LONGEST = 100
"""Characters of a sentence that says that there is nothing."""
_COLONS = "：:"
_ENDS = (("head", "subject"), ("relation", "predicate"), ("tail", "object"))


class TripleReading(msgspec.Struct):
    """What a text states."""

    triples: list[list[str]]
    """[head, relation, tail], in order, repeats included."""
    problems: list[Problem]
    """`wrong form`: what looks like a triple and is none, as it stands; `invalid`: nothing in the text is one."""


def read_triples(text: str, relations: Collection[str] = ()) -> TripleReading:
    """The triples that a text states. Never raises.

    Args:
        relations: names that were asked, if known; a bracket with too many commas is cut around one of them.
    """
    reader = _Reader(text.strip(), relations)
    reader.read()
    return reader.reading


def write_triples(triples: Iterable[Sequence[str]]) -> str:
    """Triples in brackets, one after the other: `read_triples` reads them back exactly.

    Raises:
        ValueError: not three parts, or an empty one.
    """
    return "".join(map(_written, triples))


def _written(triple: Sequence[str]) -> str:
    if len(triple) != 3 or not all(triple):
        raise ValueError(f"{triple!r} is no triple of three texts")
    plain = f"({','.join(written_part(p, strict=False) for p in triple)})"
    if read_triples(plain) == TripleReading([list(triple)], []):
        return plain
    return f"({','.join(map(written_part, triple))})"


def written_part(part: str, strict: bool = True) -> str:
    """A mention as it stands between commas, in quotation marks where it must.

    Args:
        strict: brackets in pairs are put in quotation marks too.
    """
    special = part != part.strip() or part == NONE or part[0] in QUOTES or any(c in part for c in COMMA + "\n\r")
    if not special and any(c in part for c in OPEN + CLOSE):
        special = strict or not _balanced(part) or any(mark in part for mark in QUOTES)
    if not special:
        return part
    said = part.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{said}"'


def _balanced(part: str) -> bool:
    depth = 0
    for c in part:
        depth += (c in OPEN) - (c in CLOSE)
        if depth < 0:
            return False
    return depth == 0


class _Reader:
    def __init__(self, text: str, relations: Collection[str]) -> None:
        self.text = text
        self.relations = frozenset(relations)
        self.reading = TripleReading([], [])
        self.absent = False
        """`NAN` was read."""

    def read(self) -> None:
        text = self.text
        if not text or (len(text) <= _LONGEST and text[0] not in OPEN and _NOTHING.fullmatch(text)):
            return
        # Mentions may hold what looks like another layout: the first to appear is tried first.
        layouts = ((_OPENING, self._brackets), (_OBJECT, self._objects), (_PHRASES[0], self._phrases))
        seen = sorted((m.start(), n) for n, (mark, _) in enumerate(layouts) if (m := mark.search(text)))
        first: list[Problem] = []
        tried = [layouts[n][1] for _, n in seen]
        for read in (*tried, self._lines) if all(n == 0 for _, n in seen) else tried:
            self.reading.problems = []
            read()
            if self.reading.triples or self.absent:
                return
            first = first or self.reading.problems
        self.reading.problems = first or [Problem("invalid", text[:80])]

    def _add(self, values: Sequence[str], shown: str, quoted: Sequence[bool] = (False,) * 3) -> None:
        if any(v == NONE and not q for v, q in zip(values, quoted, strict=True)):
            self.absent = True
        elif all(map(str.strip, values)) or (all(values) and any(quoted)):
            self.reading.triples.append(list(values))
        else:
            self._not_one(shown)

    def _not_one(self, shown: str) -> None:
        self.reading.problems.append(Problem("wrong form", shown))

    def _brackets(self) -> None:
        brackets = Brackets(self.text)
        outermost = brackets.outermost()
        if not brackets.balanced:
            cuts = [brackets.cut(parts, 3, self.relations) for parts in brackets.by_borders()]
            if cuts and all(cuts):
                for cut in cuts:
                    self._add(brackets.values(cut), self.text[cut[0][0] - 1 : cut[-1][1] + 1],
                              [brackets.is_quoted(p) for p in cut])
                return
        self._within(brackets, outermost)

    def _within(self, brackets: Brackets, outermost: list[Bracket], again: bool = True) -> None:
        text = brackets.text
        waiting = outermost[::-1]
        while waiting:
            bracket = waiting.pop()
            parts = bracket.parts()
            lists = [b for b in bracket.inner if b.commas or b.inner]
            wrapped = {(b.start, b.end + 1) for b in bracket.inner}
            if lists and all(brackets.stripped(p) in wrapped for p in parts):
                waiting += lists[::-1]  # ((a,b,c),(d,e,f)): a list of triples
                continue
            shown = text[bracket.start : bracket.end + 1]
            if cut := brackets.cut(parts, 3, self.relations):
                self._add(brackets.values(cut), shown, [brackets.is_quoted(p) for p in cut])
            elif lists:
                waiting += lists[::-1]  # (there are two: (a,b,c)(d,e,f))
            elif text[bracket.start + 1 : bracket.end].strip() == NONE:
                self.absent = True
            elif again and any(mark in shown for mark in QUOTES):
                plain = Brackets(shown, quotes=False)
                self._within(plain, plain.outermost(), again=False)
            else:
                self._not_one(shown)

    def _objects(self) -> None:
        reader = Lenient(self.text)
        at = 0
        while m := _OBJECT.search(self.text, at):
            if (exact := _EXACT.match(self.text, m.start())) and not _HALF.search(exact[0]):
                found, at = dict(zip(*[map(_literal, exact.groups()[n::2]) for n in (0, 1)], strict=True)), exact.end()
            else:
                found, at = reader.read(m.start())
            keys = {str(k).lower(): v for k, v in found.items()} if isinstance(found, dict) else {}
            values = [next((keys[n] for n in names if isinstance(keys.get(n), str)), "") for names in _ENDS]
            self._add(values, self.text[m.start() : at])

    def _phrases(self) -> None:
        for line in map(str.strip, self.text.splitlines()):
            if values := _phrased(line):
                self._add(values, line)
            elif line == NONE:
                self.absent = True
            elif line and line[-1] not in _COLONS:
                self._not_one(line)

    def _lines(self) -> None:
        for line in map(str.strip, self.text.splitlines()):
            if line == NONE:
                self.absent = True
            known = (r for r in self.relations if r and line.startswith((f"{r}：", f"{r}:")))
            relation = max(known, key=len, default=re.split(f"[{_COLONS}]", line, maxsplit=1)[0])
            ends = line[len(relation) + 1 :].strip()
            if not ends:
                continue  # talk
            values = _two(ends)
            if values:
                self._add([values[0], relation.strip(), values[1]], line)
            elif ends == NONE:
                self.absent = True
            else:
                self._not_one(line)


def _phrased(line: str) -> list[str]:
    places = [0]
    for words in _PHRASES:
        if (m := words.search(line, places[-1])) is None:
            return []
        places += m.span()
    return [line[a:b].strip() for a, b in zip(places[2::2], [*places[3::2], len(line)], strict=True)]


def _two(ends: str) -> list[str]:
    brackets = Brackets(ends)
    return [brackets.value(p) for p in brackets.cut(brackets.at_commas(0, len(ends)), 2)]


def _literal(string: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][1:] else _ESCAPED.get(m[1], m[1]), string[1:-1])
