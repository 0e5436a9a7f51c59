"""More texts from few: a mention is replaced by another mention of the same labels from the training data.

What a model of this size learns by heart first is the mentions themselves; seeing a text with others makes it
read the context.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from iepile.models.compact.example import NOWHERE, Example, Label, Offsets

_Key = tuple[tuple[Label, int], ...]


class Mentions:
    """The distinct mentions of a training set by what they are labelled with."""

    def __init__(self, examples: Sequence[Example]) -> None:
        pools: dict[_Key, set[str]] = {}
        for x in examples:
            for (start, end), key in _keys(x).items():
                pools.setdefault(key, set()).add(x.text[start:end])
        self.pools = {key: sorted(found) for key, found in pools.items()}

    def swap(self, example: Example, rate: float, rng: random.Random) -> Example | None:
        """The example with each mention replaced with probability `rate`; None when nothing was replaced.

        A mention that overlaps another stays as it is.
        """
        keys = _keys(example)
        places = sorted(keys)
        edits: list[tuple[int, int, str]] = []
        for k, (start, end) in enumerate(places):
            if rng.random() >= rate:
                continue
            if any(s < end and start < e for s, e in places[:k] + places[k + 1 :]):
                continue
            new = rng.choice(self.pools[keys[start, end]])
            if new != example.text[start:end]:
                edits.append((start, end, new))
        return _edited(example, edits) if edits else None


def _keys(example: Example) -> dict[Offsets, _Key]:
    """What each mention is: its span labels, else the sides of the pairs it stands in."""
    out: dict[Offsets, set[tuple[Label, int]]] = {}
    for name, spans in example.spans.items():
        for span in spans:
            out.setdefault(span, set()).add((name, 0))
    known = set(out)
    for name, pairs in example.pairs.items():
        for pair in pairs:
            for side, span in enumerate(pair, 1):
                # An entity may take the place of any of its type; the filler of a role must fill this role.
                if span not in known or (side == 2 and name.kind == "argument"):
                    out.setdefault(span, set()).add((name, side))
    return {span: tuple(sorted(key)) for span, key in out.items() if span != NOWHERE and span[0] < span[1]}


def _edited(example: Example, edits: Sequence[tuple[int, int, str]]) -> Example:
    pieces: list[str] = []
    at = 0
    for start, end, new in edits:
        pieces += (example.text[at:start], new)
        at = end
    pieces.append(example.text[at:])

    def moved(span: Offsets) -> Offsets:
        start, end = span
        shift = sum(len(new) - (e - s) for s, e, new in edits if e <= start)
        grown = sum(len(new) - (e - s) for s, e, new in edits if start <= s and e <= end)
        # An empty edit range cannot occur, so nothing is counted in both.
        return (start + shift, end + shift + grown) if span != NOWHERE else span

    spans: Mapping[Label, list[Offsets]] = {k: [moved(s) for s in v] for k, v in example.spans.items()}
    pairs = {k: [(moved(a), moved(b)) for a, b in v] for k, v in example.pairs.items()}
    return Example("".join(pieces), spans, pairs, example.asked_spans, example.asked_pairs)
