"""NEFTune: noise of the right size, in training only, drawn again by a resumed run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.training.methods.neftune import add_noise
from iepile.training.start import start_trainee
from method_toy import logits, prepared, toy_config
from tiny_models import byte_level_tokenizer, make_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


def embedded(model: Any, seed: int) -> Any:
    torch.manual_seed(seed)
    with torch.no_grad():
        return model.get_base_model().get_input_embeddings()(torch.arange(60).reshape(3, 20))


@pytest.mark.parametrize("settings", [{}, {"additional_target": "embed_tokens"}, {"finetuning_type": "prompt_tuning"}])
def test_noise_is_added_in_training_only(base: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    config = toy_config(base, base, tmp_path, settings)
    model, want = prepared(config), logits(prepared(config))
    clean = embedded(model.train(), 1)
    add_noise(model, 5.0)
    noise = embedded(model.train(), 1) - clean
    size = 5.0 / math.sqrt(20 * 32)
    assert 0.95 * size < float(noise.abs().max()) <= size
    assert float(noise.mean().abs()) < 0.1 * size and float(noise.std()) == pytest.approx(size / math.sqrt(3), rel=0.1)
    assert torch.equal(embedded(model.train(), 1) - clean, noise)
    assert not torch.equal(embedded(model.train(), 2) - clean, noise)
    assert torch.equal(embedded(model.eval(), 1), clean) and torch.equal(logits(model), want)


def test_the_setting_reaches_the_model_and_0_is_off(base: Path, tmp_path: Path) -> None:
    for alpha in (0.0, 5.0):
        trainee = start_trainee(toy_config(base, base, tmp_path, {"neft_alpha": alpha}), None)
        one, other = (embedded(trainee.model.train(), seed) for seed in (1, 2))
        assert torch.equal(one, other) == (alpha == 0.0)
