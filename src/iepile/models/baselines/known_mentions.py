"""Mentions that stand for a label wherever they stand: entities by their words, events by their trigger words.

A mention has the label it most often had in training. It is answered where that share of its occurrences is high
enough; how high is chosen so that the training texts are answered best, each judged by what the others say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from iepile.models.baselines.gazetteer import Gazetteer, plain
from iepile.models.baselines.labelled import Label, Labelled
from iepile.models.baselines.rates import Chosen, Own, Rates, Trial, choose
from iepile.models.baselines.tokens import Place

Kept = dict[str, dict[Label, float]]
"""Plain mention -> its label and how sure that is."""


def stated_mentions(x: Labelled, kind: str, asked: frozenset[Label]) -> dict[Place, set[Label]]:
    """Where the text has entities (`entity`) or triggers (`event`), and their labels.

    Triggers that questions tell (EEA) are not asked: they are none to learn.
    """
    out: dict[Place, set[Label]] = {}
    facts = x.facts.entities if kind == "entity" else x.facts.events
    for fact in facts:
        span = getattr(fact, "span", None) or getattr(fact, "trigger", None)
        if span is not None and span.offsets is not None and (kind, fact.type) in asked:
            out.setdefault(span.offsets, set()).add((kind, fact.type))
    return out


def only_here(mentions: Mapping[str, int], here: set[str]) -> set[str]:
    """Plain mentions that no other text has.

    Args:
        mentions: plain mention -> texts that have it.
        here: plain mentions of this text.
    """
    return {m for m in here if mentions[m] == 1}


def learn_mentions(
    texts: Sequence[Labelled], kind: str, asked: Mapping[str, frozenset[Label]]
) -> tuple[Kept, Chosen]:
    """The mentions to answer, and how well the training texts are answered with them."""
    rates = Rates(asked)
    in_texts: Counter[str] = Counter()
    gold = 0
    for x in texts:
        stated = stated_mentions(x, kind, asked[x.source])
        in_texts.update({plain(x.text[s:e]) for s, e in stated})
        gold += sum(map(len, stated.values()))
    gazetteer = Gazetteer(in_texts)
    owns = [_own(stated_mentions(x, kind, asked[x.source]), gazetteer.find(x.text)) for x in texts]
    for own in owns:
        rates.state(own)
    for x, own in zip(texts, owns, strict=True):
        rates.see(x.source, own)
    chosen = choose(_trials(texts, kind, gazetteer, in_texts, rates), gold)
    kept: Kept = {}
    for mention, labels in rates.kept(0.0).items():
        label = best_label(labels)
        if labels[label] >= chosen.threshold:
            kept[mention] = {label: labels[label]}
    return kept, chosen


def best_label(labels: Mapping[Label, float]) -> Label:
    """The surest, of equally sure ones the first by name."""
    return min(labels, key=lambda label: (-labels[label], label))


def _own(stated: Mapping[Place, set[Label]], found: Sequence[tuple[int, int, str]]) -> Own:
    own = Own()
    for start, end, mention in found:
        own.seen[mention] += 1
        for label in stated.get((start, end), ()):
            own.stated[mention, label] += 1
    return own


def _trials(
    texts: Sequence[Labelled], kind: str, gazetteer: Gazetteer, in_texts: Mapping[str, int], rates: Rates
) -> Iterator[Trial]:
    for x in texts:
        all_found = gazetteer.find(x.text)
        if not all_found:
            continue
        stated = stated_mentions(x, kind, rates.asked[x.source])
        own = _own(stated, all_found)
        skip = only_here(in_texts, {plain(x.text[s:e]) for s, e in stated})
        for start, end, mention in gazetteer.find(x.text, skip) if skip else all_found:
            if scores := rates.scores([mention], x.source, own):
                label = best_label(scores)
                yield Trial(scores[label], int(label in stated.get((start, end), ())))
