"""What the error browser of the page shows of a text: its facts, right and wrong, each mention with its place.

Everything is plain data: lists and dicts that become JSON. No label or word of a user is ever a key, so none can
clash with a name of the page's script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from iepile.evaluation.errors.errors import FactError, Piece, Stated, right_and_wrong, stated
from iepile.evaluation.errors.overlap import Lie
from iepile.evaluation.judged import Judged
from iepile.evaluation.pairing import pairs
from iepile.records import Event, Span
from iepile.tasks.matching import Match

MOST_CHARACTERS = 20_000
"""Of a text that are shown; mentions behind them have no mark."""
MOST_FACTS = 400
"""Of a text that are shown, wrong ones first."""
RIGHT = "right"
"""Kind of facts that are."""


def shown_text(text: Judged, match: Match, distinct: bool) -> dict[str, Any]:
    """A text, its facts and what was odd about its answers.

    `facts` are `{kind, group, label, answered_label, role, answered_role, line, confidence, gold, answered}`, with the
    mentions of both sides as `[name, words, start, end]` or null; places are code points, null where there is none.
    """
    facts: list[dict[str, Any]] = []
    for group in text.task.groups:
        wrong = right_and_wrong(text, group, match, distinct)[1]
        facts += (_wrong(e, text.text) for e in wrong)
        facts += _right(text, group, match, distinct)
    facts.sort(key=lambda f: (f["kind"] == RIGHT, _start(f)))
    out: dict[str, Any] = {
        "task": text.task.name, "source": text.source, "id": text.id, "line": text.line, "language": text.language,
        "text": text.text[:MOST_CHARACTERS], "characters": len(text.text),
        "facts": facts[:MOST_FACTS], "more": max(0, len(facts) - MOST_FACTS),
        "problems": [[line, p.kind, p.detail[:300]] for line, p in text.problems],
    }
    if text.task.annotation == "event":
        out["events"] = [_events(text.gold.events), _events(text.answered.events)]
    return out


def _wrong(e: FactError, text: str) -> dict[str, Any]:
    answered_role = e.answered[0].name if e.role and e.answered else ""
    return _fact(e.kind, e.group, e.label, e.answered_label, (e.role, answered_role), e.line, e.confidence) | {
        "gold": _pieces(e.gold, text), "answered": _pieces(e.answered, text)}


def _right(text: Judged, group: str, match: Match, distinct: bool) -> Iterable[dict[str, Any]]:
    answered, gold = text.keys(group, match, distinct)
    told = stated(text.task, text.answered, group, match, distinct)
    true = stated(text.task, text.gold, group, match, distinct)
    lie = Lie(text.text, match)
    for fact, place in zip(told, pairs(answered, gold, match), strict=True):
        if place is None:
            continue
        here = _placed(fact, fact, lie)
        yield _fact(RIGHT, group, fact.label, fact.label, (fact.role, fact.role), text.line, fact.confidence) | {
            "gold": _pieces(_placed(true[place], fact, lie), text.text), "answered": _pieces(here, text.text)}


def _placed(fact: Stated, other: Stated, lie: Lie) -> list[Piece]:
    """The mentions of a fact; where it tells no place, that of the same words in the fact that stands for it."""
    out = []
    for name, span, like in zip(fact.names, fact.spans, other.spans, strict=True):
        if span is None:
            continue
        place = span.offsets
        if place is None and like is not None and like.text == span.text:
            place = like.offsets
        out.append(Piece(name, span.text, *(place or lie.first(span) or (None, None))))
    return out


def _fact(
    kind: str, group: str, label: str, answered: str | None, roles: tuple[str, str], line: int, sure: float | None
) -> dict[str, Any]:
    return {"kind": kind, "group": group, "label": label, "answered_label": answered, "role": roles[0],
            "answered_role": roles[1], "line": line, "confidence": None if sure is None else round(sure, 4)}


def _pieces(pieces: Sequence[Piece] | None, text: str) -> list[list[Any]] | None:
    if pieces is None:
        return None
    return [[p.name, p.text, *_inside(p.start, p.end, min(len(text), MOST_CHARACTERS))] for p in pieces]


def _inside(start: int | None, end: int | None, size: int) -> tuple[int | None, int | None]:
    # Places are read from files: one that is none must not be drawn.
    return (start, end) if start is not None and end is not None and 0 <= start < end <= size else (None, None)


def _start(fact: dict[str, Any]) -> int:
    places = [p[2] for side in (fact["gold"], fact["answered"]) for p in side or () if p[2] is not None]
    return min(places, default=1 << 40)


def _events(events: Iterable[Event]) -> list[list[Any]]:
    """[type, trigger or null, [[role, words], ...]] of each."""
    return [[e.type, _words(e.trigger), [[a.role, a.span.text] for a in e.arguments]] for e in events]


def _words(span: Span | None) -> str | None:
    return None if span is None else span.text
