"""A cache of keys and values that grows in place: each step writes its own, where transformers' copies all of it."""

from __future__ import annotations

import functools
from typing import Any

SPARE = 64
"""Places that are kept free when the cache is copied to grow."""


def roomy_cache(config: Any) -> Any:
    """A `DynamicCache` for a model; layers that look back over a window only stay as they are."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    cache = DynamicCache(config=config)
    cache.layers = [_layer_class()() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


@functools.cache
def _layer_class() -> Any:
    import torch
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):
        """Keys and values are the beginning of larger tensors."""

        keys: Any
        values: Any

        def __init__(self) -> None:
            super().__init__()
            self._held: dict[str, torch.Tensor] = {}

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            self.keys = self._grown("keys", self.keys, key_states)
            self.values = self._grown("values", self.values, value_states)
            return self.keys, self.values

        def _grown(self, name: str, old: Any, new: Any) -> Any:
            before = old.shape[-2] if old.numel() else 0
            after = before + new.shape[-2]
            held = self._held.get(name)
            # Whoever picks rows out or crops leaves other tensors in the layer: what is held is then of no use.
            if held is None or held.shape[0] != new.shape[0] or held.shape[-2] < after or (
                before and held.data_ptr() != old.data_ptr()
            ):
                held = new.new_empty((*new.shape[:-2], after + SPARE, new.shape[-1]))
                if before:
                    held[..., :before, :] = old
                self._held[name] = held
            held[..., before:after, :] = new
            return held[..., :after, :]

        def reset(self) -> None:
            self._held = {}
            super().reset()

    return RoomyLayer
