"""Answers in lines, bullets or tables instead of JSON. Only what stands in the text counts: the rest is talk.

>>> read_plain("- **Person**: Ada, Bob", "Ada met Bob.", "mentions", {"person": "person"})
{'person': ['Ada', 'Bob']}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from iepile.tasks.aliases import levelled
from iepile.tasks.value_forms import Form

_BULLET = re.compile(r"^\s*(?:[-*+•·>]+|\(?\d{1,3}[.)、]|[（(]\d{1,3}[)）])?\s*")
_COLON = re.compile(r"\s*[:：]\s*")
_PARTS = re.compile(r"\s*(?:[,，、;；]|\band\b)\s*")
_TRIPLE = re.compile(r"\s*(?:->|=>|→|\||[,，;；]|\s[-–—]\s)\s*")
_GROUP = re.compile(r"[(（\[<]([^()（）\[\]<>]{3,400})[)）\]>]")
_MARKS = " \t*_`\"'“”‘’「」.。,，;；"
_LONGEST = 2000
"""Characters of a line that is looked at."""


def read_plain(answer: str, text: str, form: Form, names: Mapping[str, str]) -> dict[str, list[Any]]:
    """Label -> what its lines state; {} where no line states anything.

    Args:
        text: that the answer is about.
        form: of the values: mentions and pairs are read.
        names: levelled label -> label.
    """
    out: dict[str, list[Any]] = {}
    if form not in ("mentions", "pairs"):
        return out
    heading: str | None = None
    for line in answer.splitlines():
        line = _BULLET.sub("", line[:_LONGEST], count=1).strip()
        if not line:
            continue
        cells = [c.strip(_MARKS) for c in line.strip("|").split("|")] if line.count("|") > 1 else []
        if found := _row(cells, text, form, names) or _triples(line, text, form, names):
            for label, value in found:
                out.setdefault(label, []).append(value)
            continue
        before, *after = _COLON.split(line, maxsplit=1)
        named = names.get(levelled(before.strip(_MARKS + "#")))
        if named is not None:
            heading = named
            out.setdefault(named, []).extend(_values(after[0] if after else "", text, form))
        elif heading is not None and (values := _values(line, text, form)):
            out[heading] += values
        else:
            heading = None
    return {k: v for k, v in out.items() if v}


def _values(line: str, text: str, form: Form) -> list[Any]:
    if form == "pairs":
        groups = [g.group(1) for g in _GROUP.finditer(line)] or [line]
        ends = [[p.strip(_MARKS) for p in _TRIPLE.split(g)] for g in groups]
        return [{"subject": e[0], "object": e[1]} for e in ends if len(e) == 2 and all(p and p in text for p in e)]
    line = line.strip().strip("[]")
    whole = line.strip(_MARKS)
    parts = [whole] if whole in text else [p.strip(_MARKS) for p in _PARTS.split(line)]
    return [p for p in parts if p and p in text]


def _row(cells: list[str], text: str, form: Form, names: Mapping[str, str]) -> list[tuple[str, Any]]:
    """A row of a table that names its label."""
    labels = [n for c in cells if (n := names.get(levelled(c))) is not None]
    others = [c for c in cells if levelled(c) not in names and c and c in text]
    if len(labels) != 1:
        return []
    if form == "mentions" and len(others) == 1:
        return [(labels[0], others[0])]
    if form == "pairs" and len(others) == 2 and len(cells) == 3:
        return [(labels[0], {"subject": others[0], "object": others[1]})]
    return []


def _triples(line: str, text: str, form: Form, names: Mapping[str, str]) -> list[tuple[str, Any]]:
    """`(head, relation, tail)`, also several; `head - relation - tail`; `mention (label)`; `mention: label`."""
    out: list[tuple[str, Any]] = []
    if form == "pairs":
        for group in [g.group(1) for g in _GROUP.finditer(line)] or [line]:
            parts = [p.strip(_MARKS) for p in _TRIPLE.split(group)]
            if len(parts) == 3 and levelled(parts[1]) in names and all(p and p in text for p in (parts[0], parts[2])):
                out.append((names[levelled(parts[1])], {"subject": parts[0], "object": parts[2]}))
        return out
    for split in (_COLON.split(line, maxsplit=1), re.split(r"\s*[(（]", line.rstrip(")）" + _MARKS), maxsplit=1)):
        if len(split) == 2:
            mention, label = (p.strip(_MARKS) for p in split)
            if mention and mention in text and levelled(label) in names:
                return [(names[levelled(label)], mention)]
    return out
