"""Sentence patterns: from the notation of the TOML files to pieces that are quick to fill in.

A text is a sentence without its full stop. `{O2}` is a slot: the letter (in a file of one's own, the word)
says what fills it, the number tells two of a kind apart. `<bought>` is the trigger of the event. What a text
states is listed once for a group of texts:

    works for(P, G)                                    a relation, head and tail
    acquisition(acquirer=O, price=A, date=T)           an event and its roles

A role whose slot a text does not have is not stated by that text; of several statements, neither is one of
whose slots the text has none or one. Slots of entities in the inventories that ship: P person, W woman,
H man, O company, G any organisation, L place, T date, D product, A amount. The others are only words: N and X
numbers of people, M magnitude, J position, F line of business, K an amount of something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PIECE = re.compile(r"\{([^{}<>]+)\}|<([^>]+)>")
_STATEMENT = re.compile(r"(.+?)\((.*)\)")

RelationPlan = tuple[str, int, int, str | None, str | None]
"""Type, number of the head's mention, of the tail's, their types."""
EventPlan = tuple[str, int, tuple[tuple[str, int], ...]]
"""Type, number of the trigger's mention, roles with the numbers of their mentions."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text cut at its mentions: `literals[0] mention 0 literals[1] mention 1 ... literals[-1]`."""

    literals: tuple[str, ...]
    fills: tuple[str | int, ...]
    """What each mention is: the number of a slot, or the words of a trigger."""
    slots: tuple[str, ...]
    """What fills each slot: its letter or word."""
    types: tuple[str | None, ...]
    """Entity type of each mention, None for words and triggers."""
    relations: tuple[RelationPlan, ...] = ()
    events: tuple[EventPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """One text in the three places it can stand in."""

    first: Pattern
    """At the beginning of a sentence."""
    inner: Pattern
    """After an opener or another clause."""
    dated: Pattern | None
    """With a date before it; None where the text has a date of its own or states no event."""


def wording(text: str, states: Sequence[str], types: Mapping[str, str], dated: str) -> Wording:
    """Compile a text; `dated` is the opener that brings a date, empty if there is none.

    Raises:
        ValueError: the text does not state what it should.
    """
    inner = _lowered(text)
    own = {slot for slot, _ in _PIECE.findall(text)} & {slot for slot, _ in _PIECE.findall(dated)}
    can_be_dated = bool(dated) and not own and any("=" in statement for statement in states)
    return Wording(
        pattern(text, states, types),
        pattern(inner, states, types),
        pattern(dated + inner, states, types) if can_be_dated else None,
    )


def pattern(text: str, states: Sequence[str], types: Mapping[str, str]) -> Pattern:
    """Compile a text as it stands."""
    literals: list[str] = []
    fills: list[str | int] = []
    slots: dict[str, int] = {}
    places: dict[str, int] = {}
    kinds: list[str | None] = []
    trigger, at = -1, 0
    for n, match in enumerate(_PIECE.finditer(text)):
        literals.append(text[at : match.start()])
        at = match.end()
        slot, word = match.groups()
        if slot is None:
            trigger = n
            fills.append(word)
            kinds.append(None)
        else:
            fills.append(slots.setdefault(slot, len(slots)))
            # The first mention of a slot is the one that facts point at.
            places.setdefault(slot, n)
            kinds.append(types.get(kind_of(slot)))
    literals.append(text[at:])
    relations, events = _plans(text, states, places, kinds, trigger)
    letters = tuple(kind_of(slot) for slot in slots)
    return Pattern(tuple(literals), tuple(fills), letters, tuple(kinds), relations, events)


def _plans(
    text: str,
    states: Sequence[str],
    places: Mapping[str, int],
    kinds: Sequence[str | None],
    trigger: int,
) -> tuple[tuple[RelationPlan, ...], tuple[EventPlan, ...]]:
    relations: list[RelationPlan] = []
    events: list[EventPlan] = []
    for statement in states:
        match = _STATEMENT.fullmatch(statement)
        if match is None:
            raise ValueError(f"{statement!r}: write it as type(head, tail) or type(role=slot, ...)")
        kind, inside = match.groups()
        parts = [part.strip() for part in inside.split(",")]
        if "=" in inside:
            pairs = [part.split("=") for part in parts]
            roles = tuple((role, places[slot]) for role, slot in pairs if slot in places)
            if trigger < 0 or not roles:
                raise ValueError(f"{text!r} has no trigger or no role of {kind!r}")
            events.append((kind, trigger, roles))
        elif all(slot in places for slot in parts):
            head, tail = (places[slot] for slot in parts)
            relations.append((kind, head, tail, kinds[head], kinds[tail]))
        elif len(states) == 1:
            raise ValueError(f"{text!r} does not state {statement!r}")
    return tuple(relations), tuple(events)


def kind_of(slot: str) -> str:
    """The slot without the number that tells two of a kind apart."""
    return slot.rstrip("0123456789")


def _lowered(text: str) -> str:
    """The text as it reads inside a sentence; slots and Chinese stay as they are."""
    mark = 1 if text.startswith("<") else 0
    return text if text[mark] == "{" else text[:mark] + text[mark].lower() + text[mark + 1 :]
