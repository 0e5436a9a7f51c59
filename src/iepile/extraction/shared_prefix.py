"""Prompts that begin alike are read once: their common beginning goes through the model once and its keys and values
are copied to each of them. The answers are those of prompts read one by one, but for the rounding of ties.

With `text_first` all questions about a text begin with the text; in IEPile's own order they share template and
instruction, and the schema where several texts are asked the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from iepile.extraction.cache import roomy_cache
from iepile.models.prefixes import prefix_groups, shared_prefix

WORTH = 0.3
"""Share of a group's ids that must be saved; less is not worth the padding that comes with it."""


class Read(NamedTuple):
    """What `generate` goes on from."""

    input_ids: Any
    """Beginnings and rests of the prompts, padded between; shape (rows, places)."""
    attention_mask: Any
    past_key_values: Any
    """The cache, which holds the beginnings."""


def groups_of(prompts: Sequence[list[int]], most: int) -> list[list[int]]:
    """Numbers of prompts that are worth reading together, at most so many; the others alone.

    Of more prompts that begin alike, those of like length are put together: what is not shared is padded.
    """
    out: list[list[int]] = []
    for alike in prefix_groups(prompts, len(prompts)):
        alike = sorted(alike, key=lambda i: (-len(prompts[i]), i)) if len(alike) > most else alike
        for n in range(0, len(alike), most):
            group = sorted(alike[n : n + most])
            saved = _beginning([prompts[i] for i in group]) * (len(group) - 1)
            if saved >= WORTH * sum(len(prompts[i]) for i in group):
                out.append(group)
            else:
                out += ([i] for i in group)
    return sorted(out)


def can_share(model: Any) -> bool:
    """Whether the cache of a model can be copied: a decoder with keys and values, and no vectors before the prompt."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        return False
    kept = getattr(base, "_supports_default_dynamic_cache", lambda: False)()
    return (kept and not base.config.is_encoder_decoder and not getattr(base, "_is_stateful", False)
            and "logits_to_keep" in inspect.signature(base.forward).parameters)


def read_shared(model: Any, prompts: Sequence[list[int]], pad: int, room: int) -> Read | None:
    """Read the beginnings that prompts share; None where it saves nothing or the model's window is too short.

    Args:
        pad: token id to fill up with.
        room: most tokens of an answer.
    """
    import torch

    groups = groups_of(prompts, len(prompts))
    if len(groups) == len(prompts):
        return None
    begins = [_beginning([prompts[i] for i in group]) for group in groups]
    rests = {i: prompts[i][n:] for group, n in zip(groups, begins, strict=True) for i in group}
    wide, rest = max(begins), max(map(len, rests.values()))
    if len(groups) * wide + len(prompts) * rest >= len(prompts) * max(map(len, prompts)):
        return None
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    window = _window(base.config)
    # What fills up between beginning and rest takes places of a window that looks back over so many places.
    if window is not None and wide + rest + room > window:
        return None
    device = model.device
    ids, mask = beside([prompts[group[0]][:n] for group, n in zip(groups, begins, strict=True)], pad)
    more: dict[str, Any] = {}
    if "position_ids" in inspect.signature(base.forward).parameters:
        more["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0).to(device)
    cache = roomy_cache(base.config)
    model(input_ids=ids.to(device), attention_mask=mask.to(device), past_key_values=cache, use_cache=True,
          logits_to_keep=1, **more)
    owner = {i: n for n, group in enumerate(groups) for i in group}
    chosen = torch.tensor([owner[i] for i in range(len(prompts))])
    cache.batch_select_indices(chosen.to(device))
    rest_ids, rest_mask = beside([rests[i] for i in range(len(prompts))], pad)
    return Read(torch.cat([ids[chosen], rest_ids], 1).to(device), torch.cat([mask[chosen], rest_mask], 1).to(device),
                cache)


def _beginning(prompts: Sequence[list[int]]) -> int:
    """Ids that are read once. The last id of a prompt stays: the model must say what follows it."""
    if len(prompts) == 1:
        return len(prompts[0]) - 1
    return min(shared_prefix(prompts), min(map(len, prompts)) - 1)


def beside(rows: Sequence[list[int]], pad: int, left: bool = True) -> tuple[Any, Any]:
    """Rows padded to one length, and the mask; shape (rows, longest).

    Args:
        left: what continues a prompt must stand beside its end; an encoder counts places from the beginning.
    """
    import torch

    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for n, row in enumerate(rows):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids[n, place] = torch.tensor(row, dtype=torch.long)
        mask[n, place] = 1
    return ids, mask


def _window(config: Any) -> int | None:
    found = [w for name in ("sliding_window", "attention_chunk_size")
             if isinstance(w := getattr(config, name, None), int) and w > 0]
    return None if getattr(config, "use_sliding_window", True) is False else min(found, default=None)
