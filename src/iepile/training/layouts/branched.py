"""Layout `branched`: what the questions about a text have in common is one stem, read once; the rest of each question,
and its answer, is a branch. A branch sees the stem and itself:

    stem   text of the document, instruction
    mask   stem: causal · branch: the stem, and itself causally · branches do not see each other
    place  a branch counts on from the end of the stem, as if it were alone

The loss is that of separate rows. Rows are capped, because the mask is dense: a text with more branches than fit
takes several rows, each with the stem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from iepile.errors import InputError
from iepile.models.prefixes import shared_prefix
from iepile.training.layouts.batch import IGNORE, Batch, Laid
from iepile.training.layouts.layout import Unit

ROW, LONGEST = 640, 4096
"""Tokens of a row, at least and at most, where the settings say nothing."""
MASKED = ("sdpa", "eager")
"""Attention code that takes a mask with four dimensions."""
WINDOWS = ("sliding_window", "attention_chunk_size")
"""Settings of models that bound how far a token looks back."""

WIDTHS = ("hidden_size", "n_embd", "d_model")
"""What models call the size of their hidden states."""


def advised(stem: int, width: int) -> int:
    """Tokens of a row that cost least.

    A row of n tokens costs about n (1 + n / (4 width)): linear layers, and attention over the whole mask. The stem is
    read once a row, so few long rows save stems and many short ones attention; they balance at the root below.
    A row somewhat longer costs less than one row more, hence the 1.4. (Measured: benchmarks/text_first.py.)
    """
    return min(max(ROW, stem + int(1.4 * (4 * width * stem + stem * stem) ** 0.5)), LONGEST)


class Branched:
    """Questions that share the reading of a text.

    Args:
        model: the model without adapter.
        max_row_tokens: most tokens of a row, but for a question that has more; 0: see `advised`.

    Raises:
        InputError: the model's attention takes no mask of our own.
    """

    name = "branched"

    def __init__(self, model: Any, max_row_tokens: int = 0) -> None:
        config = getattr(model.config, "text_config", None) or model.config
        attention = str(getattr(config, "_attn_implementation", "") or "eager")
        if attention not in MASKED:
            raise InputError(f"attention {attention} takes no mask that lets questions branch off one text",
                             field="layout, attn_implementation", expected=" or ".join(MASKED),
                             fix="set attn_implementation sdpa, or use layout packed or padded")
        self.eager = attention == "eager"
        self.dtype = model.dtype
        self.window = _window(config)
        self.asked = max_row_tokens
        self.width = next((w for n in WIDTHS if isinstance(w := getattr(config, n, None), int)), 1024)

    def units(self, examples: Sequence[Laid], seed: int, epoch: int) -> list[Unit]:
        """The questions of a group, as many as fit into a row.

        Raises:
            InputError: a question alone is longer than the model's attention window.
        """
        groups: dict[int, list[int]] = {}
        for i, e in enumerate(examples):
            groups.setdefault(e.group, []).append(i)
        units: list[Unit] = []
        for group in groups.values():
            start = 0
            for row, length in self._rows([examples[i] for i in group]):
                units.append(Unit(tuple(group[start : start + len(row)]), length))
                start += len(row)
        longest = max((u.length for u in units), default=0)
        if self.window is not None and longest > self.window:
            raise InputError(f"a row has {longest} tokens, and the model looks back only {self.window}",
                             field="layout, cutoff_len", expected=f"cutoff_len at most {self.window}",
                             fix="lower cutoff_len, or use layout packed or padded")
        return units

    def _rows(self, group: Sequence[Laid]) -> Iterator[tuple[list[Laid], int]]:
        """Questions of a group that share a row, and its length: in order, as many as fit."""
        stem = _stem(group)
        most = self.asked or advised(stem, self.width)
        if self.window is not None:
            # Our mask stands in for the model's own, window and all: within the window they are the same.
            most = min(most, self.window)
        row: list[Laid] = []
        length = stem
        for e in group:
            more = len(e.ids) - stem
            if row and length + more > most:
                yield row, length
                row, length = [], stem
            row.append(e)
            length += more
        yield row, length

    def collate(self, examples: Sequence[Laid], pad: int) -> Batch:
        """Put examples into tensors."""
        import torch

        groups = (list(group) for _, group in groupby(examples, key=lambda e: e.group))
        units = [row for group in groups for row, _ in self._rows(group)]
        stems = [_stem(rows) for rows in units]
        places = max(s + sum(len(e.ids) - s for e in rows) for s, rows in zip(stems, units, strict=True))
        ids = torch.full((len(units), places), pad, dtype=torch.long)
        positions, branch = torch.zeros_like(ids), torch.full_like(ids, -1)
        next_ids = torch.full_like(ids, IGNORE)
        for i, (stem, rows) in enumerate(zip(stems, units, strict=True)):
            ids[i, :stem] = torch.tensor(rows[0].ids[:stem].tolist())
            positions[i, :stem] = torch.arange(stem)
            branch[i, :stem] = 0
            at = stem
            for number, e in enumerate(rows, 1):
                n = len(e.ids)
                end = at + n - stem
                ids[i, at:end] = torch.tensor(e.ids[stem:].tolist())
                positions[i, at:end] = torch.arange(stem, n)
                branch[i, at:end] = number
                # A stem ends before the last id of any prompt, so that a branch foresees all of its answer.
                learned = n - e.prompt
                next_ids[i, end - learned - 1 : end - 1] = ids[i, end - learned : end]
                at = end
        inputs = {"input_ids": ids, "position_ids": positions, "attention_mask": self._mask(branch)}
        return Batch(inputs, next_ids, sum(len(e.ids) - e.prompt for e in examples), sum(len(e.ids) for e in examples))

    def _mask(self, branch: Any) -> Any:
        """Shape (rows, 1, places, places). Eager attention adds the mask to the scores: 0 and 1 in it are wrong,
        silently."""
        import torch

        asks, seen = branch[:, :, None], branch[:, None, :]
        places = branch.shape[1]
        allowed = ((seen == 0) | (seen == asks)) & torch.ones(places, places, dtype=torch.bool).tril()
        # What fills up sees itself: a row of the mask without any place would give NaN.
        allowed = (allowed | torch.eye(places, dtype=torch.bool))[:, None]
        if not self.eager:
            return allowed
        return torch.zeros(allowed.shape, dtype=self.dtype).masked_fill(~allowed, torch.finfo(self.dtype).min)


def _stem(rows: Sequence[Laid]) -> int:
    """Ids that are read once: those that the questions share. The last id of a prompt stays in its branch."""
    if len(rows) == 1:
        return rows[0].prompt - 1
    return shared_prefix([e.ids[: e.prompt - 1] for e in rows])


def _window(config: Any) -> int | None:
    """How far the model looks back, where that is bounded."""
    if getattr(config, "use_sliding_window", True) is False:
        return None
    found = [w for name in WINDOWS if isinstance(w := getattr(config, name, None), int) and w > 0]
    return min(found, default=None)
