"""Settings of tuning: the model to begin with and how it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iepile.training.settings.checks import at_least, one_of


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and how it is loaded."""

    model_name: str = ""
    """Family of the model, as the guides name it; empty: read from the model's own configuration, which always wins."""
    template: str = ""
    """Chat template; empty: the tokenizer's own, else the family's, else alpaca. It is saved with the model."""
    system_prompt: str = ""
    """System sentence in place of the template's own."""
    bits: Literal[16, 8, 4] = 16
    """Bits of the frozen weights: 8 or 4 quantise them (QLoRA), for LoRA only."""
    quant_type: Literal["nf4", "fp4"] = "nf4"
    """Number format of 4-bit weights."""
    double_quant: bool = True
    """Quantise the scales of 4-bit weights as well."""
    attn_implementation: str = "auto"
    """Attention code: `auto`, `sdpa`, `eager`, `flash_attention_2` or another that transformers knows."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model."""
    allow_pickle_weights: bool = False
    """Read weights in PyTorch's older form where there are no safetensors; tensors only, no code in them is run."""
    revision: str = "main"
    """Branch, tag or commit of a hub model."""
    cache_dir: str = ""
    """Folder for downloaded models; empty: that of the hub's library."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`; `auto`: the first GPU if there is one, each process its own."""
    threads: int = 0
    """Processor threads; 0: as torch chooses. Another number may change the last bits of the losses."""

    def check_model(self) -> None:
        """Raise InputError where a value makes no sense."""
        at_least(self, 0, ("threads",))
        one_of(self, "bits", (16, 8, 4))
        one_of(self, "quant_type", ("nf4", "fp4"))
