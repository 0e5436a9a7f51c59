"""From the network's scores to spans and pairs: the same two steps in prediction as in training.

Every label is decided by itself, so neither the order nor the company of labels changes an answer (unless
`CompactConfig.nested` is off). Of overlapping spans of one label (and one anchor) the best is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
import torch

from iepile.models.compact.batch import Prepared, encode
from iepile.models.compact.example import Label, Prediction, Question
from iepile.models.compact.geometry import propose
from iepile.models.compact.network import CompactNetwork, States

TokenSpan = tuple[int, int]
"""First and last (inclusive) token."""
Scored = tuple[float, TokenSpan]

_LABELS_AT_ONCE = 48
_CELLS_AT_ONCE = 40_000


@dataclass(frozen=True, order=True)
class Use:
    """One thing step one looks for: an entity or event type, or the heads of a relation."""

    label: Label
    role: str
    """`entity`, `trigger` or `head`."""


def uses(question_spans: Sequence[Label], question_pairs: Sequence[Label]) -> list[Use]:
    """What step one must look for to answer these labels, sorted."""
    out = {Use(label, label.kind) for label in question_spans}
    for label in question_pairs:
        anchor = label.anchor
        out.add(Use(label, "head") if anchor is None else Use(anchor, "trigger"))
    return sorted(out)


@torch.no_grad()
def answer(network: CompactNetwork, texts: Sequence[Prepared], questions: Sequence[Question]) -> list[Prediction]:
    """Answer one batch."""
    config = network.config
    states = encode(network, texts)
    found = _step_one(network, states, texts, questions)
    out = []
    anchors: list[tuple[int, Label, float, TokenSpan]] = []
    for row, (text, question) in enumerate(zip(texts, questions, strict=True)):
        spans: dict[Label, list[tuple[int, int, float]]] = {}
        kept: dict[Use, list[Scored]] = {}
        for use, scored in sorted(found[row].items()):
            floor = config.anchor_floor if use.role == "head" else config.thresholds[use.role]
            kept[use] = best([s for s in scored if s[0] > floor])
        if not config.nested:
            _flatten(kept)
        for label in question.spans:
            scored = sorted(kept.get(Use(label, label.kind), ()), key=lambda s: s[1])
            spans[label] = [(*text.tokens.span(*span), probability(score)) for score, span in scored]
        for label in question.pairs:
            anchors += [(row, label, s, span) for s, span in _anchors(label, kept, text, question)]
        out.append(Prediction(spans, {label: [] for label in question.pairs}))
    for row, label, anchor, scored in _step_two(network, states, texts, anchors):
        locate = texts[row].tokens.span
        first = locate(*anchor)
        out[row].pairs[label] += [(first, locate(*span), probability(s)) for s, span in scored]
    for prediction in out:
        for pairs in prediction.pairs.values():
            pairs.sort()
    return out


def best(scored: Sequence[Scored]) -> list[Scored]:
    """The best of overlapping spans, greedily by score; ties go to the earlier and shorter one."""
    out: list[Scored] = []
    taken: set[int] = set()
    for score, (i, j) in sorted(scored, key=lambda s: (-s[0], s[1])):
        if taken.isdisjoint(range(i, j + 1)):
            out.append((score, (i, j)))
            taken.update(range(i, j + 1))
    return out


def probability(score: float) -> float:
    """Log-odds to probability, rounded so that the batch a text came in does not show."""
    return round(1 / (1 + exp(-max(-30.0, min(30.0, score)))), 4)


def _flatten(kept: dict[Use, list[Scored]]) -> None:
    entities = [(s, span, use) for use in sorted(kept) if use.role == "entity" for s, span in kept[use]]
    chosen: dict[TokenSpan, float] = {span: s for s, span in best([(s, span) for s, span, _ in entities])}
    seen: set[TokenSpan] = set()
    for use in kept:
        if use.role == "entity":
            kept[use] = []
    for s, span, use in sorted(entities, key=lambda e: (-e[0], e[1], e[2])):
        if span in chosen and span not in seen:
            seen.add(span)
            kept[use].append((s, span))


def _anchors(label: Label, kept: dict[Use, list[Scored]], text: Prepared, question: Question) -> list[Scored]:
    if label.anchor is None:
        return kept.get(Use(label, "head"), [])
    if label.anchor in question.given:
        places = [text.tokens.locate(s, e) for s, e in question.given[label.anchor]]
        return [(20.0, p) for p in dict.fromkeys(places) if p is not None]
    return kept.get(Use(label.anchor, "trigger"), [])


def _step_one(
    network: CompactNetwork, states: States, texts: Sequence[Prepared], questions: Sequence[Question]
) -> list[dict[Use, list[Scored]]]:
    config = network.config
    asked = []
    for question in questions:
        wanted = uses(question.spans, question.pairs)
        asked.append({u for u in wanted if u.role != "trigger" or u.label not in question.given})
    everything = sorted(set().union(*asked))
    out: list[dict[Use, list[Scored]]] = [{} for _ in texts]
    for at in range(0, len(everything), _LABELS_AT_ONCE):
        part = everything[at : at + _LABELS_AT_ONCE]
        names = [(u.label, u.role) for u in part]
        match = network.match(states, names)
        scores, span_queries = network.grid_scores(states, network.label_vectors(names), match)
        ok = np.array([[u in a for u in part] for a in asked])
        allowed = allowed_tokens(states, part) & ok[:, :, None]
        flat = scores.flatten(0, 1).numpy()
        q, i, j, border = candidates(flat, allowed.reshape(flat.shape[:2]), config.max_width, config.search_floor)
        if not len(q):
            continue
        row, label = q // len(part), q % len(part)
        index = [torch.from_numpy(x) for x in (row, i, j)]
        queries = span_queries[torch.from_numpy(label)]
        whole = network.span_scores(states, queries, match.flatten(0, 1)[torch.from_numpy(q)], *index).numpy()
        values = border * config.border_share + whole * (1 - config.border_share)
        for r, t, a, b, v in zip(row.tolist(), label.tolist(), i.tolist(), j.tolist(), values.tolist(), strict=True):
            out[r].setdefault(part[t], []).append((v, (a, b)))
    return out


def _step_two(
    network: CompactNetwork,
    states: States,
    texts: Sequence[Prepared],
    anchors: Sequence[tuple[int, Label, float, TokenSpan]],
) -> list[tuple[int, Label, TokenSpan, list[Scored]]]:
    config = network.config
    out = []
    at_once = max(1, _CELLS_AT_ONCE // states.mask.shape[1])
    for at in range(0, len(anchors), at_once):
        part = anchors[at : at + at_once]
        labels = sorted({label for _, label, _, _ in part})
        number = {label: k for k, label in enumerate(labels)}
        vectors = network.label_vectors([(label, label.kind) for label in labels])
        row = torch.tensor([r for r, _, _, _ in part])
        queries = network.linked_queries(
            states,
            vectors,
            torch.tensor([number[label] for _, label, _, _ in part]),
            row,
            torch.tensor([a for _, _, _, a in part]),
        )
        allowed = states.mask[row].clone()
        allowed[:, 0] = False
        scores = network.border_scores(states, queries).numpy()
        q, i, j, border = candidates(scores, allowed.numpy(), config.max_width, config.search_floor)
        found: list[list[Scored]] = [[] for _ in part]
        if len(q):
            index = [torch.from_numpy(x) for x in (q, i, j)]
            whole = network.pair_scores(states, queries, *index).numpy()
            values = border * config.border_share + whole * (1 - config.border_share)
            for k, a, b, v in zip(q.tolist(), i.tolist(), j.tolist(), values.tolist(), strict=True):
                found[k].append((v, (a, b)))
        for (r, label, anchor_score, anchor), scored in zip(part, found, strict=True):
            total = [(joint(label, anchor_score, s), span) for s, span in scored]
            threshold = config.thresholds[label.kind]
            out.append((r, label, anchor, best([s for s in total if s[0] > threshold])))
    return out


def joint(label: Label, anchor: float, pair: float) -> float:
    """Score of a pair: an argument's alone (its trigger was decided already); a relation's with its head's."""
    return pair if label.kind == "argument" else (anchor + pair) / 2


def allowed_tokens(states: States, part: Sequence[Use]) -> np.ndarray[Any, Any]:
    """[B, T, L]: real tokens; the virtual one for triggers only."""
    allowed = np.repeat(states.mask.numpy()[:, None], len(part), 1)
    for t, use in enumerate(part):
        if use.role != "trigger":
            allowed[:, t, 0] = False
    return allowed


def candidates(
    scores: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any], width: int, floor: float, most: int | None = None
) -> tuple[np.ndarray[Any, Any], ...]:
    """`propose` without spans that reach out of the virtual token."""
    q, i, j, value = propose(scores, allowed, width, floor, most)
    keep = (i > 0) | (j == 0)
    return q[keep], i[keep], j[keep], value[keep]
