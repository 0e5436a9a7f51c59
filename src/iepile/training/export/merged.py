"""One whole model in safetensors: adapters merged, with tokenizer, stop tokens and chat template."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.models.adapters import CONFIG_FILE
from iepile.models.card import ModelCard, model_folder, write_card
from iepile.models.chat import Chat
from iepile.models.device import DTYPES
from iepile.models.load import Loaded, LoadOptions, load_config, load_model
from iepile.models.serving import save_tokenizer, set_stops
from iepile.models.vendor import quiet, vendor_errors
from iepile.training.export.config import ExportConfig
from iepile.version import __version__


def load_merged(config: ExportConfig) -> Loaded:
    """The model of an export, all adapters merged into its unquantised weights, in fp32; as stored where there is none.

    Raises:
        InputError: no such model, or an adapter that has no place in its weights.
    """
    loaded = load_model(config.model_name_or_path, LoadOptions(
        dtype=_load_as(config), device="cpu", adapter=config.checkpoint_dir,
        trust_remote_code=config.trust_remote_code))
    model = loaded.model
    if getattr(model.config, "quantization_config", None):
        raise InputError("the weights of the base model are quantised: nothing can be merged into them",
                         file=loaded.name, fix="put the adapter on the unquantised model: name it as "
                         "model_name_or_path and the adapter as checkpoint_dir")
    if hasattr(model, "peft_config"):
        if model.active_peft_config.is_prompt_learning:
            raise InputError("vectors before the prompt cannot be merged into weights", file=loaded.adapter,
                             field="format", fix="use format adapter")
        with vendor_errors(loaded.adapter), quiet():
            # What is untied is written apart, as it must be.
            warnings.filterwarnings("ignore", message=".*no longer tied.*", category=UserWarning)
            model = model.merge_and_unload(safe_merge=True)
    return Loaded(model, loaded.tokenizer, loaded.card, loaded.name, loaded.adapter, loaded.family,
                  loaded.encoder_decoder)


def write_merged(folder: Path, loaded: Loaded, chat: Chat, config: ExportConfig) -> bool:
    """Write the model into a folder.

    Returns:
        Whether other servers, which read the tokenizer's chat template, ask with the tokens of training.
    """
    import torch

    model = loaded.model
    asked = DTYPES.get(config.dtype)
    dtype = getattr(torch, asked) if asked else stored_dtype(loaded.name, config)
    with vendor_errors(loaded.name), quiet():
        model = model.to(dtype)
        set_stops(model.generation_config, chat)
        model.save_pretrained(folder, max_shard_size=config.max_shard_size)
        served = save_tokenizer(folder, chat)
    write_card(folder, whole_card(loaded, chat))
    return served


def _load_as(config: ExportConfig) -> str:
    folder = model_folder(config.model_name_or_path)
    if config.adapters or (folder and (folder / CONFIG_FILE).is_file()):
        return "fp32"
    stored = str(stored_dtype(str(folder or config.model_name_or_path), config)).removeprefix("torch.")
    return {name: ours for ours, name in DTYPES.items()}.get(stored, "fp32")


def stored_dtype(base: str, config: ExportConfig) -> Any:
    """The number format that the base model is stored in; fp32 where it does not say."""
    import torch

    said = getattr(load_config(base, LoadOptions(trust_remote_code=config.trust_remote_code)), "dtype", None)
    return said if isinstance(said, torch.dtype) else getattr(torch, str(said), torch.float32)


def whole_card(loaded: Loaded, chat: Chat) -> ModelCard:
    """The card of the model without adapters. A base model that is a folder is told by its name alone."""
    card = loaded.card or ModelCard(base_model=loaded.name, version=__version__)
    return msgspec.structs.replace(card, template=chat.name, system=chat.system, finetuning_type="full",
                                   base_model=told(card.base_model or loaded.name))


def tuning_of(loaded: Loaded) -> str:
    """How the model was tuned, in words; empty where nothing says so."""
    kind = loaded.card.finetuning_type if loaded.card else ""
    return "LoRA, merged into the weights" if loaded.adapter else kind


def told(base: str) -> str:
    """A base model for others to read: a hub name as it is, a folder by its name."""
    return hub_name(base) or Path(base).name


def hub_name(base: str) -> str:
    """The base model where it is one of the hub's; empty for a folder."""
    looks = re.fullmatch(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?", base) and "/" in base
    return base if looks and not Path(base).exists() else ""
