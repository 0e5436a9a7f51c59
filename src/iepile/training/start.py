"""The beginning of a tuning run: the model is loaded, made ready for its method, and joined with its chat."""

from __future__ import annotations

from pathlib import Path

from iepile.models.card import ModelCard, model_folder
from iepile.models.chat import Chat
from iepile.training.config import TrainConfig
from iepile.training.methods.method import method_of
from iepile.training.parallel.world import World
from iepile.training.trainee import Trainee
from iepile.version import __version__


def start_trainee(config: TrainConfig, resume: Path | None, world: World | None = None) -> Trainee:
    """Load the model, ready to train.

    Args:
        resume: checkpoint to take the weights from.

    Raises:
        InputError: the model cannot be loaded, or not be tuned this way.
    """
    method = method_of(config)
    loaded = method.load(config, resume)
    card = loaded.card or ModelCard()
    template = config.template or card.template
    system = config.system_prompt or card.system
    chat = Chat(loaded.tokenizer, template, system)
    folder = model_folder(loaded.name)
    base = card.base_model if resume else str(folder.resolve()) if folder else loaded.name
    card = ModelCard(template=chat.name, system=system, base_model=base, version=__version__)
    model = method.prepare(loaded, config, base)
    return Trainee(model, loaded, chat, card, config, method, world or World())
