"""The beginning of a tuning run: the model is loaded, made ready for its method, and joined with its chat."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from iepile.models.card import ModelCard, model_folder
from iepile.models.serving import set_stops
from iepile.training.config import TrainConfig
from iepile.training.kernels import use_liger
from iepile.training.methods.merge import begin
from iepile.training.methods.method import method_of
from iepile.training.methods.neftune import add_noise
from iepile.training.parallel.world import World
from iepile.training.trainee import Trainee
from iepile.version import __version__

logger = logging.getLogger(__name__)


def start_trainee(config: TrainConfig, resume: Path | None, world: World | None = None) -> Trainee:
    """Load the model, ready to train.

    Args:
        resume: checkpoint to take the weights from.

    Raises:
        InputError: the model cannot be loaded, or not be tuned this way.
    """
    world = world or World()
    if config.finetuning_type == "lora":
        config = begin(config, resume, world)
    method = method_of(config)
    loaded = method.load(config, resume)
    card = loaded.card or ModelCard()
    if card.text_first != config.text_first and loaded.card is not None:
        logger.warning("%s was trained with the %s first; this run asks the other way round", loaded.name,
                       "text" if card.text_first else "schema")
    if config.use_liger_kernel:
        use_liger(loaded.model)
    chat = loaded.chat(config.template, config.system_prompt or None)
    if (settings := getattr(loaded.model, "generation_config", None)) is not None:
        set_stops(settings, chat)  # it is saved with the model, for other servers
    folder = model_folder(loaded.name)
    base = card.base_model if resume else str(folder.resolve()) if folder else loaded.name
    card = ModelCard(template=chat.name, system=config.system_prompt or card.system, base_model=base,
                     finetuning_type=config.finetuning_type, text_first=config.text_first, version=__version__)
    model = method.prepare(loaded, config, base)
    add_noise(model, config.neft_alpha)
    return Trainee(model, replace(loaded, model=model), chat, card, config, method, world)
