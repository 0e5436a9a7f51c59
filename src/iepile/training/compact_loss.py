"""Loss of the compact model: which cells, spans and pairs a batch of labelled texts speaks about.

A label takes part only for the texts it was asked of. Step two trains on the true anchors, and on wrong ones the
model itself takes for likely, since those are what it meets in prediction.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from iepile.models.compact.batch import Prepared, match, pad, share
from iepile.models.compact.decode import Use, allowed_tokens, plan
from iepile.models.compact.example import Example, Label
from iepile.models.compact.network import CompactNetwork, States
from iepile.models.compact.proposals import TokenSpan, candidates
from iepile.models.compact.torch_scorer import encode, read


@dataclass(frozen=True, slots=True)
class Labelled:
    """One example in tokens."""

    text: Prepared
    asked: frozenset[Use]
    """What step one is asked of this text."""
    spans: dict[Use, frozenset[TokenSpan]]
    """True spans, those of anchors that were not asked included."""
    pairs: dict[tuple[Label, TokenSpan], frozenset[TokenSpan]]
    """True second spans by asked pair label and anchor."""
    followers: dict[Use, tuple[Label, ...]]
    """Asked pair labels by what their first span is."""


def label(example: Example, network: CompactNetwork, left_out: Counter[str]) -> Labelled:
    """Prepare an example; spans that cannot be learned are counted in `left_out` by reason."""
    text = read(example.text, network)
    width = network.config.max_width

    def place(start: int, end: int) -> TokenSpan | None:
        span = text.tokens.locate(start, end)
        if span is None:
            left_out["borders inside a token"] += 1
        elif span[1] - span[0] >= width:
            left_out[f"wider than {width} tokens"] += 1
            return None
        return span

    spans: dict[Use, set[TokenSpan]] = {}
    for name, found in example.spans.items():
        for start, end in found:
            span = place(start, end)
            if span is not None:
                spans.setdefault(Use(name, name.kind), set()).add(span)
    followers = plan((), example.asked_pairs).followers
    pairs: dict[tuple[Label, TokenSpan], set[TokenSpan]] = {}
    for use, names in followers.items():
        for name in names:
            if use.role == "trigger":
                # A trigger without a filler of this role is a question with an empty answer.
                pairs |= {(name, at): set() for at in spans.get(use, ())}
            for first, second in example.pairs.get(name, ()):
                a, b = place(*first), place(*second)
                if a is not None and b is not None:
                    spans.setdefault(use, set()).add(a)
                    pairs.setdefault((name, a), set()).add(b)
    return Labelled(
        text,
        _asked(example.asked_spans, example.asked_pairs),
        {use: frozenset(s) for use, s in spans.items()},
        {key: frozenset(b) for key, b in pairs.items()},
        followers,
    )


@lru_cache(maxsize=4096)
def _asked(spans: tuple[Label, ...], pairs: tuple[Label, ...]) -> frozenset[Use]:
    return frozenset(plan(spans, tuple(name for name in pairs if name.anchor is None)).uses)


@dataclass(frozen=True)
class Sampling:
    """How many wrong things a batch is shown."""

    labels: int = 24
    """Labels of step one that no text of the batch has, drawn anew for each batch."""
    anchors: int = 2
    """Wrong but likely anchors per text and label."""
    queries: int = 400
    """Most queries of step two in a batch."""
    rng: random.Random = field(default_factory=lambda: random.Random(0))


def batch_loss(network: CompactNetwork, batch: Sequence[Labelled], sampling: Sampling) -> Tensor:
    """Mean loss per text: borders and spans of both steps, summed over what was asked."""
    texts = [x.text for x in batch]
    lengths, features = pad(texts)
    states = encode(network, texts, lengths, features)
    part = _draw(batch, sampling)
    total = torch.zeros(())
    likely: dict[tuple[int, Use], list[TokenSpan]] = {}
    if part:
        loss, likely = _step_one(network, states, features, batch, part)
        total = total + loss
    queries = _queries(batch, likely, sampling)
    if queries:
        total = total + _step_two(network, states, batch, queries)
    return total / len(batch)


def _draw(batch: Sequence[Labelled], sampling: Sampling) -> list[Use]:
    present = {use for x in batch for use in x.spans if use in x.asked}
    rest = sorted({use for x in batch for use in x.asked} - present)
    drawn = sampling.rng.sample(rest, min(sampling.labels, len(rest)))
    return sorted(present | set(drawn))


def _step_one(
    network: CompactNetwork,
    states: States,
    features: np.ndarray[Any, Any],
    batch: Sequence[Labelled],
    part: list[Use],
) -> tuple[Tensor, dict[tuple[int, Use], list[TokenSpan]]]:
    config = network.config
    number = {use: t for t, use in enumerate(part)}
    names = [(u.label, u.role) for u in part]
    matches = match(features, names, config.buckets)
    scores, span_queries = network.grid_scores(states, network.label_vectors(names), torch.from_numpy(matches))
    asked = np.array([[u in x.asked for u in part] for x in batch])
    allowed = allowed_tokens(states.mask.numpy(), part) & asked[:, :, None]
    gold: list[tuple[int, int, int]] = []
    for row, x in enumerate(batch):
        for use, spans in x.spans.items():
            if use in x.asked and use in number:
                gold += [(row * len(part) + number[use], *span) for span in spans]
    gold.sort()
    flat = scores.flatten(0, 1)
    loss = _border_loss(flat, allowed.reshape(flat.shape[:2]), gold)
    q, i, j, target = _with_gold(flat, allowed.reshape(flat.shape[:2]), gold, config)
    row_t, label_t = torch.from_numpy(q // len(part)), torch.from_numpy(q % len(part))
    values = network.span_scores(
        states,
        span_queries[label_t],
        torch.from_numpy(share(matches.reshape(-1, matches.shape[2]), q, i, j)),
        row_t,
        torch.from_numpy(i),
        torch.from_numpy(j),
    )
    loss = loss + F.binary_cross_entropy_with_logits(values, torch.from_numpy(target), reduction="sum")
    likely: dict[tuple[int, Use], list[TokenSpan]] = {}
    known = values.detach().numpy()
    wrong = np.flatnonzero((known > config.anchor_floor) & (target == 0))
    for k in wrong[np.lexsort((j[wrong], i[wrong], -known[wrong]))].tolist():
        use = part[q[k] % len(part)]
        if use.role != "entity":
            likely.setdefault((int(q[k]) // len(part), use), []).append((int(i[k]), int(j[k])))
    return loss, likely


Query = tuple[int, Label, TokenSpan]


def _queries(
    batch: Sequence[Labelled], likely: dict[tuple[int, Use], list[TokenSpan]], sampling: Sampling
) -> list[Query]:
    true: list[Query] = []
    wrong: list[Query] = []
    for row, x in enumerate(batch):
        true += [(row, name, anchor) for name, anchor in x.pairs]
    for (row, use), anchors in likely.items():
        x = batch[row]
        for name in x.followers.get(use, ()):
            wrong += [(row, name, a) for a in anchors[: sampling.anchors] if (name, a) not in x.pairs]
    true.sort()
    wrong.sort()
    if len(true) > sampling.queries:
        true = sampling.rng.sample(true, sampling.queries)
    room = sampling.queries - len(true)
    if len(wrong) > room:
        wrong = sampling.rng.sample(wrong, room)
    return true + wrong


def _step_two(network: CompactNetwork, states: States, batch: Sequence[Labelled], queries: list[Query]) -> Tensor:
    names = sorted({name for _, name, _ in queries})
    number = {name: k for k, name in enumerate(names)}
    vectors = network.label_vectors([(name, name.kind) for name in names])
    row = torch.tensor([r for r, _, _ in queries])
    linked = network.linked_queries(
        states,
        vectors,
        torch.tensor([number[name] for _, name, _ in queries]),
        row,
        torch.tensor([a for _, _, a in queries]),
    )
    scores = network.border_scores(states, linked)
    allowed = states.mask[row].clone()
    allowed[:, 0] = False
    gold = [(k, *span) for k, (r, name, a) in enumerate(queries) for span in batch[r].pairs.get((name, a), ())]
    gold.sort()
    loss = _border_loss(scores, allowed.numpy(), gold)
    q, i, j, target = _with_gold(scores, allowed.numpy(), gold, network.config)
    values = network.pair_scores(states, linked, torch.from_numpy(q), torch.from_numpy(i), torch.from_numpy(j))
    return loss + F.binary_cross_entropy_with_logits(values, torch.from_numpy(target), reduction="sum")


def _border_loss(scores: Tensor, allowed: np.ndarray[Any, Any], gold: list[tuple[int, int, int]]) -> Tensor:
    """`scores` [Q, L, 3] against the borders and insides of the gold (query, first, last).

    The few true cells weigh as much as the many false ones: for each query and channel, every true cell shall
    score above 0 and every false one below, and the worst offenders count most.
    """
    target = np.zeros(scores.shape, np.bool_)
    for q, i, j in gold:
        target[q, i, 0] = target[q, i : j + 1, 1] = target[q, j, 2] = True
    true, possible = torch.from_numpy(target), torch.from_numpy(allowed)[..., None]
    high = scores.masked_fill(true | ~possible, -1e4).transpose(1, 2)
    low = (-scores).masked_fill(~(true & possible), -1e4).transpose(1, 2)
    zero = torch.zeros_like(high[..., :1])
    return (torch.cat([high, zero], -1).logsumexp(-1) + torch.cat([low, zero], -1).logsumexp(-1)).sum()


def _with_gold(
    scores: Tensor, allowed: np.ndarray[Any, Any], gold: list[tuple[int, int, int]], config: Any
) -> tuple[np.ndarray[Any, Any], ...]:
    """Proposals and gold spans without doubles: arrays query, first, last, and 1.0 where true."""
    q, i, j, _ = candidates(scores.detach().numpy(), allowed, config.max_width, config.proposal_floor, config.proposals)
    known = dict.fromkeys(gold, 1.0)
    for key in zip(q.tolist(), i.tolist(), j.tolist(), strict=True):
        known.setdefault(key, 0.0)
    keys = np.array(list(known), np.int64).reshape(-1, 3)
    return keys[:, 0], keys[:, 1], keys[:, 2], np.array(list(known.values()), np.float32)
