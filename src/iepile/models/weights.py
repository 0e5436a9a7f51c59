"""Files of weights: safetensors are read, pickled ones only when asked for and never as code."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from iepile.errors import InputError

PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_TYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def is_pickled(folder: Path) -> bool:
    """Whether a model folder holds its weights in pickled files alone."""
    names = [p.name for p in folder.iterdir() if p.is_file()]
    return not any(n.endswith(".safetensors") for n in names) and any(n.endswith(PICKLED) for n in names)


def check_pickled(folder: Path, allowed: bool) -> bool:
    """Whether the weights of a folder are to be read from pickled files.

    Raises:
        InputError: they would have to be, and that was not allowed.
    """
    found = is_pickled(folder)
    if found and not allowed:
        raise InputError(
            "holds no weights in safetensors form, only pickled ones, which can carry a program", file=folder,
            field="model_name_or_path",
            fix="if you trust them, set allow_pickle_weights: they are read as numbers only (weights_only), and what "
                "is trained or exported from them is safetensors",
        )
    return found


def read_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Names of the tensors of a safetensors file with type (`BF16`) and shape; no weights are read.

    Raises:
        InputError: not a whole header.
    """
    try:
        with path.open("rb") as f:
            (size,) = struct.unpack("<Q", f.read(8))
            if size > path.stat().st_size:
                raise ValueError("the header is longer than the file")
            header = json.loads(f.read(size))
        return {n: (str(t["dtype"]), tuple(map(int, t["shape"])))
                for n, t in header.items() if n != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as e:
        raise InputError(f"its weights are damaged: {e}", file=path, fix="fetch or train the model again") from None


def stored_weights(folder: Path) -> tuple[int, int] | None:
    """(numbers, bytes) of the weights of a model folder, from the headers of its safetensors; None without any.

    Raises:
        InputError: a damaged file.
    """
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        return None
    numbers = size = 0
    for path in files:
        for kind, shape in read_header(path).values():
            count = 1
            for n in shape:
                count *= n
            numbers += count
            size += count * _TYPES.get(kind, 1)
    return numbers, size
