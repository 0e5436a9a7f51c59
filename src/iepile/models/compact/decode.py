"""From the network's scores to spans and pairs: the same two steps in prediction as in training.

Every label is decided by itself, so neither the order nor the company of labels changes an answer (unless
`CompactConfig.nested` is off). Of overlapping spans of one label (and one anchor) the best is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from iepile.models.compact.batch import Prepared, match, pad, share
from iepile.models.compact.calibration import Calibration
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.example import Label, Prediction, Question
from iepile.models.compact.proposals import Scored, TokenSpan, best, candidates
from iepile.models.compact.scorer import Array, Scorer

_NAMES_AT_ONCE = 48
_CELLS_AT_ONCE = 40_000
_MOST = 50
"""Spans of one name (and anchor) in a text whose score as a whole is looked at: those with the best borders. A name
that was learned has far fewer; one that was not would have most of the spans there are."""
_TOLD = 20.0
"""Score of an anchor that the question gives."""
_REMEMBERED = 256
"""Labels of a plan that is remembered, at most."""


@dataclass(frozen=True, order=True)
class Use:
    """One thing step one looks for: an entity or event type, or the heads of a relation."""

    label: Label
    role: str
    """`entity`, `trigger` or `head`."""


@dataclass(frozen=True)
class Plan:
    """What one question, asked of any number of texts, comes to."""

    uses: tuple[Use, ...]
    """What step one looks for, sorted."""
    followers: dict[Use, tuple[Label, ...]]
    """Pair labels by what their first span is."""


def plan(spans: tuple[Label, ...], pairs: tuple[Label, ...]) -> Plan:
    """What must be looked for to answer these labels; remembered where they are not too many."""
    return (_known_plan if len(spans) + len(pairs) <= _REMEMBERED else _plan)(spans, pairs)


def _plan(spans: tuple[Label, ...], pairs: tuple[Label, ...]) -> Plan:
    followers: dict[Use, list[Label]] = {}
    for label in sorted(set(pairs)):
        followers.setdefault(_first(label), []).append(label)
    uses = {Use(label, label.kind) for label in spans} | set(followers)
    return Plan(tuple(sorted(uses)), {use: tuple(found) for use, found in followers.items()})


_known_plan = lru_cache(maxsize=128)(_plan)


def _first(pair: Label) -> Use:
    anchor = pair.anchor
    return Use(pair, "head") if anchor is None else Use(anchor, "trigger")


@dataclass(frozen=True)
class _Anchor:
    """A first span for which the second spans of a label are wanted."""

    row: int
    label: Label
    score: float
    span: TokenSpan


def answer(
    scorer: Scorer,
    config: CompactConfig,
    calibration: Calibration,
    texts: Sequence[Prepared],
    questions: Sequence[Question],
) -> list[Prediction]:
    """Answer one batch."""
    lengths, features = pad(texts)
    batch = scorer.encode(texts, lengths, features)
    mask = np.arange(features.shape[1])[None] < lengths[:, None]
    plans = [plan(q.spans, q.pairs) for q in questions]
    asked = [
        tuple(u for u in p.uses if u.role != "trigger" or u.label not in q.given) if q.given else p.uses
        for p, q in zip(plans, questions, strict=True)
    ]
    found = _step_one(scorer, config, (batch, mask, features), asked)
    out = []
    anchors: list[_Anchor] = []
    for row, (text, question) in enumerate(zip(texts, questions, strict=True)):
        kept: dict[Use, list[Scored]] = {}
        for use, scored in sorted(found[row].items()):
            floor = config.anchor_floor if use.role == "head" else config.thresholds[use.role]
            kept[use] = best([s for s in scored if s[0] > floor])
        if not config.nested:
            _flatten(kept)
        spans: dict[Label, list[tuple[int, int, float]]] = {label: [] for label in question.spans}
        for use, scored in kept.items():
            if use.label in spans and use.role == use.label.kind:
                spans[use.label] = [
                    (*text.tokens.span(*span), calibration.confidence(use.role, score))
                    for score, span in sorted(scored, key=lambda s: s[1])
                ]
        for label, places in question.given.items():
            told = dict.fromkeys(text.tokens.locate(s, e) for s, e in places)
            kept[Use(label, "trigger")] = [(_TOLD, p) for p in told if p is not None]
        for use, scored in kept.items():
            for label in plans[row].followers.get(use, ()):
                anchors += [_Anchor(row, label, score, span) for score, span in scored]
        out.append(Prediction(spans, {label: [] for label in question.pairs}))
    anchors.sort(key=lambda a: (a.row, a.label))
    for a, scored in _step_two(scorer, config, (batch, mask), anchors):
        locate = texts[a.row].tokens.span
        first = locate(*a.span)
        out[a.row].pairs[a.label] += [
            (first, locate(*span), calibration.confidence(a.label.kind, s)) for s, span in scored
        ]
    for prediction in out:
        for pairs in prediction.pairs.values():
            pairs.sort()
    return out


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


def _step_one(
    scorer: Scorer,
    config: CompactConfig,
    states: tuple[Any, Array, Array],
    asked: Sequence[tuple[Use, ...]],
) -> list[dict[Use, list[Scored]]]:
    batch, mask, features = states
    # Texts mostly ask the same: what is looked for is compared once for each distinct question.
    kinds = {id(uses): frozenset(uses) for uses in asked}
    everything = sorted(set().union(*kinds.values()))
    out: list[dict[Use, list[Scored]]] = [{} for _ in asked]
    for at in range(0, len(everything), _NAMES_AT_ONCE):
        part = everything[at : at + _NAMES_AT_ONCE]
        names = [(u.label, u.role) for u in part]
        matches = match(features, names, config.buckets)
        scores, queries = scorer.grid(batch, names, matches)
        masks = {key: np.array([u in uses for u in part]) for key, uses in kinds.items()}
        wanted = np.stack([masks[id(uses)] for uses in asked])
        allowed = allowed_tokens(mask, part) & wanted[:, :, None]
        flat = scores.reshape(-1, *scores.shape[2:])
        allowed = allowed.reshape(flat.shape[:2])
        q, i, j, border = candidates(flat, allowed, config.max_width, config.search_floor, _MOST)
        if not len(q):
            continue
        row, name = q // len(part), q % len(part)
        shares = share(matches.reshape(-1, matches.shape[2]), q, i, j)
        whole = scorer.spans(batch, queries, shares, (row, name, i, j))
        values = border * config.border_share + whole * (1 - config.border_share)
        by_cell: dict[int, list[Scored]] = {}
        for cell, a, b, v in zip(q.tolist(), i.tolist(), j.tolist(), values.tolist(), strict=True):
            by_cell.setdefault(cell, []).append((v, (a, b)))
        for cell, scored in by_cell.items():
            out[cell // len(part)][part[cell % len(part)]] = scored
    return out


def _step_two(
    scorer: Scorer, config: CompactConfig, states: tuple[Any, Array], anchors: Sequence[_Anchor]
) -> list[tuple[_Anchor, list[Scored]]]:
    batch, mask = states
    out = []
    at_once = max(1, _CELLS_AT_ONCE // mask.shape[1])
    for at in range(0, len(anchors), at_once):
        part = anchors[at : at + at_once]
        labels = sorted({a.label for a in part})
        number = {label: k for k, label in enumerate(labels)}
        row = np.array([a.row for a in part])
        index = (row, np.array([number[a.label] for a in part]), np.array([a.span for a in part]))
        scores, queries = scorer.link(batch, [(label, label.kind) for label in labels], index)
        allowed = mask[row].copy()
        allowed[:, 0] = False
        q, i, j, border = candidates(scores, allowed, config.max_width, config.search_floor, _MOST)
        found: list[list[Scored]] = [[] for _ in part]
        if len(q):
            whole = scorer.pairs(batch, queries, (q, i, j))
            values = border * config.border_share + whole * (1 - config.border_share)
            for k, a, b, v in zip(q.tolist(), i.tolist(), j.tolist(), values.tolist(), strict=True):
                found[k].append((v, (a, b)))
        for anchor, scored in zip(part, found, strict=True):
            total = [(joint(anchor.label, anchor.score, s), span) for s, span in scored]
            threshold = config.thresholds[anchor.label.kind]
            out.append((anchor, best([s for s in total if s[0] > threshold])))
    return out


def joint(label: Label, anchor: float, pair: float) -> float:
    """Score of a pair: an argument's alone (its trigger was decided already); a relation's with its head's."""
    return pair if label.kind == "argument" else (anchor + pair) / 2


def allowed_tokens(mask: Array, part: Sequence[Use]) -> Array:
    """[B, T, L]: real tokens; the virtual one for triggers only."""
    allowed = np.repeat(mask[:, None], len(part), 1)
    for t, use in enumerate(part):
        if use.role != "trigger":
            allowed[:, t, 0] = False
    return allowed
