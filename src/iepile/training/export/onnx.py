"""ONNX, for the compact model: what it takes to run it without PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

from iepile.errors import InputError
from iepile.models.card import model_folder


def compact_folder(name: str) -> Path | None:
    """The folder of a compact model; None where the name stands for another model."""
    folder = model_folder(name)
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8")) if folder else None
    except (OSError, ValueError):
        return None
    return folder if isinstance(settings, dict) and settings.get("kind") == "compact" else None


def write_onnx(folder: Path, name: str) -> str:
    """Write the compact model `name` as ONNX into a folder.

    Returns:
        The encoder that it was trained on; empty: none.

    Raises:
        InputError: it is a language model.
    """
    source = compact_folder(name)
    if source is None:
        raise InputError("a language model is not written as ONNX", file=name, field="format",
                         expected="a compact model, as iepile train makes without --model_name_or_path",
                         fix="use format gguf to run it without PyTorch, or format merged for a server")
    from iepile.models.compact.onnx_export import export_onnx

    export_onnx(source, folder)
    return str(json.loads((source / "config.json").read_text("utf-8")).get("encoder") or "")
