"""Training beside weights in 8 or 4 bits (QLoRA): what such a model needs before anything is put on it."""

from __future__ import annotations

import logging
from typing import Any


def make_trainable(model: Any, bits: int, norms: bool = False) -> None:
    """Make a model ready for training of what is put on it: its norms compute in fp32.

    Args:
        bits: of its weights; for 16 it is done only where `norms` asks for it.
    """
    if bits == 16 and not norms:
        return
    for name, module in model.named_modules():
        if "norm" in type(module).__name__.lower() or name.rpartition(".")[2].startswith("ln_"):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.float()
    if bits == 8:
        logging.getLogger("bitsandbytes.autograd._functions").addFilter(_worth_telling)


def _worth_telling(record: logging.LogRecord) -> bool:
    """It tells at every layer of every step that numbers are rounded on their way to 8 bits."""
    return "inputs will be cast" not in record.msg
