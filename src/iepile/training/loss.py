"""The loss of a batch: cross-entropy of the answer tokens, with the model's head where they are and nowhere else.

The head (hidden state -> score of each token of the vocabulary) is the dearest layer of small models and the one that
takes most memory. A hook in front of it keeps only the places whose next token is learned. Everything after it
(scaling, soft caps, biases) works place by place and stays the model's own, so that the loss is exact for any family.
The call goes through the model as it is wrapped (DDP, FSDP, DeepSpeed); the hook sits on the inner module and is there
during the call only.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn import functional as F

from iepile.errors import InputError
from iepile.training.layouts.batch import IGNORE, Batch


class AnswerLoss:
    """Sum of the losses of the answer tokens of a batch.

    Args:
        model: the model with its adapter, before DDP, FSDP or DeepSpeed is wrapped around it.
        half: compute in this number format (autocast), where it is given.
        full_logits: compute the head at every place.
    """

    def __init__(self, model: Any, device: torch.device, half: torch.dtype | None, full_logits: bool = False) -> None:
        self.device, self.half = device, half
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._accepts = frozenset(inspect.signature(base.forward).parameters)
        head = getattr(base, "get_output_embeddings", lambda: None)()
        self._head = None if full_logits else head

    def __call__(self, model: Any, batch: Batch) -> torch.Tensor:
        """The loss, a scalar; `model` may be wrapped.

        Raises:
            InputError: the architecture does not take what the layout tells it.
        """
        if missing := sorted(set(batch.inputs) - self._accepts):
            raise InputError(f"this architecture takes no {', '.join(missing)}", field="layout",
                             fix="use layout padded")
        # With a cache, rows packed together would see each other.
        more = {"use_cache": False} if "use_cache" in self._accepts else {}
        inputs = {name: tensor.to(self.device) for name, tensor in batch.inputs.items()}
        next_ids = batch.next_ids.to(self.device)
        learned = next_ids != IGNORE
        head = _Head(learned)
        hook = self._head.register_forward_pre_hook(head, with_kwargs=True) if self._head is not None else None
        try:
            with torch.autocast(self.device.type, self.half, enabled=self.half is not None):
                logits = model(**inputs, **more).logits
        finally:
            if hook is not None:
                hook.remove()
        scores = logits[0] if head.used else logits[:, -learned.shape[1] :][learned]
        return F.cross_entropy(scores.float(), next_ids[learned], reduction="sum")


class _Head:
    """Hook before the head: keeps the places that are learned, as one row. Shape (1, targets, width)."""

    def __init__(self, learned: torch.Tensor) -> None:
        self.learned = learned
        self.used = False

    def __call__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        hidden = args[0] if args else None
        rows, places = self.learned.shape
        if not isinstance(hidden, torch.Tensor) or hidden.ndim != 3 or hidden.shape[0] != rows:
            return None
        # Methods that put vectors before the prompt make it longer at its beginning.
        self.used = True
        return (hidden[:, -places:][self.learned][None], *args[1:]), kwargs
