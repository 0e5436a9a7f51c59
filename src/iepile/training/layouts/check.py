"""Makes sure that a layout and a model fit: what is learned must be what separate rows would teach.

Some architectures take no notice of positions or masks (their own code, or a kernel that knows no mask). Nothing
fails then: questions just see each other, or not the text. So a few units are tried before training: their loss must
be that of separate rows; other answers beside a row must not change it; and another text before it must.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from msgspec import structs

from iepile.errors import InputError
from iepile.models.prefixes import shared_prefix
from iepile.training.data import Example
from iepile.training.layouts.batch import IGNORE
from iepile.training.layouts.layout import Layout, Unit
from iepile.training.layouts.padded import collate
from iepile.training.loss import AnswerLoss

ROUNDING = {True: (2e-2, 2e-3), False: (1e-4, 1e-5)}
"""How far losses may differ, relatively, that are the same but for rounding, in half precision and in full: of rows
laid out in two ways, and of a row beside two others."""
TRIED = 4
"""Units that are tried."""


def check_layout(layout: Layout, loss: AnswerLoss, model: Any, examples: Sequence[Example], pad: int) -> None:
    """Compare the losses of some units with those of their examples in separate rows.

    Call it on every process alike. It changes nothing but the mode of the model, which is put back.

    Args:
        model: may be wrapped.

    Raises:
        InputError: they differ: the model does not take what the layout tells it.
    """
    if layout.name not in ("packed", "branched"):
        return
    units = _some(layout.units(examples, 0, 0))
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for unit in units:
                _compare(layout, loss, model, [examples[i] for i in unit.rows], pad)
    finally:
        model.train(training)


def _some(units: list[Unit]) -> list[Unit]:
    """The shortest units that hold several examples."""
    several = [u for u in units if len(u.rows) > 1]
    return sorted(several, key=lambda u: (u.length, u.rows))[:TRIED]


def _compare(layout: Layout, loss: AnswerLoss, model: Any, rows: list[Example], pad: int) -> None:
    dtype = loss.half or next(p.dtype for p in model.parameters() if p.is_floating_point())
    far, near = ROUNDING[torch.finfo(dtype).bits == 16]

    def last(rows: list[Example]) -> float:
        """Loss of the last row, beside the others."""
        batch = layout.collate(rows, pad)
        next_ids = batch.next_ids.clone()
        next_ids[:, : -(len(rows[-1].ids) - rows[-1].prompt + 1)] = IGNORE
        return float(loss(model, replace(batch, next_ids=next_ids)))

    together, alone = float(loss(model, layout.collate(rows, pad))), float(loss(model, collate(rows, pad)))
    usual = last(rows)
    beside = last([_other_answer(r) for r in rows[:-1]] + rows[-1:])
    other = _other_stem(rows)
    blind = layout.name == "branched" and other != rows and last(other) == usual
    if blind or not (abs(together - alone) <= far * abs(alone) and abs(usual - beside) <= near * abs(usual)):
        raise InputError(
            f"this model does not take rows as layout {layout.name} lays them: their loss is {together:.6g}, and "
            f"{alone:.6g} in rows of their own; that of one row is {usual:.6g}, and {beside:.6g} beside other answers",
            field="layout", fix="use layout padded",
        )


def _other_answer(row: Example) -> Example:
    """One token of the prompt after the other stands in place of the answer."""
    size = len(row.ids) - row.prompt
    return structs.replace(row, ids=row.ids[: row.prompt] + (row.ids[: row.prompt] * size)[:size])


def _other_stem(rows: list[Example]) -> list[Example]:
    """What the rows share, in another order."""
    stem = min(shared_prefix([r.ids for r in rows]), min(r.prompt for r in rows) - 1)
    return [structs.replace(r, ids=r.ids[:stem][::-1] + r.ids[stem:]) for r in rows]
