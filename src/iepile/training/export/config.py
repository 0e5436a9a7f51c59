"""Settings of an export: API, YAML keys and command-line flags at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from iepile.errors import InputError

FORMATS = ("merged", "adapter", "gguf", "onnx")
DTYPES = ("auto", "fp32", "bf16", "fp16", "q8_0")


@dataclass(frozen=True)
class ExportConfig:
    """Write a trained model as others run it, with its chat template and a model card."""

    model_name_or_path: str
    """The model: folder of a model, of an adapter or of a training run, or a hub name."""
    export_dir: str
    """Folder to write. It appears when it is complete."""
    format: Literal["merged", "adapter", "gguf", "onnx"] = "merged"
    """One whole model in safetensors (merged), the adapter alone, one GGUF file with an Ollama Modelfile, or ONNX (the
    compact model)."""
    checkpoint_dir: str = ""
    """Adapters to put on the model, separated by commas; they are merged in this order."""
    dtype: Literal["auto", "fp32", "bf16", "fp16", "q8_0"] = "auto"
    """Number format of the weights; `auto`: as the base model is stored, fp16 in GGUF. `q8_0`, 8 bits, is for GGUF."""
    template: str = ""
    """Chat template; empty: the one the model was trained with."""
    scores: str = ""
    """Report of `iepile evaluate --output`, for the model card."""
    max_shard_size: str = "10GB"
    """Largest file of weights (merged)."""
    push_to_hub: str = ""
    """Also upload the folder to this repository of the hub (`organisation/model`). Empty: nothing leaves here."""
    public: bool = False
    """Make a repository that does not exist yet a public one; else it is private."""
    overwrite: bool = False
    """Replace an earlier export in `export_dir`."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a value that makes no sense, or two that exclude each other.
        """
        for name in ("model_name_or_path", "export_dir"):
            if not str(getattr(self, name)).strip():
                raise InputError("is empty", field=name)
        for name, allowed in (("format", FORMATS), ("dtype", DTYPES)):
            if getattr(self, name) not in allowed:
                raise InputError(f"is {getattr(self, name)!r}", field=name, expected=" or ".join(allowed))
        if self.dtype == "q8_0" and self.format != "gguf":
            raise InputError("8 bits are a number format of GGUF", field="dtype, format", fix="use format gguf")
        if not re.fullmatch(r"\d+(?:\.\d+)?\s*[KMGT]i?B", self.max_shard_size):
            raise InputError(f"is {self.max_shard_size!r}", field="max_shard_size", expected="a size such as 10GB")
        if self.push_to_hub and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.push_to_hub):
            raise InputError(f"is {self.push_to_hub!r}", field="push_to_hub", expected="organisation/model")

    @property
    def adapters(self) -> tuple[str, ...]:
        """`checkpoint_dir` as names."""
        return tuple(c.strip() for c in self.checkpoint_dir.split(",") if c.strip())
