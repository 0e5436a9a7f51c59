"""What the methods that train vectors before the prompt share: loading, going on, saving. No weight is changed.

peft saves the vectors alone. Where a small network makes them, training can go on only with that network: it is saved
beside them, in `prompt_encoder.safetensors`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from iepile.errors import InputError, MissingDependency
from iepile.models.adapters import ADAPTER_FILE, CONFIG_FILE, adapter_folder, adapter_kind, base_of
from iepile.models.card import model_folder, read_card
from iepile.models.load import Loaded, load_model
from iepile.models.prompt_vectors import count_places
from iepile.models.vendor import quiet
from iepile.training.config import TrainConfig
from iepile.training.methods.method import Method, half_of, load_options
from iepile.training.methods.quantised import make_trainable

ENCODER = "prompt_encoder.safetensors"
VECTORS = "prompt_embeddings"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PromptLearning:
    """One way of having vectors before the prompt."""

    kinds: tuple[str, ...]
    """peft's names of adapters that it can go on with, its own first."""
    settings: Callable[[Loaded, TrainConfig], Any]
    """peft's settings for a new adapter."""
    start: Callable[[Any, Loaded, TrainConfig], None] = lambda encoder, loaded, config: None
    """Set the vectors of a new adapter."""

    def method(self) -> Method:
        """The method of tuning."""
        return Method(self._load, self._prepare, save)

    def _load(self, config: TrainConfig, resume: Path | None) -> Loaded:
        """Load the model, and say which adapter to go on with.

        Raises:
            InputError: the adapter is of another kind.
        """
        folder = model_folder(config.model_name_or_path)
        own = folder if folder is not None and (folder / CONFIG_FILE).is_file() else None
        if own and config.checkpoint_dir:
            raise InputError("both the model and checkpoint_dir name an adapter", file=own, field="checkpoint_dir",
                             fix="name the base model as the model")
        named = adapter_folder(config.checkpoint_dir, config.revision, config.cache_dir) \
            if config.checkpoint_dir else own
        source = resume or named
        base = base_of(own, read_card(own)) if own else config.model_name_or_path
        if source and (kind := adapter_kind(source)) not in self.kinds:
            raise InputError(f"the adapter is of the kind {kind.lower() or 'unknown'}", file=source,
                             field="finetuning_type", expected=" or ".join(self.kinds).lower(),
                             fix="name a model without adapter, or the finetuning_type the adapter was made with")
        loaded = load_model(base, load_options(config, half_of(config)))
        card = read_card(source) if source else None
        return replace(loaded, adapter=str(source or ""), card=card or loaded.card)

    def _prepare(self, loaded: Loaded, config: TrainConfig, base: str) -> Any:
        """Put the vectors before the model.

        Raises:
            InputError: the model cannot have any.
            MissingDependency: peft is not installed.
        """
        try:
            from peft import PeftConfig, get_peft_model
        except ImportError:
            raise MissingDependency("peft", "train", config.finetuning_type) from None
        if loaded.encoder_decoder:
            raise InputError("vectors before the prompt are for models without encoder", file=loaded.name,
                             field="finetuning_type", fix="use finetuning_type lora")
        if "past_key_values" not in inspect.signature(loaded.model.forward).parameters:
            raise InputError("vectors before the prompt are for models with attention", file=loaded.name,
                             field="finetuning_type", fix="use finetuning_type lora")
        make_trainable(loaded.model, config.bits, config.upcast_layernorm)
        source = Path(loaded.adapter) if loaded.adapter else None
        settings = self.settings(loaded, config)
        if source:
            own = PeftConfig.from_pretrained(source)
            _tell_settings(own, settings)
            if adapter_kind(source) == self.kinds[0]:
                # The sizes are those of the model at hand: whether the vectors fit it shows when they are read.
                for name in ("num_layers", "num_attention_heads", "token_dim"):
                    setattr(own, name, getattr(settings, name))
                settings, own.inference_mode = own, False
            settings.num_virtual_tokens, settings.base_model_name_or_path = own.num_virtual_tokens, None
        torch.manual_seed(config.seed)
        try:
            with quiet():
                model = count_places(get_peft_model(loaded.model, settings))
        except (ValueError, KeyError, AttributeError) as e:
            raise InputError(f"the model cannot have vectors before the prompt: {str(e)[:200]}", file=loaded.name,
                             field="finetuning_type", fix="use finetuning_type lora") from e
        encoder = model.prompt_encoder["default"]
        if source:
            _read(encoder, source)
        else:
            self.start(encoder, loaded, config)
        model.peft_config["default"].base_model_name_or_path = base
        return model


def save(model: Any, folder: Path) -> None:
    """Write the vectors, and the network that makes them where there is one."""
    from safetensors.torch import save_file

    with quiet():
        model.save_pretrained(folder, save_embedding_layers=False)
    state = model.prompt_encoder["default"].state_dict()
    if set(state) != {"embedding.weight"}:
        save_file({n: v.contiguous() for n, v in state.items()}, folder / ENCODER)


def _read(encoder: Any, source: Path) -> None:
    from safetensors.torch import load_file

    state = encoder.state_dict()
    if set(state) == {"embedding.weight"}:
        saved = {"embedding.weight": load_file(source / ADAPTER_FILE)[VECTORS]}
    elif (source / ENCODER).is_file():
        saved = load_file(source / ENCODER)
    else:
        raise InputError("holds the vectors, but not the network that made them", file=source, expected=ENCODER,
                         fix="vectors of p_tuning_v1 can be trained on with finetuning_type prompt_tuning; those of "
                         "p_tuning only if they were made without prefix_projection")
    if {n: v.shape for n, v in saved.items()} != {n: v.shape for n, v in state.items()}:
        raise InputError("the adapter does not fit the model", file=source, field="checkpoint_dir",
                         fix="name the model it was trained on")
    encoder.load_state_dict(saved)


def _tell_settings(own: Any, asked: Any) -> None:
    """Say once where an adapter that is trained on differs from the settings."""
    names = {"num_virtual_tokens": "pre_seq_len", "prefix_projection": "prefix_projection",
             "encoder_reparameterization_type": "prompt_encoder"}
    pairs = ((name, getattr(own, key, None), getattr(asked, key, None)) for key, name in names.items())
    other = [f"{name} {mine} (not {theirs})" for name, mine, theirs in pairs if mine != theirs]
    if other:
        logger.warning("the adapter that is trained on keeps its own settings: %s", ", ".join(other))
