"""QLoRA: weights in 8 and 4 bits stay as they are, what is put on them learns, and a look at it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import InputError
from iepile.models.card import ModelCard, write_card
from iepile.models.load import LoadOptions, load_model
from iepile.training.config import TrainConfig
from iepile.training.methods.method import method_of
from iepile.training.tune import tune
from method_toy import Killed, die_at, logits, prepared, steps, toy_config, write_rows
from tiny_models import byte_level_tokenizer, make_model

pytest.importorskip("bitsandbytes")

KINDS: dict[str, dict[str, Any]] = {
    "nf4": {"bits": 4},
    "fp4": {"bits": 4, "quant_type": "fp4", "double_quant": False},
    "int8": {"bits": 8},
    "nf4, bf16": {"bits": 4, "bf16": True},
    "nf4, dora": {"bits": 4, "use_dora": True},
    "nf4, prefix": {"bits": 4, "finetuning_type": "p_tuning"},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer(), width=64)


def weights(model: Any) -> dict[str, Any]:
    return {n: p.detach().clone() for n, p in model.named_parameters()}


@pytest.mark.parametrize("name", KINDS)
def test_it_learns_and_weights_stay(base: Path, tmp_path: Path, name: str) -> None:
    config = toy_config(base, base, tmp_path, KINDS[name])
    half = "bf16" if config.bf16 else ""
    model = prepared(config)
    before = weights(model)
    rate = 0.1 if config.finetuning_type == "p_tuning" else 3e-3
    losses = steps(model, 4, rate, half)
    # A look at the model in between must not take its gradients away.
    logits(model, half=half)
    losses += steps(model, 4, rate, half)
    assert losses[-1] < losses[4] - 0.02 < losses[0] - 0.1, losses
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {n for n, p in model.named_parameters() if p.requires_grad}
    assert all(p.dtype == torch.float32 for n, p in model.named_parameters() if n in changed or "norm" in n)
    kinds = {p.dtype for n, p in model.named_parameters() if "q_proj" in n and n not in changed}
    assert kinds == {torch.int8 if config.bits == 8 else torch.uint8}


@pytest.mark.parametrize("name", KINDS)
def test_its_folder_gives_the_same_model(base: Path, tmp_path: Path, name: str) -> None:
    config = toy_config(base, base, tmp_path, KINDS[name])
    half = "bf16" if config.bf16 else ""
    model = prepared(config)
    steps(model, 3, half=half)
    want = logits(model, half=half)
    folder = tmp_path / "model"
    folder.mkdir()
    method_of(config).save(model, folder)
    load_model(base).tokenizer.save_pretrained(folder)
    write_card(folder, ModelCard(base_model=str(base)))
    assert torch.equal(logits(prepared(config, folder), half=half), want)
    served = load_model(folder, LoadOptions("bf16" if half else "fp32", "cpu", bits=config.bits,
                                            quant_type=config.quant_type, double_quant=config.double_quant))
    # Norms are in fp32 while training.
    torch.testing.assert_close(logits(served.model, half=half), want, atol=0.02 if half else 0, rtol=0)


def test_a_run_with_validation_that_died_goes_on_exactly(base: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "train.json")
    whole = toy_config(base, data, tmp_path / "whole", {"bits": 4, "val_set_size": 5, "eval_steps": 2})
    tune(whole)
    broken = replace(whole, output_dir=str(tmp_path / "broken"))
    with pytest.raises(Killed):
        tune(broken, die_at(5))
    assert tune(broken).resumed_from == 3
    assert (tmp_path / "whole/train_log.jsonl").read_bytes() == (tmp_path / "broken/train_log.jsonl").read_bytes()


@pytest.mark.parametrize("settings", [
    {"finetuning_type": "full"}, {"finetuning_type": "freeze"}, {"init_lora_weights": "pissa"},
    {"deepspeed": "zero3"}, {"fsdp": True},
])
def test_what_quantised_weights_cannot_do_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="quantised"):
        TrainConfig("model", "data", "run", bits=4, **settings)
