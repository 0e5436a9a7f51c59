"""Texts, errors and facts as the reference counts them, of IEPile and of DeepKE (formats.md 5).

Rows of one source and id are one text, wherever they stand; the label is that of the first. Texts whose rows stand
together, as converters write them, are counted as they pass. One number a text is kept to notice others; a file that
has such is read again, and only those are held to its end.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.protocols.answers import Found, Gold, Rules
from iepile.jsonl import BROKEN_JSON, decode_row, read_lines

_PARTS = 64
_ENDS_IT = (KeyError, TypeError, AttributeError, ValueError, RecursionError)
"""What the reference ends with on rows that it cannot score."""


class Tally(msgspec.Struct):
    """Texts, errors and (right, answered, gold) by group."""

    records: int = 0
    invalid: int = 0
    """Rows whose answer is no JSON object: of a text with several rows each counts."""
    counts: dict[str, list[int]] = {}

    def percentages(self, group: str) -> tuple[float, float, float]:
        """P, R and F1 as the reference prints them: rounded, F1 from the rounded ones."""
        tp, pred, gold = self.counts[group]
        p = round(100 * tp / pred, 2) if pred else 0.0
        r = round(100 * tp / gold, 2) if gold else 0.0
        return p, r, round(2 * p * r / (p + r), 2) if p + r else 0.0


class Tallies(msgspec.Struct):
    """Tallies of a file."""

    total: Tally
    by_source: dict[str, Tally]


class _Row(msgspec.Struct, gc=False):
    id: str
    label: str | None
    output: str
    source: str | None = None


class _Held(msgspec.Struct):
    line: int
    row: _Row
    more: list[str]


_decode = msgspec.json.Decoder(_Row).decode


def tallies(path: str, rules: Rules, distinct: bool) -> Tallies:
    """Count a file of predictions; `distinct`: repeats of a text count once.

    Raises:
        InputError: no such file, or a row that ends the reference.
    """
    again: set[int] | None = None
    while True:
        keys: list[array[int]] = [array("q") for _ in range(_PARTS)]
        found = _counted(path, rules, distinct, _texts(path, keys, again))
        if again is not None or not (again := _repeated(keys)):
            return found
        if not Path(path).is_file():
            raise InputError("rows of one text stand apart, and the file can be read only once", file=path,
                             fix="score a file on disk, or sort its rows")


def _counted(path: str, rules: Rules, distinct: bool, texts: Iterator[tuple[int, _Row, list[str]]]) -> Tallies:
    by_source: dict[str, tuple[Tally, tuple[list[int], ...]]] = {}
    read, read_gold = rules.answer, rules.gold
    for line, row, more in texts:
        source = "None" if row.source is None else row.source
        if (known := by_source.get(source)) is None:
            tally = Tally(counts={g: [0, 0, 0] for g in rules.groups})
            known = by_source[source] = tally, tuple(tally.counts.values())
        tally, cells = known
        tally.records += 1
        try:
            found = read(row.output)
            if found is None or more:
                found, errors = _together(found, more, rules)
                tally.invalid += errors
            gold = read_gold(row.label or "")
            if distinct:
                found, gold = _distinct(found, gold)
            for cell, answered, facts in zip(cells, found, gold):  # noqa: B905 - of one length; it is a hot loop
                right = pred = 0
                for values in answered.values():
                    pred += len(values)
                for fact in facts:
                    here = answered.get(fact.key)
                    if here and fact.value in here:
                        here.remove(fact.value)
                        right += 1
                cell[0] += right
                cell[1] += pred
                cell[2] += len(facts)
        except _ENDS_IT as e:
            raise _cannot(KeyError("label") if row.label is None else e, path, line) from None
    parts = {source: tally for source, (tally, _) in by_source.items()}
    return Tallies(_sum(parts, rules), parts)


def _sum(by_source: dict[str, Tally], rules: Rules) -> Tally:
    parts = by_source.values()
    counts = {g: [sum(t.counts[g][n] for t in parts) for n in range(3)] for g in rules.groups}
    return Tally(sum(t.records for t in parts), sum(t.invalid for t in parts), counts)


def _together(first: Found | None, others: list[str], rules: Rules) -> tuple[Found, int]:
    """The facts of all answers of a text, and how many answers are errors."""
    found: Found = tuple({} for _ in rules.groups)
    errors = 0
    for answer in (first, *map(rules.answer, others)):
        if answer is None:
            errors += 1
            continue
        for group, more in zip(found, answer, strict=True):
            for key, values in more.items():
                group.setdefault(key, []).extend(values)
    return found, errors


def _distinct(found: Found, gold: Gold) -> tuple[Found, Gold]:
    once = tuple({key: list(dict.fromkeys(values)) for key, values in group.items()} for group in found)
    return once, tuple(list(dict.fromkeys(facts)) for facts in gold)


def _texts(path: str, keys: list[array[int]], again: set[int] | None) -> Iterator[tuple[int, _Row, list[str]]]:
    """(line, first row, answers of its other rows) of each text once they end; of those whose key's hash is in
    `again` at the end of the file.

    `keys` receives the hash of the key of every text that was yielded on the way, once each time.
    """
    held: dict[str, _Held] = {}
    last = None
    now: tuple[int, _Row, list[str]] | None = None
    more: list[str] = []
    for n, line in read_lines(path):
        try:
            row = _decode(line)
        except BROKEN_JSON:
            row = _other_row(line, path, n)
        key = (row.source or str(row.source)) + row.id
        if key == last:
            more.append(row.output)
            continue
        if now is not None:
            yield now
        last, now, more = key, None, []
        code = hash(key)
        if again is None or code not in again:
            keys[code % _PARTS].append(code)
            now = n, row, more
        elif (known := held.get(key)) is not None:
            more = known.more
            more.append(row.output)
        else:
            held[key] = _Held(n, row, more)
    if now is not None:
        yield now
    for text in held.values():
        yield text.line, text.row, text.more


def _repeated(keys: list[array[int]]) -> set[int]:
    # Part by part: a set of all would take many times the place.
    repeated: set[int] = set()
    for part in keys:
        if len(set(part)) != len(part):
            repeated.update(code for code, times in Counter(part).items() if times > 1)
    return repeated


def _other_row(line: bytes, path: str, n: int) -> _Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = decode_row(line, path, n)
    if not isinstance(row, dict):
        decode_row(line, path, n)
    for name in ("id", "output", "label"):
        if name not in row and name != "label":  # the label of a later row is not read
            raise _cannot(KeyError(name), path, n)
        if not isinstance(value := row.get(name), str) and (name != "label" or value is not None):
            raise _cannot(TypeError(f"`{name}` must be str, not {type(value).__name__}"), path, n)
    return _Row(row["id"], row.get("label"), row["output"], str(row.get("source")))


def _cannot(e: Exception, path: str, line: int) -> InputError:
    return InputError(f"the reference cannot score this row ({type(e).__name__}: {e})", file=path, line=line,
                      fix="mend the row, or score without --protocol")


def printed(found: Tally, task: str) -> dict[str, Any]:
    """A tally under the names that the reference gives its figures."""
    out: dict[str, Any] = {"总样本数": found.records, "错误数": found.invalid}
    for group in found.counts:
        prefix = f"{group}_" if task in ("EE", "EEA") else ""
        out |= zip((f"{prefix}P", f"{prefix}R", f"{prefix}F1"), found.percentages(group), strict=True)
    return out
