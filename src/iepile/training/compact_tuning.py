"""Scores of the compact model on labelled texts, and the decision thresholds that serve them best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from iepile.models.compact.calibration import probability
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.example import Example, Label, Question
from iepile.models.compact.model import CompactModel
from iepile.models.compact.network import CompactNetwork

_GRID = tuple(-3 + 0.25 * k for k in range(21))


def questions(examples: Sequence[Example]) -> list[Question]:
    """The question each example answers; anchors under labels that were not asked are given."""
    out = []
    for x in examples:
        given = {name: x.spans[name] for name in x.spans if name.kind == "trigger" and name not in x.asked_spans}
        out.append(Question(x.asked_spans, x.asked_pairs, given))
    return out


def counts(model: CompactModel, examples: Sequence[Example]) -> dict[str, tuple[int, int, int]]:
    """(right, predicted, true) by kind of fact, exact offsets, over what was asked."""
    found = scored(model, examples) if examples else {}
    return {k: (sum(ok for _, ok in s), len(s), n) for k, (s, n) in sorted(found.items()) if s or n}


def f1(right: int, predicted: int, true: int) -> float:
    """F1 of counts; 0 where nothing was predicted and nothing is true."""
    return 2 * right / (predicted + true) if predicted + true else 0.0


def evaluate(model: CompactModel, examples: Sequence[Example]) -> dict[str, float]:
    """F1 by kind of fact."""
    return {kind: f1(*n) for kind, n in counts(model, examples).items()}


def tune_thresholds(network: CompactNetwork, examples: Sequence[Example]) -> CompactConfig:
    """Settings with the threshold of each kind that gives the best F1 on these examples.

    Arguments hang on triggers, so triggers come first. Fewer than 50 facts of a kind decide nothing.
    """
    if not examples:
        return network.config
    start = network.config
    chosen = dict(start.thresholds)
    for kinds in (("entity", "trigger", "relation"), ("argument",)):
        # One prediction at the lowest threshold serves all: raising it only takes facts away.
        network.config = replace(start, thresholds={**chosen, **dict.fromkeys(kinds, _GRID[0])})
        found = scored(CompactModel(network, labels_of(examples)), examples)
        for kind in kinds:
            facts, true = found.get(kind, ([], 0))
            if true >= 50:
                chosen[kind] = max(
                    (f1(sum(ok for p, ok in kept), len(kept), true), -abs(value), value)
                    for value in _GRID
                    for kept in [[(p, ok) for p, ok in facts if p > probability(value)]]
                )[2]
    return replace(start, thresholds=chosen)


def labels_of(examples: Sequence[Example]) -> list[Label]:
    """All labels that are asked, sorted."""
    return sorted({name for e in examples for name in (*e.asked_spans, *e.asked_pairs)})


def scored(model: CompactModel, examples: Sequence[Example]) -> dict[str, tuple[list[tuple[float, bool]], int]]:
    """By kind: (confidence, is it true) of each prediction, and the number of true facts."""
    out: dict[str, tuple[list[tuple[float, bool]], int]] = {}
    predictions = model.predict([x.text for x in examples], questions(examples))
    for x, p in zip(examples, predictions, strict=True):
        for names, gold, found in ((x.asked_spans, x.spans, p.spans), (x.asked_pairs, x.pairs, p.pairs)):
            for name in dict.fromkeys(names):
                true = {tuple(s) for s in gold.get(name, ())}
                facts, total = out.get(name.kind, ([], 0))
                facts += [(s[2], tuple(s[:2]) in true) for s in found.get(name, ())]
                out[name.kind] = (facts, total + len(true))
    return out
