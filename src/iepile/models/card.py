"""The card of a trained model, `iepile.json`: what prediction must know to ask as training did."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iepile.errors import InputError
from iepile.jsonl import dumps

FILE = "iepile.json"
FORMAT = 1
"""Version of the card."""


class ModelCard(msgspec.Struct, frozen=True):
    """How a model of ours was trained."""

    kind: str = "causal-lm"
    """What sort of model the folder holds."""
    template: str = ""
    """Name of the chat template."""
    system: str | None = None
    """System sentence in place of the template's own; None: the template's own."""
    tasks: tuple[str, ...] = ()
    """Tasks met in training, sorted; empty where the rows do not say."""
    base_model: str = ""
    """The model that training began with."""
    finetuning_type: str = "full"
    """`full`, or `lora`: the folder holds an adapter of `base_model`."""
    text_first: bool = False
    """Questions have their schema after the text."""
    version: str = ""
    """Version of iepile."""
    format: int = FORMAT


def read_card(folder: str | Path) -> ModelCard | None:
    """The card of a model folder; None where there is none.

    Raises:
        InputError: there is one, but it cannot be used.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        card = msgspec.json.decode(path.read_bytes(), type=ModelCard)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as e:
        raise InputError(f"not a model card: {e}", file=path, fix="train again, or remove the file") from None
    if card.format != FORMAT:
        raise InputError(f"a model card of format {card.format}", file=path, expected=f"format {FORMAT}",
                         fix="use the version of iepile that trained the model: " + (card.version or "unknown"))
    return card


def write_card(folder: str | Path, card: ModelCard) -> None:
    """Write the card into a model folder."""
    (Path(folder) / FILE).write_text(dumps(msgspec.to_builtins(card)) + "\n", encoding="utf-8")


def model_folder(name: str | Path) -> Path | None:
    """The local folder a model name stands for; None for a hub name.

    The output folder of a training run stands for the model in it.

    Raises:
        InputError: it looks like a path, and nothing is there.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        inner = path / "model"
        own = any((path / f).is_file() for f in ("config.json", "adapter_config.json", FILE))
        return inner if not own and inner.is_dir() else path
    looks_like_path = path.is_absolute() or str(name).startswith((".", "~")) or str(name).count("/") > 1
    if path.exists():
        raise InputError("is a file", file=path, expected="a model folder or a hub name")
    if looks_like_path or not str(name).strip():
        raise InputError("no such model folder", file=path, field="model_name_or_path",
                         fix="check the path; a hub name looks like organisation/model")
    return None
