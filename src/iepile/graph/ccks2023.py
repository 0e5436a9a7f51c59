"""Answers in brackets, `(head,relation,tail)(…)`, to lists: the submission form of the CCKS2023 contest.

>>> read_triples("（人口，数值，2,424人）(甲(别名),国籍,乙").triples
[['人口', '数值', '2,424人'], ['甲(别名)', '国籍', '乙']]

The guide's own conversion (`legacy`) loses triples with brackets inside, with Chinese brackets or commas, and cuts
numbers at their commas; it is kept for comparison with published files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import check_targets, read_rows, write_rows

OPENING = "输入中包含的关系三元组是："
"""The words that models of the contest begin an answer with."""
_OPEN, _CLOSE, _COMMA = "(（", ")）", ",，"
_QUOTES = ('""', "''", "“”", "‘’", "「」", "『』")
_QUOTED = re.compile(
    r"\s*(?:" + "|".join(rf"{q[0]}[^\n]{{0,500}}?{q[1]}" for q in _QUOTES) + r")(?=\s*(?:[,，)）]|\Z))")
_THOUSANDS = re.compile(r"\d{3}(?!\d)")
_DIGIT = re.compile(r"(?<!\d)\d{1,3}\Z")
_NUMBER = re.compile(r"[^\d,]*\d{1,3}(?:,\d{3})+(?!\d)[^,]*")
"""A number with commas of thousands, and a unit before or after it."""
_LEGACY = re.compile(r"\([^()]*\)?")


@dataclass
class Ccks2023Config:
    """Read the triples out of answers in brackets; the rows are written again with them in `kg`."""

    pred_path: str = "result/output_llama_7b_e3_r8.json"
    """Predictions: rows with `output`, as `(head,relation,tail)(head,relation,tail)`."""
    tgt_path: str = "result/result_llama_7b_e3_r8.json"
    """File to write: the same rows with `kg`, a list of [head, relation, tail]."""
    legacy: bool = False
    """Read as the guide's script did, faults included."""


class Reading(msgspec.Struct):
    """Triples of one answer, and brackets that hold none."""

    triples: list[list[str]]
    skipped: list[str]
    """Brackets that do not hold three parts, or an empty one, as they stand."""


class Ccks2023Result(msgspec.Struct):
    """What a conversion gave."""

    output_file: str
    rows: int = 0
    triples: int = 0
    rows_without: int = 0
    """Rows in which no triple was found."""
    skipped: int = 0
    """Brackets that are no triple: not three parts, an empty part, or commas of numbers that can be read two ways."""
    first_skipped: list[str] = []
    """The first few of them, with their lines."""


def convert(config: Ccks2023Config) -> Ccks2023Result:
    """Write the rows of `pred_path` with their triples in `kg`.

    Raises:
        InputError: a file that cannot be read or written, or a row without an `output` text.
    """
    check_targets([config.tgt_path], [config.pred_path])
    result = Ccks2023Result(config.tgt_path, first_skipped=[])
    write_rows(config.tgt_path, _rows(config, result))
    return result


def _rows(config: Ccks2023Config, result: Ccks2023Result) -> Iterator[dict[str, Any]]:
    for line, row in read_rows(config.pred_path):
        output = row.get("output")
        if not isinstance(output, str):
            raise InputError("no answer in this row", file=config.pred_path, line=line, field="output",
                             expected="a text such as (head,relation,tail)")
        if output.startswith(OPENING):
            output = output.replace(OPENING, "")
        found = Reading(legacy_triples(output), []) if config.legacy else read_triples(output)
        result.rows += 1
        result.triples += len(found.triples)
        result.rows_without += not found.triples
        result.skipped += len(found.skipped)
        result.first_skipped += [f"line {line}: {s[:80]}" for s in found.skipped[: 5 - len(result.first_skipped)]]
        yield {**row, "output": output, "kg": found.triples}


def legacy_triples(output: str) -> list[list[str]]:
    """Triples as the guide's script reads them."""
    out = []
    for span in _LEGACY.findall(output):
        parts = [p.strip() for p in span.split(",")[:3]]
        if len(parts) < 3:
            continue
        triple = [parts[0].removeprefix("("), parts[1], parts[2].removesuffix(")")]
        if all(triple):
            out.append(triple)
    return out


class _Bracket(msgspec.Struct):
    """A pair of brackets in a text; `end` is the place of the closing one, or the text's end."""

    start: int
    end: int = -1
    commas: list[int] = []
    """Places of the commas right inside it."""
    inner: list[Any] = []
    """Brackets right inside it."""

    def parts(self) -> list[tuple[int, int]]:
        """What stands between its commas, as places in the text."""
        return list(zip([self.start + 1, *(c + 1 for c in self.commas)], [*self.commas, self.end], strict=True))


def read_triples(output: str) -> Reading:
    """Triples of an answer, in order, repeats included.

    Brackets and commas may be Chinese or not. Brackets inside a part belong to it. A part may stand in quotes, and
    then holds whatever it likes. Commas of thousands belong to their number where there is one way to read them so.
    The last bracket need not be closed.
    """
    reading = Reading([], [])
    waiting = _brackets(output)[::-1]
    while waiting:
        bracket = waiting.pop()
        parts = bracket.parts()
        lists = [b for b in bracket.inner if b.commas or b.inner]
        wrapped = [(b.start, b.end) for b in bracket.inner]
        if lists and all((a, b - 1) in wrapped for a, b in (_stripped(output, *p) for p in parts)):
            waiting += lists[::-1]  # ((a,b,c),(d,e,f)): a list of triples
            continue
        texts = [_unquoted(output[a:b]) for a, b in _three(output, parts)]
        if texts and all(texts):
            reading.triples.append(texts)
        elif lists and not texts:
            waiting += lists[::-1]  # (there are two: (a,b,c)(d,e,f))
        else:
            reading.skipped.append(output[bracket.start : bracket.end + 1])
    return reading


def _brackets(text: str) -> list[_Bracket]:
    """The outermost brackets of a text with all that is in them, in one pass."""
    done: list[_Bracket] = []
    open_: list[_Bracket] = []
    at = 0
    while at < len(text):
        mark = text[at]
        if mark in _OPEN:
            open_.append(_Bracket(at))
        elif mark in _CLOSE and open_:
            closed = open_.pop()
            closed.end = at
            (open_[-1].inner if open_ else done).append(closed)
        elif mark in _COMMA and open_:
            open_[-1].commas.append(at)
        at += 1
        if open_ and mark in _OPEN + _COMMA and (quoted := _QUOTED.match(text, at)):
            at = quoted.end()
    for n, left in enumerate(open_):  # never closed
        done += [left] if n == len(open_) - 1 else left.inner
        left.end = len(text)
    return done


def _three(text: str, parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts as three, commas of thousands taken as such where need be; empty where there is no or no single way."""
    over = len(parts) - 3
    if over == 0:
        return parts
    inside_numbers = [n for n, (a, _) in enumerate(parts) if n and _THOUSANDS.match(text, a) and _DIGIT.search(
        text[max(0, a - 4) : a - 1]) and text[a - 1] == ","]
    if not 0 < over <= len(inside_numbers) <= 12:
        return []
    ways = []
    for joined in combinations(inside_numbers, over):
        made: list[tuple[int, int]] = []
        for n, (a, b) in enumerate(parts):
            if n in joined:
                made[-1] = (made[-1][0], b)
            else:
                made.append((a, b))
        if all(_NUMBER.fullmatch(text[a:b]) for a, b in made if "," in text[a:b]):
            ways.append(made)
    return ways[0] if len(ways) == 1 else []


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def _unquoted(part: str) -> str:
    part = part.strip()
    whole = len(part) > 1 and part[0] + part[-1] in _QUOTES and _QUOTED.fullmatch(part)
    return part[1:-1].strip() if whole else part
