"""Annotation that contradicts itself: one text annotated in two ways, one mention with two types.

    consistency = Consistency()
    consistency.same_text(first, copy)          # for every pair of records with one text
    consistency.mentions(doc)                   # for every record
    consistency.report()

Only reports; what happens to the copies is decided in `iepile.corpus.duplicates`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Literal

import msgspec

from iepile.corpus.shingles import fold
from iepile.records import Document, Event, Relation, Span

EXAMPLES = 20
"""Examples of each kind in a report."""
MOST_MENTIONS = 1_000_000
"""Distinct mentions that are followed; about 200 bytes each."""

Statement = tuple[Hashable, ...]


class TextExample(msgspec.Struct):
    """One text with two annotations."""

    text: str
    first: str
    """Data set and key of the record that stays."""
    other: str
    only_first: list[str]
    only_other: list[str]


class MentionExample(msgspec.Struct):
    """One mention with several types."""

    source: str
    kind: str
    """`entity` or `trigger`."""
    mention: str
    types: dict[str, int]
    """Type -> times, the most frequent first."""


class ConsistencyReport(msgspec.Struct):
    """Where annotation contradicts itself."""

    same_text: dict[str, dict[str, int]]
    """Data sets -> how often their annotation of one text is `equal`, `complementary` (nothing that both looked
    for differs) or `different`."""
    text_examples: list[TextExample]
    mentions: int
    """Distinct mentions, by data set."""
    mentions_several_types: int
    """Those of at least two types that each occur more than once: no slip of the pen."""
    mention_examples: list[MentionExample]
    mentions_not_followed: int
    """Occurrences of mentions beyond the first million distinct ones."""


def statements(doc: Document, places: bool = True) -> dict[str, frozenset[Statement]]:
    """What a document states, by kind of fact; without `places` the words alone, case and width folded."""
    def at(span: Span | None) -> Statement:
        if span is None:
            return ("",)
        return (span.text, span.start, span.end) if places else (fold(span.text),)

    entities = frozenset((e.type, *at(e.span)) for e in doc.entities)
    relations = frozenset((r.type, r.head_type, *at(r.head), r.tail_type, *at(r.tail)) for r in doc.relations)
    events = frozenset(
        (e.type, *at(e.trigger), *sorted((a.role, *at(a.span)) for a in e.arguments)) if not places else
        (e.type, *at(e.trigger), frozenset((a.role, *at(a.span)) for a in e.arguments)) for e in doc.events)
    return {"entity": entities, "relation": relations, "event": events}


def compare(a: Document, b: Document) -> Literal["equal", "complementary", "different"]:
    """How two annotations of one text relate. Offsets count where both documents have them throughout."""
    places = all(s.grounded for s in a.facts.spans()) and all(s.grounded for s in b.facts.spans())
    left, right = statements(a, places), statements(b, places)
    looked_for = [kind for kind in left if kind in a.annotated or left[kind]]
    if any(left[kind] != right[kind] for kind in looked_for if kind in b.annotated or right[kind]):
        return "different"
    return "equal" if all(left[kind] == right[kind] for kind in left) and (
        set(a.annotated) >= set(b.annotated)) else "complementary"


class Consistency:
    """Collects contradictions, in memory that does not grow with the number of records."""

    def __init__(self, examples: int = EXAMPLES, most_mentions: int = MOST_MENTIONS) -> None:
        self._most_examples, self._most_mentions = examples, most_mentions
        self._same_text: dict[str, dict[str, int]] = {}
        self._examples: list[TextExample] = []
        self._types: dict[str, int] = {}
        self._single: dict[str, int] = {}
        self._several: dict[str, dict[int, int]] = {}
        self._not_followed = 0

    def same_text(self, first: Document, other: Document) -> str:
        """Compare and count two records with one text."""
        relation = compare(first, other)
        sources = list(dict.fromkeys((first.source or "", other.source or "")))
        counts = self._same_text.setdefault(" | ".join(sources), {})
        counts[relation] = counts.get(relation, 0) + 1
        if relation == "different" and len(self._examples) < self._most_examples:
            left, right = _spoken(first), _spoken(other)
            self._examples.append(TextExample(
                first.text[:200], f"{first.source or ''} {first.key}".strip(),
                f"{other.source or ''} {other.key}".strip(),
                [s for s in left if s not in right], [s for s in right if s not in left]))
        return relation

    def mentions(self, doc: Document) -> None:
        """Count the types of the document's entities and triggers."""
        for e in doc.entities:
            self._mention("entity", doc, e.span, e.type)
        for event in doc.events:
            if event.trigger is not None:
                self._mention("trigger", doc, event.trigger, event.type)

    def _mention(self, kind: str, doc: Document, span: Span, name: str) -> None:
        number = self._types.setdefault(name, len(self._types))
        key = f"{kind}\0{doc.source or ''}\0{fold(span.text)}"
        if (several := self._several.get(key)) is not None:
            several[number] = several.get(number, 0) + 1
        elif (packed := self._single.get(key)) is not None:
            # One type is the rule: its number and its count share an integer.
            if packed & _TYPE == number:
                self._single[key] = packed + (1 << _BITS)
            else:
                self._several[key] = {packed & _TYPE: packed >> _BITS, number: 1}
                del self._single[key]
        elif len(self._single) + len(self._several) < self._most_mentions:
            self._single[key] = 1 << _BITS | number
        else:
            self._not_followed += 1

    def report(self) -> ConsistencyReport:
        """What was found so far."""
        names = list(self._types)
        found: list[tuple[int, MentionExample]] = []
        for key, several in self._several.items():
            ordered = sorted(several.items(), key=lambda item: (-item[1], item[0]))
            if ordered[1][1] > 1:
                kind, source, mention = key.split("\0")
                types = {names[number]: times for number, times in ordered}
                found.append((ordered[1][1], MentionExample(source, kind, mention, types)))
        found.sort(key=lambda item: -item[0])  # stable: ties stay in order of appearance
        return ConsistencyReport(
            self._same_text, self._examples, len(self._single) + len(self._several), len(found),
            [example for _, example in found[: self._most_examples]], self._not_followed)


_BITS = 20
_TYPE = (1 << _BITS) - 1


def _spoken(doc: Document) -> list[str]:
    """Every fact in a few words, in order."""
    return list(dict.fromkeys(_words(doc)))


def _words(doc: Document) -> Iterator[str]:
    for e in doc.entities:
        yield f"{e.type}: {_mention(e.span)}"
    for r in doc.relations:
        yield _relation(r)
    for event in doc.events:
        yield _event(event)


def _relation(r: Relation) -> str:
    return f"{r.type}: {_mention(r.head)}, {_mention(r.tail)}"


def _event(event: Event) -> str:
    trigger = "" if event.trigger is None else _mention(event.trigger)
    return f"{event.type}: {trigger} (" + ", ".join(f"{a.role} {_mention(a.span)}" for a in event.arguments) + ")"


def _mention(span: Span) -> str:
    return span.text if span.start is None else f"{span.text} @{span.start}"
