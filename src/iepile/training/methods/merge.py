"""Adapters to begin with: which one is trained on, and which are merged into the model before.

Adapters that are merged change the model the new one belongs to. So that the result can be loaded later, the merged
model is written once, to `output_dir/merged_base`, and is the base model of the run from then on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from iepile.errors import InputError
from iepile.models.adapters import CONFIG_FILE, MERGED, adapter_folder, adapter_kind, base_of
from iepile.models.card import ModelCard, model_folder, read_card, write_card
from iepile.models.load import load_model
from iepile.models.vendor import quiet, vendor_errors
from iepile.training.checkpoint import write_folder
from iepile.training.config import TrainConfig
from iepile.training.methods.method import half_of, load_options
from iepile.training.parallel.world import World
from iepile.version import __version__

PROMPT_LEARNING = ("PREFIX_TUNING", "P_TUNING", "PROMPT_TUNING")
"""peft's names of what has no weights to merge."""


def begin(config: TrainConfig, resume: Path | None, world: World) -> TrainConfig:
    """The settings of a LoRA run with at most one adapter to begin with: the others are merged into a new base model.

    Raises:
        InputError: an adapter cannot be merged or trained on.
    """
    goes_on, folder = trains_on(config), Path(config.output_dir) / MERGED
    merges = bool(_own(config)) + len(config.checkpoints) > goes_on
    if merges and config.bits != 16:
        raise InputError("adapters are merged into the weights, which quantised weights do not allow", field="bits",
                         expected="16", fix="merge them first (iepile export), or set resume_lora_training")
    if not (resume and (folder / "config.json").is_file()):
        chain = _chain(config)
        if merges and world.main:
            write_folder(folder, lambda partial: _merge(config, chain[:-1] if goes_on else chain, partial))
        world.barrier()
    if not merges:
        return config
    return replace(config, model_name_or_path=str(folder), checkpoint_dir=config.checkpoints[-1] if goes_on else "")


def trains_on(config: TrainConfig) -> bool:
    """Whether an adapter is trained on; if not, a new one is made."""
    return config.resume_lora_training and bool(config.checkpoints or _own(config))


def _chain(config: TrainConfig) -> list[Path]:
    """Adapters in the order in which they go onto the model; the model may be an adapter itself."""
    own = _own(config)
    chain = [*([own] if own else []),
             *(adapter_folder(name, config.revision, config.cache_dir) for name in config.checkpoints)]
    for adapter in chain:
        if (kind := adapter_kind(adapter)) in PROMPT_LEARNING:
            raise InputError(f"the adapter holds vectors before the prompt ({kind.lower()}), no LoRA matrices",
                             file=adapter, field="checkpoint_dir",
                             fix="train it on with the finetuning_type it was made with")
    return chain


def _own(config: TrainConfig) -> Path | None:
    folder = model_folder(config.model_name_or_path)
    return folder if folder is not None and (folder / CONFIG_FILE).is_file() else None


def _merge(config: TrainConfig, adapters: list[Path], folder: Path) -> None:
    """Write the model with the adapters merged in: computed in fp32, kept in the format of the run."""
    import torch

    from iepile.models.device import DTYPES

    own = _own(config)
    base = base_of(own, read_card(own)) if own else config.model_name_or_path
    options = replace(load_options(config, "fp32", ",".join(map(str, adapters))), device="cpu")
    loaded = load_model(base, options)
    with vendor_errors(str(folder)), quiet():
        model = loaded.model.merge_and_unload()
        model.to(getattr(torch, DTYPES[half_of(config)])).save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
    card = loaded.card or ModelCard()
    write_card(folder, ModelCard(template=card.template, system=card.system, tasks=card.tasks,
                                 base_model=base, text_first=card.text_first, version=__version__))
