"""The compact model in torch: trained, saved as a model folder, loaded again.

>>> model = CompactModel.load("runs/resume/model")  # doctest: +SKIP
>>> model.predict(["..."], [Question(spans=(Label("entity", "person"),))])  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from iepile.errors import InputError
from iepile.models.compact.calibration import Calibration
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.ensemble import CompactEnsemble
from iepile.models.compact.example import Label
from iepile.models.compact.folder import TORCH, Description, new_folder, read_description, replace_folder, unreadable
from iepile.models.compact.network import CompactNetwork
from iepile.models.compact.predictor import Predictor
from iepile.models.compact.pretrained import PretrainedEncoder
from iepile.models.compact.torch_scorer import TorchScorer


class CompactModel(Predictor):
    """Network, settings, and the labels seen in training."""

    def __init__(
        self, network: CompactNetwork, labels: Iterable[Label], calibration: Calibration | None = None
    ) -> None:
        super().__init__(TorchScorer(network.eval()), network.config, labels, calibration)
        self.network = network

    @property
    def config(self) -> CompactConfig:
        """Those of the network, which training may still set."""
        return self.network.config

    def save(self, folder: Path | str, *, half: bool = False) -> None:
        """Write the model folder, whole or not at all; `half` stores the weights in 16 bits."""
        folder = Path(folder)
        temporary = new_folder(folder)
        weights = {k: (v.half() if half and v.is_floating_point() else v).contiguous() for k, v in self._state()}
        save_file(weights, temporary / "model.safetensors")
        Description(self.config, self.labels, self.calibration).save(temporary)
        if self.network.pretrained is not None:
            self.network.pretrained.save_description(temporary / "encoder")
        replace_folder(temporary, folder)

    def _state(self) -> list[tuple[str, torch.Tensor]]:
        return list(self.network.state_dict().items())

    @classmethod
    def load(cls, folder: Path | str) -> CompactModel:
        """Read a model folder; nothing in it is executed.

        Raises:
            InputError: not a compact model folder, or one of another format, or a damaged one.
        """
        folder = Path(folder)
        about = read_description(folder, TORCH)
        try:
            weights = load_file(folder / "model.safetensors")
        except (OSError, ValueError, SafetensorError) as error:
            raise unreadable(folder, error) from error
        network = build(about.config, folder / "encoder", weights=False)
        try:
            network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        except RuntimeError as error:
            raise InputError(
                "the weights are not those of its config.json",
                file=folder / "model.safetensors",
                expected="the files that one training run wrote",
                fix="train again with this version",
            ) from error
        return cls(network, about.labels, about.calibration)


def build(config: CompactConfig, encoder: Path | str | None = None, *, weights: bool = True) -> CompactNetwork:
    """A fresh network; with `config.encoder` set, that encoder is loaded (from `encoder` where given).

    With several `config.members` it is a `CompactEnsemble`, which answers to the same calls.
    """
    if config.members > 1:
        return cast("CompactNetwork", CompactEnsemble(config))
    if not config.encoder:
        return CompactNetwork(config)
    return CompactNetwork(config, PretrainedEncoder.from_source(encoder or config.encoder, weights=weights))


