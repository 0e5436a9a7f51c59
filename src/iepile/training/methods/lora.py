"""LoRA, also as DoRA, rsLoRA, PiSSA and QLoRA: small matrices beside the weights are trained, in fp32.

The weights stay as they are, in the run's half precision or in 8 or 4 bits. An adapter that is trained on keeps its
own rank, scale and layers, whatever the settings say.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from iepile.errors import InputError, MissingDependency
from iepile.models.adapters import ADAPTER_FILE, base_of
from iepile.models.card import read_card
from iepile.models.families import ALL_LINEAR, lora_targets
from iepile.models.load import Loaded, load_model
from iepile.models.vendor import quiet
from iepile.training.config import TrainConfig
from iepile.training.methods import pissa
from iepile.training.methods.merge import trains_on
from iepile.training.methods.method import Method, half_of, load_options
from iepile.training.methods.quantised import make_trainable

logger = logging.getLogger(__name__)


def load(config: TrainConfig, resume: Path | None) -> Loaded:
    """Load the model with the adapter to go on with, if any."""
    if resume and pissa.takes_parts(config.init_lora_weights) and not trains_on(config):
        # The checkpoint holds two adapters in one; prepare takes them apart.
        card = read_card(resume)
        loaded = load_model(base_of(resume, card), load_options(config, half_of(config)))
        return replace(loaded, adapter=str(resume), card=card)
    options = load_options(config, half_of(config), "" if resume else config.checkpoint_dir)
    return load_model(str(resume or config.model_name_or_path), options, trainable=True)


def prepare(loaded: Loaded, config: TrainConfig, base: str) -> Any:
    """Put a new adapter on the model where there is none.

    Raises:
        InputError: the layers named cannot have one.
        MissingDependency: peft is not installed.
    """
    try:
        from peft import PeftModel, get_peft_model
    except ImportError:
        raise MissingDependency("peft", "train", "LoRA") from None
    model = loaded.model
    make_trainable(model, config.bits, config.upcast_layernorm)
    if isinstance(model, PeftModel):
        if trains_on(config):
            _tell_settings(model.peft_config["default"], config)
        _in_fp32(model, Path(loaded.adapter))
        model.peft_config["default"].base_model_name_or_path = base
        return model
    settings = _settings(loaded, config)
    torch.manual_seed(config.seed)
    try:
        with quiet():
            made = get_peft_model(model, settings)
    except ValueError as e:
        linear = {n.rpartition(".")[2] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
        raise InputError(f"LoRA cannot be put on {settings.target_modules}: {str(e)[:200]}",
                         field="lora_target_modules", expected=", ".join(sorted(linear))) from e
    if missing := [n for n in _named(config.additional_target) if not _ends_with(made, n)]:
        raise InputError(f"the model has no module {missing[0]!r}", field="additional_target", file=loaded.name)
    _in_fp32(made)
    if pissa.takes_parts(config.init_lora_weights):
        with quiet():
            if loaded.adapter:
                pissa.resume(made, Path(loaded.adapter))
            else:
                pissa.begin(made, config.init_lora_weights)
    # The name the user gave may be relative to a folder that nobody stands in later.
    made.peft_config["default"].base_model_name_or_path = base
    return made


def save(model: Any, folder: Path) -> None:
    """Write the adapter."""
    with quiet():
        if pissa.FROZEN in model.peft_config:
            pissa.save(model, folder)
        else:
            model.save_pretrained(folder, save_embedding_layers=False)


def _settings(loaded: Loaded, config: TrainConfig) -> Any:
    from peft import LoraConfig

    kind = config.init_lora_weights
    model, asked = loaded.model, _named(config.lora_target_modules)
    targets: Any = asked or lora_targets(loaded.family, (n for n, _ in model.named_modules()))
    if {"all", ALL_LINEAR} & set(asked):
        targets = ALL_LINEAR
    whole = _named(config.additional_target)
    tied = {"ensure_weight_tying": True} if whole and getattr(model.config, "tie_word_embeddings", False) else {}
    return LoraConfig(
        r=config.lora_r, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout, target_modules=targets,
        use_dora=config.use_dora, use_rslora=config.use_rslora, modules_to_save=whole or None, bias="none",
        init_lora_weights="gaussian" if kind == "gaussian" else True,
        task_type="SEQ_2_SEQ_LM" if loaded.encoder_decoder else "CAUSAL_LM", **tied,
    )


def _tell_settings(own: Any, config: TrainConfig) -> None:
    """Say once where an adapter that is trained on differs from the settings."""
    pairs = {
        "lora_r": own.r, "lora_alpha": own.lora_alpha, "lora_dropout": own.lora_dropout, "use_dora": own.use_dora,
        "use_rslora": own.use_rslora, "additional_target": ",".join(own.modules_to_save or ()),
    }
    if config.lora_target_modules:
        asked, targets = _named(config.lora_target_modules), own.target_modules
        theirs = targets if isinstance(targets, str) else ",".join(sorted(targets))
        pairs["lora_target_modules"] = config.lora_target_modules if set(asked) == set(targets) else theirs
    other = [f"{name} {value} (not {getattr(config, name)})" for name, value in pairs.items()
             if value != getattr(config, name)]
    if pissa.takes_parts(config.init_lora_weights):
        other.append("its own matrices (not init_lora_weights)")
    if other:
        logger.warning("the adapter that is trained on keeps its own settings: %s", ", ".join(other))


def _in_fp32(model: Any, folder: Path | None = None) -> None:
    """Bring all that is trained to fp32; modules saved whole are read again, for they were read in half precision."""
    trained = [p for p in model.parameters() if p.requires_grad and p.dtype in (torch.float16, torch.bfloat16)]
    for parameter in trained:
        parameter.data = parameter.data.float()
    if folder and trained:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(folder / ADAPTER_FILE))


def _named(names: str) -> list[str]:
    return [n.strip() for n in names.split(",") if n.strip()]


def _ends_with(model: Any, name: str) -> bool:
    return any(n == name or n.endswith(f".{name}") for n, _ in model.named_modules())


METHOD = Method(load, prepare, save)
