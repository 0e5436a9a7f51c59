"""Memory: what a model will need to be loaded, to answer or to be trained, and whether that is there.

>>> size = model_size("models/llama")  # doctest: +SKIP
>>> check_memory(training_bytes(size, trained=size.parameters, tokens=8192), "cuda", "training")  # doctest: +SKIP

Estimates, from the headers of the weights or the shape of the model: nothing is loaded for them. They count what
cannot be avoided, so that a run they refuse would fail; one they let through may still meet a longer row.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.models.load import LoadOptions, load_config
from iepile.models.weights import stored_weights

NEARLY = 0.9
"""Share of the free memory from which a warning is given."""
DEVICE_OVERHEAD = 600 * 2**20
"""Bytes that a GPU's driver, libraries and workspace take."""
_CGROUPS = (("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"))

logger = logging.getLogger(__name__)


class ModelSize(msgspec.Struct, frozen=True):
    """The numbers of a model that decide what it needs."""

    parameters: int
    linear: int
    """Parameters in linear layers inside the blocks, which `bits` quantises."""
    layers: int
    width: int
    """Size of the hidden states."""
    vocabulary: int


def model_size(name: str, options: LoadOptions | None = None) -> ModelSize:
    """Size of a model, from the headers of its safetensors, else from its shape without weights.

    Raises:
        InputError: no such model.
    """
    config = load_config(name, options or LoadOptions())
    text = getattr(config, "text_config", None) or config
    width = _first(text, "hidden_size", "n_embd", "d_model")
    layers = _first(text, "num_hidden_layers", "n_layer", "num_layers")
    layers += int(getattr(text, "num_decoder_layers", None) or 0)
    vocabulary = _first(text, "vocab_size", "padded_vocab_size")
    stored = stored_weights(Path(name)) if Path(name).is_dir() else None
    parameters = stored[0] if stored else _by_shape(config, options or LoadOptions())
    # What is not in blocks: the embeddings, and the head where it has weights of its own.
    tied = bool(getattr(text, "tie_word_embeddings", False))
    outside = vocabulary * width * (1 if tied else 2)
    return ModelSize(parameters, max(0, parameters - outside), layers, width, vocabulary)


def loading_bytes(size: ModelSize, dtype: str = "fp32", bits: int = 16) -> int:
    """Bytes of the weights in memory.

    Args:
        dtype: `fp32`, `bf16` or `fp16`; what is not quantised is held in it.
        bits: 16, 8 or 4, of the linear layers.
    """
    number = 4 if dtype == "fp32" else 2
    if bits == 16:
        return size.parameters * number
    # One scale (8 bits a row, 4 bits a block of 64) comes on top: 3 to 6 percent.
    return int((size.parameters - size.linear) * number + size.linear * bits / 8 * 1.06)


def training_bytes(size: ModelSize, trained: int, tokens: int, dtype: str = "fp32", bits: int = 16,
                   checkpointing: bool = False) -> int:
    """Bytes that a training step needs: weights, gradients, both moments of Adam, and what backward keeps.

    Args:
        trained: parameters that are trained, held in fp32.
        tokens: tokens of one batch, padding included.
        checkpointing: only the inputs of blocks are kept.
    """
    frozen = loading_bytes(size, dtype, bits)
    number = 4 if dtype == "fp32" else 2
    # Within a block about 34 bytes a token and unit of width in half precision (norms, projections, MLP of 4 times
    # the width), twice that in single; attention scores are not kept by the fused kernels.
    kept = (1 if checkpointing else 17) * number * size.layers * size.width
    once = (17 * number * size.width if checkpointing else 0) + 2 * 4 * size.vocabulary
    return frozen + trained * (4 + 8) + tokens * (kept + once)


def free_memory(device: str) -> int | None:
    """Bytes free on a device (`cpu`, `cuda:1`); None where it does not say."""
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return max(0, int(free) - DEVICE_OVERHEAD)
    if device != "cpu":
        return None
    found = [n for n in (_available(), _within_limits()) if n is not None]
    return min(found) if found else None


def check_memory(needed: int, device: str, what: str, fix: str = "") -> None:
    """Refuse work that cannot fit; warn where it will be close.

    Args:
        what: for the message: `loading the model`.
        fix: what the user can do.

    Raises:
        InputError: `needed` is more than is free.
    """
    free = free_memory(device)
    if free is None:
        return
    where = "memory" if device == "cpu" else f"memory of {device}"
    if needed > free:
        raise InputError(f"{what} needs about {_gib(needed)}, and {_gib(free)} of {where} are free",
                         fix=fix or "load it as bf16 or with bits 4, take fewer tokens a batch, or a smaller model")
    if needed > NEARLY * free:
        logger.warning("%s needs about %s, and %s of %s are free: it may not fit",
                       what, _gib(needed), _gib(free), where)


def _by_shape(config: Any, options: LoadOptions) -> int:
    import torch
    from transformers import AutoModel

    from iepile.models.vendor import vendor_errors

    with vendor_errors(str(getattr(config, "name_or_path", "") or "the model")), torch.device("meta"):
        model = AutoModel.from_config(config, trust_remote_code=options.trust_remote_code)
        bare: int = sum(math.prod(p.shape) for p in model.parameters())
    text = getattr(config, "text_config", None) or config
    head = 0 if getattr(text, "tie_word_embeddings", False) else _first(text, "hidden_size", "n_embd", "d_model")
    return bare + head * _first(text, "vocab_size", "padded_vocab_size")


def _first(config: Any, *names: str) -> int:
    found = [v for n in names if isinstance(v := getattr(config, n, None), int)]
    return found[0] if found else 0


def _available() -> int | None:
    """What the machine can give without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None  # not Linux


def _within_limits() -> int | None:
    """What a container's limit leaves."""
    for limit, used in _CGROUPS:
        try:
            return max(0, int(Path(limit).read_text("ascii")) - int(Path(used).read_text("ascii")))
        except (OSError, ValueError):  # no such file, or the word max: no limit
            continue
    return None


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{math.ceil(size / 2**20)} MiB"
