"""Freeze: which layers are trained, in which precision, and that a run of half precision resumes exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from iepile.errors import InputError
from iepile.models.card import read_card
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.methods.freeze import layers_of
from iepile.training.tune import tune
from method_toy import Killed, die_at, prepared, steps, toy_config, write_rows
from tiny_models import ARCHITECTURES, byte_level_tokenizer, make_family, make_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer(), layers=4)


def trained(folder: Path, layers: int, modules: str) -> set[str]:
    config = TrainConfig(str(folder), "data", "run", finetuning_type="freeze", num_layer_trainable=layers,
                         name_module_trainable=modules, device="cpu")
    return {n for n, p in prepared(config).named_parameters() if p.requires_grad}


def test_the_last_layers_are_trained_or_the_first(base: Path) -> None:
    last, first = trained(base, 3, "mlp"), trained(base, -1, "mlp")
    assert last == {f"model.layers.{n}.mlp.{m}_proj.weight" for n in (1, 2, 3) for m in ("gate", "up", "down")}
    assert first == {f"model.layers.0.mlp.{m}_proj.weight" for m in ("gate", "up", "down")}


def test_modules_are_named(base: Path) -> None:
    both = trained(base, 1, "self_attn, down_proj")
    names = [*(f"self_attn.{m}_proj" for m in "qkvo"), "mlp.down_proj"]
    assert both == {f"model.layers.3.{name}.weight" for name in names}
    everything = {n for n, _ in load_model(base).model.named_parameters() if n.startswith("model.layers.3.")}
    assert trained(base, 1, "all") == everything and len(everything) > len(both)


def test_what_is_not_there_is_told(base: Path) -> None:
    with pytest.raises(InputError, match="at most 4"):
        trained(base, 5, "mlp")
    with pytest.raises(InputError, match="no module 'attention'") as e:
        trained(base, 1, "attention")
    assert "self_attn" in str(e.value)
    with pytest.raises(InputError, match="num_layer_trainable"):
        trained(base, 0, "mlp")


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom", "glm", "falcon", "qwen2_moe", "mamba", "t5", "bart"])
def test_layers_are_found_in_any_family(tmp_path: Path, kind: str) -> None:
    folder = make_family(tmp_path / kind, kind)
    model = load_model(folder).model
    layers = layers_of(model)
    assert len(layers) == 2
    names = trained(folder, 1, "all")
    assert names and all(("decoder" in n) == (kind in ("t5", "bart")) for n in names)
    inside = {id(p) for p in layers[1].parameters()}
    assert len(names) == len(inside) and names == {n for n, p in model.named_parameters() if id(p) in inside}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_layers_are_found_in_every_family(tmp_path: Path, kind: str) -> None:
    assert trained(make_family(tmp_path / kind, kind), -2, "all")


def test_what_is_trained_is_in_fp32_and_the_rest_in_half(base: Path, tmp_path: Path) -> None:
    config = toy_config(base, base, tmp_path, {"finetuning_type": "freeze", "bf16": True, "num_layer_trainable": 1})
    model = prepared(config)
    assert all(p.dtype == (torch.float32 if p.requires_grad else torch.bfloat16) for p in model.parameters())
    losses = steps(model, 5, half="bf16")
    assert losses[-1] < losses[0] - 0.05


def test_a_bf16_run_that_died_goes_on_exactly(base: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "train.json")
    whole = toy_config(base, data, tmp_path / "whole", {"finetuning_type": "freeze", "bf16": True})
    broken = replace(whole, output_dir=str(tmp_path / "broken"))
    tune(whole)
    with pytest.raises(Killed):
        tune(broken, die_at(5))
    assert tune(broken).resumed_from == 3
    assert (tmp_path / "whole/train_log.jsonl").read_bytes() == (tmp_path / "broken/train_log.jsonl").read_bytes()
    card = read_card(tmp_path / "whole/model")
    assert card is not None and card.finetuning_type == "freeze" and not load_model(tmp_path / "whole").adapter
    # Its weights are where a second run begins.
    more = toy_config(base, data, tmp_path / "more", {
        "finetuning_type": "freeze", "checkpoint_dir": str(tmp_path / "whole/model"), "max_steps": 1})
    model = prepared(more)
    tuned = load_model(tmp_path / "whole").model.state_dict()
    assert all(torch.equal(p.float(), tuned[n].float()) for n, p in model.state_dict().items())
