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
from iepile.tasks.shape import quoted
from iepile.tasks.task import Problem
from iepile.tasks.triple_brackets import CLOSE, COMMA, LINES, MARKS, OPEN, QUOTES, Bracket, Brackets, unescaped

_PHRASES = tuple(re.compile(words, re.I) for words in (
    r"头实体是|subject is\b", r"[,，]\s*(?:关系是|relation is\b)", r"[,，]\s*(?:尾实体是|object is\b)"))
_OBJECT = re.compile(r"""[{｛]\s*["'“‘]?(?:head|subject)["'”’]?\s*[:：]""", re.I)
_OTHER = re.compile(rf'[{OPEN}{{｛"]|^(?:{_PHRASES[0].pattern})', re.I)
"""What the layout of labels has not before its first colon."""
_STRING = r"""('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
_EXACT = re.compile(rf"\{{{_STRING}: ?{_STRING}, ?{_STRING}: ?{_STRING}, ?{_STRING}: ?{_STRING}\}}")
"""Three members as Python or JSON writes them, so that no mark need be guessed at."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_WHOLE = re.compile(r'"(?:[^"\\\n]|\\.)*"(?=\s*(?:[,，]|\Z))')
"""A part in quotation marks."""
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


def write_triples(triples: Iterable[Sequence[str]], strict: bool = False) -> str:
    """Triples in brackets, one after the other: `read_triples` reads them back exactly.

    Args:
        strict: a mention with brackets in pairs is put in quotation marks too: the grammar of answers
            (triple_shape.py) has no other way to say it.

    Raises:
        ValueError: not three parts, or an empty one.
    """
    return "".join(_written(triple, strict) for triple in triples)


def _written(triple: Sequence[str], strict: bool) -> str:
    if len(triple) != 3 or not all(triple):
        raise ValueError(f"{triple!r} is no triple of three texts")
    plain = f"({','.join(map(_unpaired, triple))})"
    if not strict and read_triples(plain) == TripleReading([list(triple)], []):
        return plain
    return f"({','.join(map(written_part, triple))})"


def written_part(part: str, ending: str = OPEN + CLOSE + COMMA) -> str:
    """A mention as it stands between signs that end it: a JSON string where it must be, else as it is."""
    odd = part != part.strip() or part == NONE or part[0] in MARKS or any(c in part for c in ending + LINES)
    return quoted(part) if odd else part


def _unpaired(part: str) -> str:
    """In a JSON string only if brackets in it are not in pairs, or for something else."""
    depth = 0
    for c in part:
        depth += (c in OPEN) - (c in CLOSE)
        if depth < 0:
            break
    return written_part(part, COMMA if not depth and not any(mark in part for mark in QUOTES)
                        else OPEN + CLOSE + COMMA)


class _Reader:
    def __init__(self, text: str, relations: Collection[str]) -> None:
        self.text = text
        self.relations = frozenset(relations)
        self.reading = TripleReading([], [])
        self.absent = False
        """`NAN` was read."""

    def read(self) -> None:
        text = self.text
        if not text:
            return
        # Mentions may hold what looks like another layout: the first to appear is tried first.
        layouts = ((_OPENING, self._brackets), (_OBJECT, self._objects), (_PHRASES[0], self._phrases))
        seen = sorted((m.start(), n) for n, (mark, _) in enumerate(layouts) if (m := mark.search(text)))
        first: list[Problem] = []
        tried = [layouts[n][1] for _, n in seen]
        if all(n == 0 for _, n in seen):
            tried.append(self._lines)
        if all(map(self._is_labelled, map(str.strip, re.split("[\n\r]", text)))):
            tried.insert(0, self._lines)
        for read in tried:
            self.reading.problems = []
            read()
            if self.reading.triples or self.absent:
                return
            first = first or self.reading.problems
        # Names may hold such words too (无锡), so only what states no triple can say that there is none.
        nothing = len(text) <= _LONGEST and text[0] not in OPEN and _NOTHING.fullmatch(text)
        self.reading.problems = [] if nothing else first or [Problem("invalid", text[:80])]

    def _add(self, values: Sequence[str], shown: str, quoted: Sequence[bool] = (False,) * 3) -> None:
        if NONE in values and not any(quoted[n] for n, v in enumerate(values) if v == NONE):
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
            strings: set[str] = set()
            if (exact := _EXACT.match(self.text, m.start())) and not _HALF.search(exact[0]):
                members = list(zip(exact.groups()[::2], exact.groups()[1::2], strict=True))
                found, at = {_literal(k): _literal(v) for k, v in members}, exact.end()
                # What answers here put in the other quotation marks is a mention whatever it looks like.
                strings = {_literal(k).lower() for k, v in members if k[0] == "'" and v[0] == '"'}
            else:
                found, at = reader.read(m.start())
            keys = {str(k).lower(): v for k, v in found.items()} if isinstance(found, dict) else {}
            names = [next((n for n in of if isinstance(keys.get(n), str)), "") for of in _ENDS]
            self._add([keys.get(n, "") for n in names], self.text[m.start() : at], [n in strings for n in names])

    def _phrases(self) -> None:
        for line in map(str.strip, re.split("[\n\r]", self.text)):
            if parts := _phrased(line):
                self._add(list(map(_said, parts)), line, list(map(_is_string, parts)))
            elif line == NONE:
                self.absent = True
            elif line and line[-1] not in _COLONS:
                self._not_one(line)

    def _labelled(self, line: str) -> tuple[str, str]:
        """The relation and the two ends, if the line is of that layout; else what stands around its first colon."""
        known = (r for r in self.relations if r and line.startswith((f"{r}：", f"{r}:")))
        relation = max(known, key=len, default=re.split(f"[{_COLONS}]", line, maxsplit=1)[0])
        return relation, line[len(relation) + 1 :].strip()

    def _is_labelled(self, line: str) -> bool:
        relation, ends = self._labelled(line)
        return not line or line == NONE or (
            ends[:1] not in OPEN and (relation in self.relations or not _OTHER.search(relation))
            and (ends == NONE or bool(_two(ends))))

    def _lines(self) -> None:
        for line in map(str.strip, re.split("[\n\r]", self.text)):
            if line == NONE:
                self.absent = True
            relation, ends = self._labelled(line)
            if not ends:
                continue  # talk
            if pair := _two(ends):
                head, tail = map(_said, pair)
                self._add([head, relation.strip(), tail], line, (_is_string(pair[0]), False, _is_string(pair[1])))
            elif ends == NONE:
                self.absent = True
            else:
                self._not_one(line)


def _phrased(line: str) -> list[str]:
    """The three parts as they stand, blanks around them taken off; empty where one is not announced."""
    parts: list[str] = []
    begin = at = 0
    for n, words in enumerate(_PHRASES):
        if (m := words.search(line, at)) is None:
            return []
        parts += [line[begin : m.start()]] if n else []
        begin = at = m.end()
        if said := _WHOLE.match(line, at):  # in which the next words may stand
            at = said.end()
    return [part.strip() for part in (*parts, line[begin:])]


def _two(ends: str) -> list[str]:
    brackets = Brackets(ends)
    return [ends[slice(*brackets.stripped(p))] for p in brackets.cut(brackets.at_commas(0, len(ends)), 2)]


def _is_string(part: str) -> bool:
    return _WHOLE.fullmatch(part) is not None


def _said(part: str) -> str:
    return unescaped(part[1:-1]) if _is_string(part) else part


def _literal(string: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][1:] else _ESCAPED.get(m[1], m[1]), string[1:-1])
