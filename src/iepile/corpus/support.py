"""What a triple stands on in a text, and whether it still stands when a piece of the text is gone.

The evidence of a triple is a pair of places of its ends: those of the annotation, else of all pairs of places the
closest, in one sentence where there is one. When a piece of the text goes, a triple is

- supported, if its evidence stays, or if both ends stand together in another sentence that stays;
- lost, if one of its ends stands nowhere in the rest;
- in doubt, if neither: both ends are still named, but apart, and nobody knows whether the rest states it.

A triple of which an end is nowhere in the whole text has no evidence from the start, and cannot lose any.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from iepile.corpus.clauses import Cut, Place, sentence_ends
from iepile.records import Relation, Span
from iepile.tasks.mentions import occurrences, occurs

Standing = Literal["supported", "lost", "in doubt", "none"]
MOST_PLACES = 40
"""Places of a mention that are looked at for evidence; whether it is named at all is asked of the whole rest."""


class Evidence(msgspec.Struct, frozen=True):
    """Places that a triple can stand on, each a place of the head and one of the tail."""

    first: tuple[Place, Place]
    others: tuple[tuple[Place, Place], ...]
    """Pairs within one sentence, by place."""


class Support:
    """The evidence of the relations of a text."""

    def __init__(self, text: str, relations: Sequence[Relation], whole: Sequence[Place] = ()) -> None:
        """`whole`: places that no end of a sentence lies in."""
        self.text, self.relations = text, relations
        self._ends = sentence_ends(text, whole)
        self._places: dict[str, list[Place]] = {}
        self.evidence = [self._evidence(r) for r in relations]

    def standings(self, cut: Cut) -> list[tuple[Standing, tuple[Place, Place] | None]]:
        """How each relation stands without a piece of the text, and on which places where it is supported."""
        rest = self.text[: cut.start] + self.text[cut.end :]
        named: dict[str, bool] = {}
        out: list[tuple[Standing, tuple[Place, Place] | None]] = []
        for relation, evidence in zip(self.relations, self.evidence, strict=True):
            if evidence is None:
                out.append(("none", None))
            elif stays(evidence.first, cut):
                out.append(("supported", evidence.first))
            else:
                ends = relation.head.text, relation.tail.text
                for end in ends:
                    if end not in named:
                        named[end] = occurs(end, rest)
                other = next((pair for pair in evidence.others if stays(pair, cut)), None)
                if not all(named[end] for end in ends):
                    out.append(("lost", None))
                else:
                    out.append(("supported", other) if other else ("in doubt", None))
        return out

    def _evidence(self, relation: Relation) -> Evidence | None:
        heads, tails = self._of(relation.head), self._of(relation.tail)
        pairs = [(self._apart(h, t), h, t) for h in heads for t in tails]
        if not pairs:
            return None
        own = relation.head.offsets, relation.tail.offsets
        first = (own[0], own[1]) if own[0] and own[1] else min(p for p in pairs if self._annotated(p[1:], own))[1:]
        return Evidence(first, tuple((h, t) for (far, _), h, t in pairs if not far and (h, t) != first))

    @staticmethod
    def _annotated(pair: tuple[Place, Place], own: tuple[Place | None, Place | None]) -> bool:
        return all(known is None or known == place for place, known in zip(pair, own, strict=True))

    def _of(self, span: Span) -> list[Place]:
        """Places of a mention, the annotated one as well where it is no word of its own."""
        if span.text not in self._places:
            found = [(at, at + len(span.text)) for at in occurrences(span.text, self.text)]
            self._places[span.text] = found[:MOST_PLACES]
        places = self._places[span.text]
        return places if span.offsets is None or span.offsets in places else sorted((*places, span.offsets))

    def _apart(self, a: Place, b: Place) -> tuple[int, int]:
        """Sentences between, and code points between."""
        first, last = bisect_right(self._ends, min(a[0], b[0])), bisect_right(self._ends, max(a[0], b[0]))
        return last - first, max(0, a[0] - b[1], b[0] - a[1])


def unsupported(relations: Iterable[Relation], text: str) -> list[tuple[str, str, str]]:
    """The triples of which an end is nowhere in the text, each once."""
    named: dict[str, bool] = {}
    stand: dict[tuple[str, str, str], bool] = {}
    for r in relations:
        for span in (r.head, r.tail):
            if span.text not in named:
                named[span.text] = occurs(span.text, text)
        triple = r.head.text, r.type, r.tail.text
        stand[triple] = stand.get(triple, False) or all(s.grounded or named[s.text] for s in (r.head, r.tail))
    return [triple for triple, stands in stand.items() if not stands]


def stays(pair: tuple[Place, Place], cut: Cut) -> bool:
    """Whether both places lie outside of what is taken out."""
    return all(end <= cut.start or start >= cut.end for start, end in pair)
