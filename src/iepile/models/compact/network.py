"""The network of the compact model: text and label names in, scores of spans out.

Two steps share one design. Step one: every asked label (entity type, event type, "head of a relation") is a
query; tokens are scored as start, inside and end of a span of it. Step two: a query is a relation or a role
together with its anchor (one head, one trigger), which makes it look for the other span of this pair. In both,
the best (start, end) combinations are proposals, and a proposal's score comes from a second look at the span
as a whole: its borders, its content, its neighbours, its width, and, in step two, the anchor and what lies between.

Shapes: B texts, L tokens (one column of padding at least), Q queries, N proposals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from iepile.models.compact.config import CompactConfig
from iepile.models.compact.example import Label
from iepile.models.compact.features import FEATURES, label_pieces
from iepile.models.compact.geometry import DISTANCES, bucket, distance, log_bucket
from iepile.models.compact.pretrained import PretrainedEncoder

WIDTH_BUCKETS = 24
SIDE = 16


@dataclass(frozen=True)
class States:
    """A batch of texts, encoded."""

    tokens: Tensor
    """[B, L, D]; zero on padding."""
    mask: Tensor
    """[B, L] bool."""
    borders: Tensor
    """[B, L, 3, query_size]: each token as start, inside, end in step one."""
    linked_borders: Tensor
    """The same for step two."""
    parts: Tensor
    """[B * L, 5 * span_size]: start, end, left and right neighbour, inside (running sum)."""
    between: Tensor
    """[B, L, span_size] running sum, for the text between two spans."""


@dataclass(frozen=True)
class Queries:
    """Q things to look for."""

    row: Tensor
    """[Q] text of each."""
    borders: Tensor
    """[Q, 3, query_size]"""
    bias: Tensor
    """[Q, 3]"""
    span: Tensor
    """[Q, span_size + 1]: what a span is compared with."""
    distance: Tensor | None = None
    """[Q, 3, side]: preference for distances from the anchor."""
    anchor: Tensor | None = None
    """[Q, 2]: first and last token of the anchor."""
    anchor_state: Tensor | None = None
    """[Q, span_size]"""


class CompactNetwork(nn.Module):
    """Encoder, label encoder and the two scorers; `pretrained` replaces the BiLSTM."""

    keep: Tensor

    def __init__(self, config: CompactConfig, pretrained: PretrainedEncoder | None = None) -> None:
        super().__init__()
        c, self.config = config, config
        e, h, d, s = c.embedding_size, c.hidden_size, c.query_size, c.span_size
        self.pretrained = pretrained
        self.bf16 = False
        if pretrained is None:
            self.features = nn.EmbeddingBag(c.buckets, e, mode="sum", padding_idx=0)
            nn.init.normal_(self.features.weight, 0, 0.3)
            with torch.no_grad():
                self.features.weight[0] = 0
            self.register_buffer("keep", torch.full((c.buckets,), 1 - c.feature_dropout), persistent=False)
            sizes = [e] + [2 * h] * (c.layers - 1)
            self.forward_lstm = nn.ModuleList(nn.LSTM(n, h, batch_first=True) for n in sizes)
            self.backward_lstm = nn.ModuleList(nn.LSTM(n, h, batch_first=True) for n in sizes)
            self.embedding_norm, self.state_norm = nn.LayerNorm(e), nn.LayerNorm(2 * h)
            width = 2 * h + e * c.skip
        else:
            width = pretrained.width
            self.label_states = nn.Linear(width, e)
        self.borders = nn.Linear(width, 6 * d)
        self.parts = nn.Linear(width, 6 * s)
        self.labels = nn.EmbeddingBag(c.label_buckets, e, mode="mean")
        nn.init.normal_(self.labels.weight, 0, 0.3)
        self.label_norm = nn.LayerNorm(e)
        self.query = nn.Sequential(nn.Linear(e, 128), nn.GELU(), nn.Linear(128, 3 * d + 3 + s + 1))
        self.linked_label = nn.Linear(e, s)
        self.linked_anchor = nn.Linear(s, s)
        self.linked_query = nn.Linear(s, 3 * d + 3 + s + 1 + 3 * SIDE)
        self.widths = nn.Embedding(WIDTH_BUCKETS, s)
        self.distances = nn.Embedding(2 * DISTANCES + 1, s)
        self.side = nn.Embedding(2 * DISTANCES + 1, SIDE)
        self.span_out = nn.Linear(s, s)
        self.pair_anchor = nn.Linear(s, s)
        self.pair_out = nn.Linear(s, s)
        self.match_weight = nn.Parameter(torch.full((4,), 4.0))
        with torch.no_grad():
            # Nearly every cell is negative: starting there saves the steps that would only learn this.
            for last in (self.query[2], self.linked_query):
                last.bias[3 * d : 3 * d + 3] = -3.0
                last.bias[3 * d + 3 + s] = -1.0

    # -- text

    @torch.no_grad()
    def count_features(self, counts: Tensor, rare: float) -> None:
        """Prepare for training on texts with these numbers of feature uses, shape [buckets].

        A feature with c uses is dropped with probability rare / (rare + c) besides the common rate, so that the
        model learns to read words it does not know; one without any is silent from the start, not noise.
        """
        self.features.weight[counts == 0] = 0
        self.keep = (1 - self.config.feature_dropout) * counts / (counts + rare)

    def encode(self, lengths: Tensor, features: Tensor, states: Tensor | None = None) -> States:
        """Encode a batch of `features` [B, L, FEATURES]; `states` [B, L, D] come from a pretrained encoder."""
        c = self.config
        mask = torch.arange(features.shape[1])[None] < lengths[:, None]
        x = self._lstm(features, lengths) if states is None else states
        x = x * mask[..., None]
        x = F.dropout(x, c.dropout, self.training)
        d, s = c.query_size, c.span_size
        with self._fast():
            borders, parts = self.borders(x), self.parts(x)
        borders = borders.float().view(*x.shape[:2], 6, d)
        parts = parts.float() * mask[..., None]
        sums = parts[..., 4 * s :].cumsum(1)
        flat = torch.cat([parts[..., : 4 * s], sums[..., :s]], -1).flatten(0, 1)
        return States(x, mask, borders[:, :, :3], borders[:, :, 3:], flat, sums[..., s:])

    def _lstm(self, features: Tensor, lengths: Tensor) -> Tensor:
        c = self.config
        batch, size, _ = features.shape
        keep = None
        if self.training:
            keep = (torch.rand(batch * size, FEATURES) < self.keep[features.flatten(0, 1)]).float()
        e = self.features(features.flatten(0, 1), per_sample_weights=keep).view(batch, size, -1)
        x = F.dropout(e, c.dropout / 2, self.training)
        # Each text is reversed within its own length, so padding never reaches a state: the answer for a text
        # does not depend on the batch it came in.
        places = torch.arange(size)[None].expand(batch, -1)
        back = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)[..., None]
        for k, (ahead, behind) in enumerate(zip(self.forward_lstm, self.backward_lstm, strict=True)):
            if k:
                x = F.dropout(x, c.dropout, self.training)
            with self._fast():
                right = ahead(x)[0]
                left = behind(x.gather(1, back.expand(-1, -1, x.shape[2])))[0]
            x = torch.cat([right, left.gather(1, back.expand(-1, -1, left.shape[2]))], -1)
        out: Tensor = self.state_norm(x.float())
        return torch.cat([out, self.embedding_norm(e.float())], -1) if c.skip else out

    def _fast(self) -> torch.autocast:
        # Products rounded to bf16 take half the time in training; predictions are made in full precision.
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16 and self.training)

    # -- queries

    def label_vectors(self, labels: Sequence[tuple[Label, str]]) -> Tensor:
        """[labels, embedding_size] of (label, use) couples, from their texts alone.

        A pretrained encoder reads the texts itself; then the table holds the uses only, so that nothing can be known
        of a label but its words.
        """
        pieces = [label_pieces(label, use, self.config.label_buckets) for label, use in labels]
        if self.pretrained is not None:
            pieces = [p[:1] for p in pieces]
        starts = np.cumsum([0] + [len(p) for p in pieces[:-1]])
        x = self.labels(torch.tensor([i for p in pieces for i in p]), torch.from_numpy(starts))
        if self.pretrained is not None:
            names = list(dict.fromkeys(label for label, _ in labels))
            number = {label: k for k, label in enumerate(names)}
            states = self.label_states(self.pretrained.labels(names))
            x = x + states[torch.tensor([number[label] for label, _ in labels])]
        out: Tensor = self.label_norm(x)
        return out

    def linked_queries(self, states: States, vectors: Tensor, label: Tensor, row: Tensor, anchor: Tensor) -> Queries:
        """Step two: text `row[q]`, pair label `label[q]`, first span `anchor[q]` (first and last token)."""
        at = F.gelu(self._span_parts(states, row, anchor[:, 0], anchor[:, 1]))
        q = self.linked_query(F.gelu(self.linked_label(vectors)[label] + self.linked_anchor(at)))
        n = q.shape[1] - 3 * SIDE
        return Queries(row, *self._cut(q[:, :n]), q[:, n:].view(-1, 3, SIDE), anchor, at)

    def _cut(self, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d = self.config.query_size
        return q[:, : 3 * d].view(-1, 3, d), q[:, 3 * d : 3 * d + 3], q[:, 3 * d + 3 :]

    # -- scores

    def grid_scores(self, states: States, vectors: Tensor, match: Tensor) -> tuple[Tensor, Tensor]:
        """Step one for all texts and labels: scores [B, T, L, 3] and the span queries [T, span_size + 1]."""
        borders, bias, span = self._cut(self.query(vectors))
        scale = self.config.query_size**-0.5 * 2
        out = torch.einsum("blkd,tkd->btlk", states.borders, borders) * scale
        return out + bias[:, None] + match[..., None] * self.match_weight[:3], span

    def border_scores(self, states: States, queries: Queries) -> Tensor:
        """Step two: [Q, L, 3] scores of each token as start, inside and end."""
        assert queries.distance is not None and queries.anchor is not None
        scale = self.config.query_size**-0.5 * 2
        tokens = states.linked_borders[queries.row]
        out = torch.einsum("qlkd,qkd->qlk", tokens, queries.borders) * scale + queries.bias[:, None]
        places = torch.arange(tokens.shape[1])[None]
        far = bucket(distance(queries.anchor[:, :1], queries.anchor[:, 1:], places, places))
        lean = torch.einsum("nd,qkd->qnk", self.side.weight, queries.distance)
        return out + lean.gather(1, far[..., None].expand(-1, -1, 3))

    def span_scores(
        self, states: States, query: Tensor, share: Tensor, row: Tensor, first: Tensor, last: Tensor
    ) -> Tensor:
        """Step one: [N] scores of spans `first..last` of text `row` against `query` [N, span_size + 1].

        `share` [N]: see `batch.share`.
        """
        hidden = F.dropout(F.gelu(self._span_parts(states, row, first, last)), self._drop, self.training)
        return self._compare(self.span_out(hidden), query) + share * self.match_weight[3]

    def pair_scores(self, states: States, queries: Queries, which: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """Step two: [N] scores of spans `first..last` as the second span of query `which`."""
        assert queries.anchor is not None and queries.anchor_state is not None
        row, anchor = queries.row[which], queries.anchor[which]
        steps = distance(anchor[:, 0], anchor[:, 1], first, last)
        # The running sum up to the token before the gap, and up to its last token.
        low = torch.minimum(anchor[:, 1], last)
        high = (torch.maximum(anchor[:, 0], first) - 1).clamp(min=low)
        size = states.between.shape[1]
        sums = states.between.flatten(0, 1)
        gap = sums.index_select(0, row * size + high) - sums.index_select(0, row * size + low)
        gap = gap / (high - low).clamp(min=1)[:, None]
        hidden = self._span_parts(states, row, first, last) + gap + self.distances(bucket(steps))
        hidden = hidden + self.pair_anchor(queries.anchor_state).index_select(0, which)
        hidden = F.dropout(F.gelu(hidden), self._drop, self.training)
        return self._compare(self.pair_out(hidden), queries.span.index_select(0, which))

    @property
    def _drop(self) -> float:
        return self.config.dropout / 2

    def _compare(self, spans: Tensor, query: Tensor) -> Tensor:
        return (spans * query[:, :-1]).sum(-1) * (self.config.span_size**-0.5 * 2) + query[:, -1]

    def _span_parts(self, states: States, row: Tensor, first: Tensor, last: Tensor) -> Tensor:
        s, size = self.config.span_size, states.mask.shape[1]
        base = row * size
        parts = states.parts
        start = parts[:, :s].index_select(0, base + first)
        end = parts[:, s : 2 * s].index_select(0, base + last)
        left = parts[:, 2 * s : 3 * s].index_select(0, base + (first - 1).clamp(min=0))
        right = parts[:, 3 * s : 4 * s].index_select(0, base + (last + 1).clamp(max=size - 1))
        sums = parts[:, 4 * s :]
        before = sums.index_select(0, base + (first - 1).clamp(min=0)) * (first > 0)[:, None]
        width = last - first + 1
        inside = (sums.index_select(0, base + last) - before) / width[:, None]
        return start + end + left + right + inside + self.widths(log_bucket(width).clamp(max=WIDTH_BUCKETS - 1))
