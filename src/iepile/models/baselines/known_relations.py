"""Relations by what related pairs looked like in training.

Every key of a pair (see `pairs.py`) has, for each relation, the share of the pairs with that key that had the relation.
The surest key decides; the relation is answered where that is high enough, chosen as for mentions. Paired are mentions
seen in training and names told by their looks (names.py), so what is learned of a text is learned twice: with its
mentions known, and with those that no other text has as strangers, as they would be in a new text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from iepile.models.baselines.gazetteer import Gazetteer, plain
from iepile.models.baselines.known_mentions import only_here
from iepile.models.baselines.labelled import Label, Labelled, relation_label
from iepile.models.baselines.names import with_names
from iepile.models.baselines.pairs import Pair, pairs
from iepile.models.baselines.rates import Chosen, Own, Rates, Trial, choose
from iepile.models.baselines.tokens import tokens

Gold = dict[tuple[str, str], set[Label]]
"""(plain head, plain tail) -> relations."""


def mention_types(texts: Sequence[Labelled]) -> dict[str, str]:
    """Plain mention -> the entity type it most often has, for all mentions that take part in relations somewhere.

    Where no type is told, the end of the relation it most often is: `head of spouse`.
    """
    told: dict[str, Counter[str]] = {}
    ends: dict[str, Counter[str]] = {}
    for x in texts:
        for e in x.facts.entities:
            told.setdefault(plain(e.span.text), Counter())[e.type] += 1
        for r in x.facts.relations:
            for end, span, kind in (("head", r.head, r.head_type), ("tail", r.tail, r.tail_type)):
                counts = told if kind else ends
                counts.setdefault(plain(span.text), Counter())[kind or f"{end} of {r.type}"] += 1
    both = ends | told
    return {m: min(both[m], key=lambda t: (-both[m][t], t)) for m in sorted(both)}


def learn_relations(
    texts: Sequence[Labelled], types: Mapping[str, str], asked: Mapping[str, frozenset[Label]]
) -> tuple[dict[str, dict[Label, float]], Chosen]:
    """The keys that speak for relations, and how well the training texts are answered by them."""
    rates = Rates(asked)
    gazetteer = Gazetteer(types)
    in_texts: Counter[str] = Counter()
    for x in texts:
        in_texts.update(_mentions(x))
    for x in texts:
        if x.facts.relations:
            rates.state(_own(_gold(x), x.text, _both_ways(x, gazetteer, types, in_texts)[0]))
    for x in texts:
        rates.see(x.source, _own({}, x.text, _both_ways(x, gazetteer, types, in_texts)[0]))
    chosen = choose(_trials(texts, gazetteer, types, in_texts, rates),
                    sum(len(labels) for x in texts for labels in _gold(x).values()))
    return rates.kept(chosen.threshold), chosen


def _mentions(x: Labelled) -> set[str]:
    out = {plain(e.span.text) for e in x.facts.entities}
    for r in x.facts.relations:
        out |= {plain(r.head.text), plain(r.tail.text)}
    return out


def _gold(x: Labelled) -> Gold:
    out: Gold = {}
    for r in x.facts.relations:
        out.setdefault((plain(r.head.text), plain(r.tail.text)), set()).add(relation_label(r))
    return out


def find_pairs(text: str, gazetteer: Gazetteer, types: Mapping[str, str], skip: Collection[str] = ()) -> list[Pair]:
    """Pairs of mentions and names of a text.

    Args:
        types: plain mention -> its type.
        skip: plain mentions that are taken for unknown.
    """
    places = tokens(text)
    found = with_names(text, gazetteer.find(text, skip, places), places)
    known = {mention: types[mention] for _, _, mention in found if mention in types and mention not in skip}
    return list(pairs(text, found, known, places)) if len(found) > 1 else []


def _both_ways(
    x: Labelled, gazetteer: Gazetteer, types: Mapping[str, str], in_texts: Mapping[str, int]
) -> tuple[list[Pair], list[Pair]]:
    """The pairs of a text as all mentions are known and as those of no other text are not, and the latter alone."""
    known = strange = find_pairs(x.text, gazetteer, types)
    if skip := only_here(in_texts, _mentions(x)):
        strange = find_pairs(x.text, gazetteer, types, skip)
    return list(dict.fromkeys((*known, *strange))), strange


def _own(gold: Gold, text: str, found: Sequence[Pair]) -> Own:
    own = Own()
    for pair in found:
        own.seen.update(pair.keys)
        for label in gold.get((plain(text[slice(*pair.head)]), plain(text[slice(*pair.tail)])), ()):
            own.stated.update((key, label) for key in pair.keys)
    return own


def _trials(
    texts: Sequence[Labelled], gazetteer: Gazetteer, types: Mapping[str, str], in_texts: Mapping[str, int], rates: Rates
) -> Iterator[Trial]:
    for x in texts:
        found, strange = _both_ways(x, gazetteer, types, in_texts)
        gold = _gold(x)
        own = _own(gold, x.text, found)
        for pair in strange:
            labels = gold.get((plain(x.text[slice(*pair.head)]), plain(x.text[slice(*pair.tail)])), set())
            for label, score in rates.scores(pair.keys, x.source, own).items():
                yield Trial(score, int(label in labels))
