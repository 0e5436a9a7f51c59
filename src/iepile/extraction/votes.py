"""Several answers to one question become one: what most label orders state, or what further passes add.

>>> ada, bob = Entity("person", Span("Ada")), Entity("person", Span("Bob"))
>>> [(e.span.text, e.support) for e in vote([Facts((ada, bob)), Facts((ada,)), Facts((ada,))]).entities]
[('Ada', 1.0)]

Answers name words; their places are worked out afterwards and may differ between answers that say the same. So facts
are counted by type and words, and a word that an answer names twice counts as a first and a second fact; then the
places most answers give it are its places. Each fact carries its support, the share of the answers that state it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from iepile.extraction.merging import in_text_order, surer, where
from iepile.records import Argument, Entity, Event, Facts, Relation, Span

Fact = TypeVar("Fact", bound=Entity | Relation | Argument)
AnyFact = TypeVar("AnyFact", bound=Entity | Relation | Argument | Event)
Counted = list[tuple[Fact, int]]
"""Facts with their support, and the first answer that states each."""
Place = tuple[tuple[int, int, int], ...]
"""Where the mentions of a fact stand; see `merging.where`."""
_encode = msgspec.json.Encoder(order="deterministic").encode


def vote(answers: Sequence[Facts], least: float = 0.5) -> Facts:
    """What enough of the answers to one question, asked in several label orders, state.

    Args:
        answers: with places in one text. Their order does not matter.
        least: share of the answers that must state a fact, an argument of an event too.

    Returns:
        Facts in text order. `support` is that share; `confidence` the mean over the answers that state the fact and
        tell one. Events are told apart by type and trigger, those without trigger by the arguments they share; one
        of which nothing is left is gone.
    """
    def enough(counted: Counted[Fact]) -> tuple[Fact, ...]:
        return tuple(fact for fact, _ in counted if (fact.support or 0) > least - 1e-9)

    # Events are grouped one after the other: sorted, the order of the answers does not show.
    ballot = _Ballot(sorted(answers, key=_encode), first_wins=False)
    return _facts(ballot, enough, enough, enough, least)


def unite(passes: Sequence[Facts]) -> Facts:
    """What several passes over one question state together.

    Args:
        passes: with places in one text; the first is the best answer, the others were drawn at random.

    Returns:
        Facts in text order: all of the first pass, and what later ones add. What overlaps a fact of an earlier
        pass is not added: an entity of any type, a relation of the same type in both ends, an argument of the same
        role. `support` is the share of the passes that state the fact, `confidence` the mean over those that tell one.
    """
    return _facts(
        _Ballot(passes, first_wins=True),
        lambda counted: _new(counted, lambda e: None, lambda e: (e.span,)),
        lambda counted: _new(counted, lambda r: (r.type, r.head_type, r.tail_type), lambda r: (r.head, r.tail)),
        lambda counted: _new(counted, lambda a: a.role, lambda a: (a.span,)),
        0.0,
    )


def _facts(
    ballot: _Ballot,
    entities: Callable[[Counted[Entity]], tuple[Entity, ...]],
    relations: Callable[[Counted[Relation]], tuple[Relation, ...]],
    arguments: Callable[[Counted[Argument]], tuple[Argument, ...]],
    least: float,
) -> Facts:
    """The facts that are chosen from those counted."""
    events: list[Event] = []
    for event, counted in ballot.events():
        kept = arguments(counted)
        if (event.support or 0) > least - 1e-9 and (kept or event.trigger is not None or not counted):
            events.append(replace(event, arguments=kept))
    return in_text_order(Facts(entities(ballot.entities()), relations(ballot.relations()), tuple(events)))


def _new(
    counted: Counted[Fact], kind: Callable[[Fact], Hashable], mentions: Callable[[Fact], tuple[Span, ...]]
) -> tuple[Fact, ...]:
    """Facts that do not overlap one of an earlier pass in all their mentions."""
    kept: dict[Hashable, list[tuple[int, tuple[Span, ...]]]] = {}
    out: list[Fact] = []
    for fact, first in sorted(counted, key=lambda c: c[1]):
        mine = mentions(fact)
        earlier = kept.setdefault(kind(fact), [])
        if not any(n < first and all(map(_overlap, mine, other)) for n, other in earlier):
            earlier.append((first, mine))
            out.append(fact)
    return tuple(out)


def _overlap(a: Span, b: Span) -> bool:
    if a.start is None or a.end is None or b.start is None or b.end is None:
        return a.text == b.text
    return a.start < b.end and b.start < a.end


class _Ballot:
    """Answers, counted."""

    def __init__(self, answers: Sequence[Facts], first_wins: bool) -> None:
        """
        Args:
            first_wins: words stand where the first answer has them; else where most have them.
        """
        self.answers, self.first_wins = answers, first_wins

    def entities(self) -> Counted[Entity]:
        """By type and words."""
        return self._count([f.entities for f in self.answers], lambda e: (e.type, e.span.text), lambda e: (e.span,))

    def relations(self) -> Counted[Relation]:
        """By type, types of the ends and words of the ends."""
        return self._count(
            [f.relations for f in self.answers],
            lambda r: (r.type, r.head_type, r.tail_type, r.head.text, r.tail.text), lambda r: (r.head, r.tail),
        )

    def events(self) -> list[tuple[Event, Counted[Argument]]]:
        """By type, words of the trigger and likeness of the arguments; each with its arguments by role and words."""
        groups: dict[Hashable, list[_Group]] = {}
        for n, facts in enumerate(self.answers):
            for event in facts.events:
                of_kind = groups.setdefault((event.type, event.trigger and event.trigger.text), [])
                able = [(score, g) for g in of_kind
                        if n not in g.members and (score := g.likeness(event)) is not None]
                if able:
                    group = max(able, key=lambda sg: sg[0])[1]
                else:
                    of_kind.append(group := _Group())
                group.members[n] = event
                group.said |= _said(event)
        return [self._event(g) for of_kind in groups.values() for g in of_kind]

    def _event(self, group: _Group) -> tuple[Event, Counted[Argument]]:
        stated: dict[int, dict[Place, Event]] = {n: {(where(e.trigger),): e} for n, e in group.members.items()}
        place = self._ranked(stated)[0]
        placed = next(e for of in stated.values() for p, e in of.items() if p == place)
        said = [group.members[n].arguments if n in group.members else () for n in range(len(self.answers))]
        arguments = self._count(said, lambda a: (a.role, a.span.text), lambda a: (a.span,))
        return self._joined(placed, list(group.members.values())), arguments

    def _count(
        self, stated: Sequence[Sequence[Fact]], words: Callable[[Fact], Hashable],
        mentions: Callable[[Fact], tuple[Span, ...]],
    ) -> Counted[Fact]:
        """Facts of the same words, as often as answers state them, at the places they give them."""
        by_words: dict[Hashable, dict[int, dict[Place, Fact]]] = {}
        for n, facts in enumerate(stated):
            for fact in facts:
                places = by_words.setdefault(words(fact), {}).setdefault(n, {})
                place = tuple(map(where, mentions(fact)))
                places[place] = surer(places.get(place, fact), fact)
        out: Counted[Fact] = []
        for by_answer in by_words.values():
            for nth, place in enumerate(self._ranked(by_answer)):
                by = {n: places for n, places in by_answer.items() if len(places) > nth}
                if by:
                    told = [places.get(place) or places[sorted(places)[nth]] for places in by.values()]
                    placed = next(places[place] for places in by_answer.values() if place in places)
                    out.append((self._joined(placed, told), min(by)))
        return out

    def _ranked(self, by_answer: Mapping[int, Mapping[Place, object]]) -> list[Place]:
        """Places that answers give to the same words, the best first."""
        given: dict[Place, list[int]] = {}
        for n, places in by_answer.items():
            for place in places:
                given.setdefault(place, []).append(n)
        return sorted(given, key=lambda p: (min(given[p]) if self.first_wins else -len(given[p]), p))

    def _joined(self, fact: AnyFact, told: Sequence[AnyFact]) -> AnyFact:
        """The fact with the support and confidence that come of those that answers tell of it, one each."""
        sure = [f.confidence for f in told if f.confidence is not None]
        return replace(fact, confidence=fmean(sure) if sure else None, support=len(told) / len(self.answers))


@dataclass
class _Group:
    """Events of several answers that are one, by answer."""

    members: dict[int, Event] = field(default_factory=dict)
    said: set[Hashable] = field(default_factory=set)
    """Role and words of their arguments."""

    def likeness(self, event: Event) -> tuple[bool, int] | None:
        """How like these an event of the same type and trigger is; None: it is another."""
        said = _said(event)
        shared = len(said & self.said)
        if event.trigger is None:
            return (False, shared) if shared or not (said or self.said) else None
        same = any(event.trigger == e.trigger for e in self.members.values())
        return (same, shared) if same or shared or not said or not self.said else None


def _said(event: Event) -> set[Hashable]:
    return {(a.role, a.span.text) for a in event.arguments}
