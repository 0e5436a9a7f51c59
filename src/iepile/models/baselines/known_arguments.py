"""Arguments of events by what filled their roles in training.

A mention that filled a role is looked for near the trigger. What counts is how often it filled the role when it stood
in a text with such an event, and when it stood on this side of the trigger, at this distance. Each role of an event
gets the surest of its mentions, of equally sure ones the nearest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from iepile.models.baselines.gazetteer import Gazetteer, plain
from iepile.models.baselines.known_mentions import only_here
from iepile.models.baselines.labelled import Label, Labelled
from iepile.models.baselines.rates import Chosen, Own, Rates, Trial, choose
from iepile.models.baselines.tokens import Place
from iepile.records import Event

_SEP = "\x1f"
_NEAR = (0, 2, 6, 15)
"""Borders of the distances that are told apart, in characters."""


class Candidate(msgspec.Struct, frozen=True):
    """A mention that may fill a role of an event."""

    place: Place
    gap: int
    keys: tuple[str, ...]


def candidates(kind: str, trigger: Place | None, found: Sequence[tuple[int, int, str]]) -> list[Candidate]:
    """Each mention once, where it is nearest to the trigger; those that overlap it are left out.

    Args:
        kind: the event type.
        trigger: None for an event without one.
        found: mentions of a gazetteer.
    """
    nearest: dict[str, Candidate] = {}
    for start, end, mention in found:
        gap, side = 0, ""
        if trigger is not None:
            if start < trigger[1] and trigger[0] < end:
                continue
            before = end <= trigger[0]
            gap = trigger[0] - end if before else start - trigger[1]
            side = f"{'<' if before else '>'}{sum(gap > border for border in _NEAR)}"
        if mention not in nearest or gap < nearest[mention].gap:
            keys = (f"{kind}{_SEP}{mention}", f"{kind}{_SEP}{mention}{_SEP}{side}")
            nearest[mention] = Candidate((start, end), gap, keys)
    return list(nearest.values())


def fillers(texts: Sequence[Labelled]) -> Counter[str]:
    """Plain mention that fills a role somewhere -> texts in which it does."""
    out: Counter[str] = Counter()
    for x in texts:
        out.update(_fillers(x))
    return out


def learn_arguments(
    texts: Sequence[Labelled], known: Mapping[str, int], asked: Mapping[str, frozenset[Label]]
) -> tuple[dict[str, dict[Label, float]], Chosen]:
    """The keys that speak for roles, and how well the roles of the training texts' events are filled by them."""
    rates = Rates(asked)
    gazetteer = Gazetteer(known)
    for x in texts:
        if x.facts.events:
            rates.state(_own(x, gazetteer.find(x.text)))
    for x in texts:
        if x.facts.events:
            rates.see(x.source, _own(x, gazetteer.find(x.text)))
    gold = sum(len(e.arguments) for x in texts for e in x.facts.events)
    chosen = choose(_trials(texts, gazetteer, known, rates), gold)
    return rates.kept(chosen.threshold), chosen


def fill(
    kind: str, scored: Sequence[tuple[Candidate, Mapping[Label, float]]]
) -> dict[str, tuple[float, Candidate]]:
    """Role -> the surest candidate, of equally sure ones the nearest, then the first in the text."""
    best: dict[str, tuple[float, Candidate]] = {}
    for candidate, labels in scored:
        for label, score in labels.items():
            if label[:2] != ("argument", kind):
                continue
            old = best.get(label[2])
            if old is None or (-score, candidate.gap, candidate.place) < (-old[0], old[1].gap, old[1].place):
                best[label[2]] = (score, candidate)
    return best


def _fillers(x: Labelled) -> set[str]:
    return {plain(a.span.text) for e in x.facts.events for a in e.arguments}


def _place(event: Event) -> Place | None:
    return None if event.trigger is None else event.trigger.offsets


def _own(x: Labelled, found: Sequence[tuple[int, int, str]]) -> Own:
    own = Own()
    for event in x.facts.events:
        filled: dict[str, set[Label]] = {}
        for a in event.arguments:
            filled.setdefault(plain(a.span.text), set()).add(("argument", event.type, a.role))
        for c in candidates(event.type, _place(event), found):
            own.seen.update(c.keys)
            for label in filled.get(plain(x.text[slice(*c.place)]), ()):
                own.stated.update((key, label) for key in c.keys)
    return own


def _trials(
    texts: Sequence[Labelled], gazetteer: Gazetteer, known: Mapping[str, int], rates: Rates
) -> Iterator[Trial]:
    for x in texts:
        if not x.facts.events:
            continue
        found = gazetteer.find(x.text)
        own = _own(x, found)
        if skip := only_here(known, _fillers(x)):
            found = gazetteer.find(x.text, skip)
        for event in x.facts.events:
            right = {(a.role, plain(a.span.text)) for a in event.arguments}
            scored = [(c, rates.scores(c.keys, x.source, own)) for c in candidates(event.type, _place(event), found)]
            for role, (score, c) in fill(event.type, scored).items():
                yield Trial(score, int((role, plain(x.text[slice(*c.place)])) in right))
