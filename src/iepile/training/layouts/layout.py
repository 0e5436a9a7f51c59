"""The Layout contract: how examples lie in a batch. One layout a file.

A layout says first which examples share a row of tensors (a *unit*: one example; several packed one after the other;
the questions about a text). `plan` puts units of like length into batches, and the layout makes tensors of each:

>>> layout = open_layout("padded", model)  # doctest: +SKIP
>>> for numbers in plan(layout, examples, Size(rows=8), seed=42, epoch=0):  # doctest: +SKIP
...     batch = layout.collate([examples[i] for i in numbers], pad)

All layouts learn the same: the sum of the losses of a batch is that of its examples alone. `check_layout` (check.py)
makes sure of it with the model at hand, because some architectures take no notice of what a layout tells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from iepile.errors import InputError
from iepile.training.layouts.batch import Batch, Laid, plan_batches


class Unit(NamedTuple):
    """Examples that share a row of tensors."""

    rows: tuple[int, ...]
    """Their numbers."""
    length: int
    """Places of the row."""


class Layout(Protocol):
    """One way to lay examples out."""

    name: str

    def units(self, examples: Sequence[Laid], seed: int, epoch: int) -> list[Unit]:
        """Every example once, in units; the same for the same seed and epoch."""
        ...

    def collate(self, examples: Sequence[Laid], pad: int) -> Batch:
        """Put examples into tensors: those of some units, one unit after the other.

        Args:
            pad: token id to fill up with.
        """
        ...


class Size(NamedTuple):
    """How large a batch is."""

    rows: int
    """Units, where `tokens` is 0."""
    tokens: int = 0
    """Most tokens, padding included; one unit alone may have more."""


def plan(layout: Layout, examples: Sequence[Laid], size: Size, seed: int, epoch: int) -> list[list[int]]:
    """Numbers of the examples of each batch of an epoch; the same for the same seed and epoch."""
    units = layout.units(examples, seed, epoch)
    batches = plan_batches([u.length for u in units], size.rows, size.tokens, seed, epoch)
    return [[i for u in batch for i in units[u].rows] for batch in batches]


def lengths_of(examples: Sequence[Laid]) -> Sequence[int]:
    """Tokens of each example."""
    known: Sequence[int] | None = getattr(examples, "lengths", None)
    return [len(e.ids) for e in examples] if known is None else known


def open_layout(name: str, model: Any, max_row_tokens: int = 0) -> Layout:
    """The layout of that name, for a model. Encoder-decoder models have one of their own in place of `padded`.

    Args:
        name: `padded`, `packed` or `branched`.
        model: as loaded, with its adapter; it may be wrapped later.
        max_row_tokens: longest row that packing or branching makes; 0: as the layout advises.

    Raises:
        InputError: the model cannot be trained with it.
    """
    from iepile.training.layouts.branched import Branched
    from iepile.training.layouts.packed import Packed
    from iepile.training.layouts.padded import Padded
    from iepile.training.layouts.seq2seq import Seq2Seq, start_id

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    encodes = bool(getattr(base.config, "is_encoder_decoder", False))
    if name == "padded":
        return Seq2Seq(start_id(base.config)) if encodes else Padded()
    if encodes:
        raise InputError(f"an encoder-decoder model reads one question at a time, and {name} puts several into a row",
                         field="layout", fix="use layout padded")
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        raise InputError(f"{name} rows hold several prompts, and this method puts vectors before one", field="layout",
                         fix="use layout padded")
    if name == "packed":
        return Packed(base, max_row_tokens)
    if name == "branched":
        return Branched(base, max_row_tokens)
    raise InputError(f"unknown layout {name!r}", field="layout", expected="padded, packed or branched")
