"""The adapter alone, for whoever has the base model: peft's own files, the tokenizer and the card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.models.adapters import ADAPTER_FILE, CONFIG_FILE, adapter_folder, base_of
from iepile.models.card import ModelCard, model_folder, read_card, write_card
from iepile.models.chat import Chat
from iepile.models.device import DTYPES
from iepile.models.load import LoadOptions, load_tokenizer
from iepile.models.serving import save_tokenizer
from iepile.models.vendor import vendor_errors
from iepile.training.export.config import ExportConfig
from iepile.version import __version__


class Adapter(msgspec.Struct, frozen=True):
    """An adapter to be exported."""

    folder: Path
    base: str
    """Folder or hub name of the model it belongs to."""
    card: ModelCard
    chat: Any
    """Its `Chat`."""


def find_adapter(config: ExportConfig) -> Adapter:
    """The one adapter that an export names.

    Raises:
        InputError: there is none, or there are several.
    """
    if len(config.adapters) > 1:
        raise InputError("names several adapters", field="checkpoint_dir",
                         fix="only a merged model holds several: use format merged")
    folder = model_folder(config.model_name_or_path)
    own = folder is not None and (folder / CONFIG_FILE).is_file()
    if not own and not config.adapters:
        raise InputError("the model has no adapter", file=folder or config.model_name_or_path,
                         field="format", fix="use format merged, or name an adapter as checkpoint_dir")
    if own and config.adapters:
        raise InputError("both the model and checkpoint_dir name an adapter", field="checkpoint_dir",
                         fix="name one of them")
    place = adapter_folder(config.adapters[0] if config.adapters else str(folder))
    card = read_card(place)
    base = base_of(place, card) if own else str(folder or config.model_name_or_path)
    options = LoadOptions(trust_remote_code=config.trust_remote_code)
    inside = any((place / f).is_file() for f in ("tokenizer.json", "tokenizer_config.json"))
    card = card or ModelCard(base_model=base, finetuning_type="lora", version=__version__)
    tokenizer = load_tokenizer(place if inside else base, options)
    chat = Chat(tokenizer, config.template or card.template, card.system)
    return Adapter(place, base, msgspec.structs.replace(card, template=chat.name), chat)


def write_adapter(folder: Path, adapter: Adapter, dtype: str) -> bool:
    """Write the adapter into a folder.

    Args:
        dtype: number format of its matrices; `auto`: as they are.

    Returns:
        Whether other servers, which read the tokenizer's chat template, ask with the tokens of training.
    """
    import torch
    from safetensors.torch import load_file, save_file

    with vendor_errors(str(adapter.folder)):
        weights = load_file(adapter.folder / ADAPTER_FILE)
        if dtype != "auto":
            kind = getattr(torch, DTYPES[dtype])
            weights = {name: w.to(kind) for name, w in weights.items()}
        save_file(weights, folder / ADAPTER_FILE, metadata={"format": "pt"})
        settings = json.loads((adapter.folder / CONFIG_FILE).read_text("utf-8"))
        settings["base_model_name_or_path"] = adapter.base
        (folder / CONFIG_FILE).write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", "utf-8")
        served = save_tokenizer(folder, adapter.chat)
    write_card(folder, adapter.card)
    return served
