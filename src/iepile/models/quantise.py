"""Quantised loading: linear layers in 8 or 4 bits (bitsandbytes), computed in the dtype of the rest.

On a processor it works as well, but slower than unquantised: it is for memory, not for speed.
"""

from __future__ import annotations

from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.models.vendor import quiet

BITS = (16, 8, 4)
QUANT_TYPES = ("nf4", "fp4")


def quantisation(bits: int, quant_type: str, double_quant: bool, dtype: Any) -> Any | None:
    """The transformers settings for `bits`; None for 16, which stands for unquantised.

    Args:
        quant_type: `nf4` or `fp4`; for 4 bits only.
        double_quant: quantise the scales as well; for 4 bits only.
        dtype: what the layers compute in: a torch dtype, or `auto`.

    Raises:
        InputError: no such number of bits or type.
        MissingDependency: bitsandbytes is not installed.
    """
    if bits not in BITS:
        raise InputError(f"is {bits}", field="bits", expected=", ".join(map(str, BITS)))
    if quant_type not in QUANT_TYPES:
        raise InputError(f"is {quant_type!r}", field="quant_type", expected=" or ".join(QUANT_TYPES))
    if bits == 16:
        return None
    _library()
    import torch
    from transformers import BitsAndBytesConfig

    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    if dtype == "auto":
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type=quant_type, bnb_4bit_compute_dtype=dtype,
                              bnb_4bit_use_double_quant=double_quant)


def _library() -> None:
    try:
        with quiet():
            import bitsandbytes  # noqa: F401
    except ImportError:
        raise MissingDependency("bitsandbytes", "quant", "loading in 8 or 4 bits") from None
