"""LoRA: its beginnings, its layers, adapters that are merged or trained on, and what is refused."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import InputError
from iepile.models.card import ModelCard, write_card
from iepile.models.load import LoadOptions, load_model
from iepile.models.vendor import quiet
from iepile.training.config import TrainConfig
from iepile.training.methods.method import method_of
from iepile.training.start import start_trainee
from iepile.training.tune import tune
from method_toy import Killed, batch, die_at, logits, prepared, steps, toy_config, write_rows
from tiny_models import byte_level_tokenizer, make_family, make_model, tiny_llama


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "train.json")


@pytest.fixture(scope="module")
def adapters(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two adapters of the base with settings of their own."""
    root = tmp_path_factory.mktemp("adapters")
    for name, settings in (("one", {"lora_r": 4}), ("two", {"lora_r": 8, "lora_target_modules": "q_proj,v_proj",
                                                            "lora_alpha": 8.0, "seed": 7})):
        tune(toy_config(base, data, root / name, settings | {"max_steps": 4}))
    return str(root / "one/model"), str(root / "two/model")


def write(config: TrainConfig, model: Any, folder: Path) -> Path:
    folder.mkdir()
    method_of(config).save(model, folder)
    write_card(folder, ModelCard(base_model=config.model_name_or_path))
    return folder


def settings_of(folder: str | Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((Path(folder) / "adapter_config.json").read_text("utf-8"))
    return made


def log(config: TrainConfig) -> bytes:
    return (Path(config.output_dir) / "train_log.jsonl").read_bytes()


@pytest.mark.parametrize("kind", ["pissa", "pissa_niter_8", "olora"])
@pytest.mark.parametrize("rslora", [False, True])
def test_an_adapter_that_begins_with_parts_of_the_weights_fits_the_model_as_it_was(
    base: Path, tmp_path: Path, kind: str, rslora: bool
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    config = toy_config(base, base, tmp_path, {"init_lora_weights": kind, "lora_r": 8, "lora_dropout": 0.0,
                                               "use_rslora": rslora})
    model, plain = prepared(config), load_model(base).model
    layer = model.base_model.model.model.layers[0].mlp.up_proj
    weight, scale = plain.model.layers[0].mlp.up_proj.weight.detach(), layer.scaling["default"]
    assert torch.equal(layer.get_base_layer().weight, weight)
    part = scale * (layer.lora_B["default"].weight @ layer.lora_A["default"].weight).detach()
    if kind == "pissa":
        u, s, v = torch.linalg.svd(weight)
        torch.testing.assert_close(part, u[:, :8] * s[:8] @ v[:8])
    assert float(part.norm() / weight.norm()) > 0.3
    torch.testing.assert_close(logits(model), logits(plain), atol=1e-6, rtol=0)
    steps(model)
    folder = write(config, model, tmp_path / "model")
    assert settings_of(folder)["r"] == 16
    with quiet():
        theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder)
    torch.testing.assert_close(logits(theirs), logits(model), atol=1e-6, rtol=0)
    assert float((logits(theirs) - logits(plain)).abs().max()) > 0.1


@pytest.mark.parametrize("name", ["all", "all-linear"])
def test_all_means_every_linear_layer_but_the_last(base: Path, tmp_path: Path, name: str) -> None:
    model = prepared(toy_config(base, base, tmp_path, {"lora_target_modules": name}))
    adapted = {n.split(".lora_A")[0].rpartition(".")[2] for n, _ in model.named_parameters() if "lora_A" in n}
    assert adapted == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_the_weights_are_half_and_what_is_trained_is_not(base: Path, tmp_path: Path) -> None:
    for settings in ({"bf16": True}, {"fp16": True}):
        half = next(iter(settings))
        config = toy_config(base, base, tmp_path, settings | {"additional_target": "lm_head", "upcast_layernorm": True})
        model = prepared(config)
        for name, p in model.named_parameters():
            wide = p.requires_grad or "norm" in name
            assert p.dtype == (torch.float32 if wide else torch.bfloat16 if half == "bf16" else torch.float16), name
        assert [n for n, p in model.named_parameters() if p.requires_grad and "lm_head" in n]
        losses = steps(model, 5, half=half)
        assert losses[-1] < losses[0] - 0.3
        folder = write(config, model, tmp_path / half)
        assert torch.equal(logits(prepared(config, folder), half=half), logits(model, half=half))


def test_a_bf16_run_that_died_goes_on_exactly(base: Path, data: Path, tmp_path: Path) -> None:
    whole = toy_config(base, data, tmp_path / "whole", {"bf16": True, "additional_target": "lm_head"})
    broken = replace(whole, output_dir=str(tmp_path / "broken"))
    tune(whole)
    with pytest.raises(Killed):
        tune(broken, die_at(4))
    assert tune(broken).resumed_from == 3 and log(broken) == log(whole)


def test_tied_embeddings_stay_tied(tmp_path: Path) -> None:
    tokenizer, base = byte_level_tokenizer(), tmp_path / "tied"
    model = tiny_llama(tokenizer)
    model.config.tie_word_embeddings = True
    model.tie_weights()
    with quiet():
        model.save_pretrained(base)
    tokenizer.save_pretrained(base)
    config = toy_config(base, base, tmp_path / "run", {"additional_target": "embed_tokens"})
    model = prepared(config)
    losses = steps(model)
    assert losses[-1] < losses[0] - 0.1
    assert torch.equal(model.get_input_embeddings().weight, model.get_output_embeddings().weight)
    folder = write(config, model, tmp_path / "model")
    tokenizer.save_pretrained(folder)
    assert torch.equal(logits(prepared(config, folder)), logits(model))
    assert torch.equal(logits(load_model(folder).model), logits(model))


def test_the_last_adapter_is_trained_on_with_its_own_settings(
    base: Path, data: Path, tmp_path: Path, adapters: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    one, two = adapters
    config = toy_config(base, data, tmp_path / "run", {"checkpoint_dir": f"{one}, {two}"})
    want = logits(load_model(base, LoadOptions(adapter=f"{one},{two}")).model)
    torch.testing.assert_close(logits(start_trainee(config, None).model), want, atol=1e-6, rtol=0)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        result = tune(config)
    told = [r.message for r in caplog.records if "keeps its own settings" in r.message]
    assert len(told) == 1 and "lora_r 8 (not 16), lora_alpha 8.0 (not 32.0)" in told[0]
    made = settings_of(result.model)
    assert made["r"] == 8 and set(made["target_modules"]) == {"q_proj", "v_proj"}
    assert Path(made["base_model_name_or_path"]) == (tmp_path / "run/merged_base").resolve()
    before = load_model(result.model)
    # It is found where the run was moved to.
    shutil.move(tmp_path / "run", tmp_path / "moved")
    after = load_model(tmp_path / "moved")
    assert Path(after.name) == tmp_path / "moved/merged_base"
    assert torch.equal(logits(after.model), logits(before.model))
    assert float((logits(after.model) - want).abs().max()) > 0.01


def test_all_adapters_are_merged_where_a_new_one_is_wanted(base: Path, data: Path, tmp_path: Path,
                                                           adapters: tuple[str, str]) -> None:
    chain = ",".join(adapters)
    config = toy_config(base, data, tmp_path / "run", {"checkpoint_dir": chain, "resume_lora_training": False})
    trainee = start_trainee(config, None)
    want = logits(load_model(base, LoadOptions(adapter=chain)).model)
    torch.testing.assert_close(logits(trainee.model), want, atol=1e-6, rtol=0)
    assert trainee.card.template == "qwen"
    result = tune(config)
    assert settings_of(result.model)["r"] == 16
    # The model may be an adapter itself.
    again = toy_config(Path(adapters[0]), data, tmp_path / "again",
                       {"checkpoint_dir": adapters[1], "resume_lora_training": False})
    torch.testing.assert_close(logits(start_trainee(again, None).model), want, atol=1e-6, rtol=0)


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("kind", ["default", "pissa"])
def test_a_run_on_merged_adapters_that_died_goes_on_exactly(
    base: Path, data: Path, tmp_path: Path, adapters: tuple[str, str], goes_on: bool, kind: str
) -> None:
    mine = [str(shutil.copytree(a, tmp_path / f"mine{n}")) for n, a in enumerate(adapters)]
    whole = toy_config(base, data, tmp_path / "whole", {
        "checkpoint_dir": ",".join(mine), "resume_lora_training": goes_on, "init_lora_weights": kind})
    broken = replace(whole, output_dir=str(tmp_path / "broken"))
    tune(whole)
    with pytest.raises(Killed):
        tune(broken, die_at(5))
    merged = tmp_path / "broken/merged_base/model.safetensors"
    stamp = merged.stat().st_mtime_ns
    for adapter in mine:
        shutil.rmtree(adapter)  # the run has what it needs
    assert tune(broken).resumed_from == 3 and merged.stat().st_mtime_ns == stamp
    assert log(broken) == log(whole)
    tune(replace(broken, overwrite_output_dir=True, checkpoint_dir="", max_steps=1))
    assert not merged.exists()


def test_a_run_that_failed_before_its_first_step_can_be_started_again(
    base: Path, data: Path, tmp_path: Path, adapters: tuple[str, str]
) -> None:
    config = toy_config(base, tmp_path / "late.json", tmp_path / "run", {"checkpoint_dir": ",".join(adapters),
                                                                        "max_steps": 1})
    (tmp_path / "late.json").write_text("no JSON")
    with pytest.raises(InputError, match=r"late\.json"):
        tune(config)
    assert (tmp_path / "run/merged_base").is_dir()
    shutil.copy(data, tmp_path / "late.json")
    assert tune(config).steps == 1


def test_a_pissa_adapter_is_trained_on_as_lora(base: Path, data: Path, tmp_path: Path) -> None:
    first = tune(toy_config(base, data, tmp_path / "first", {"init_lora_weights": "pissa", "max_steps": 4}))
    config = toy_config(base, data, tmp_path / "more", {"init_lora_weights": "pissa", "checkpoint_dir": first.model})
    torch.testing.assert_close(logits(start_trainee(config, None).model), logits(load_model(first.model).model))
    second = tune(config)
    assert settings_of(second.model)["r"] == 32 and second.loss < first.loss


def test_what_cannot_be_merged_or_trained_on_is_refused(base: Path, data: Path, tmp_path: Path,
                                                        adapters: tuple[str, str]) -> None:
    chain = ",".join(adapters)
    with pytest.raises(InputError, match="quantised weights do not allow"):
        start_trainee(toy_config(base, data, tmp_path / "a", {"checkpoint_dir": chain, "bits": 4}), None)
    vectors = tune(toy_config(base, data, tmp_path / "v", {"finetuning_type": "p_tuning", "max_steps": 1})).model
    with pytest.raises(InputError, match="vectors before the prompt"):
        start_trainee(toy_config(base, data, tmp_path / "b", {"checkpoint_dir": f"{vectors},{adapters[0]}"}), None)
    with pytest.raises(InputError, match="kind lora"):
        start_trainee(toy_config(base, data, tmp_path / "c", {"finetuning_type": "p_tuning",
                                                              "checkpoint_dir": adapters[0]}), None)
    with pytest.raises(InputError, match="only LoRA adapters can be merged"):
        toy_config(base, data, tmp_path / "d", {"finetuning_type": "full", "checkpoint_dir": chain})
    other = make_model(tmp_path / "other", byte_level_tokenizer(), width=64)
    with pytest.raises(InputError, match="does not fit the model"):
        start_trainee(toy_config(other, data, tmp_path / "e", {"checkpoint_dir": chain}), None)
    assert not (tmp_path / "e/merged_base").exists()


@pytest.mark.parametrize(("settings", "said"), [
    ({"additional_target": "lm_heat"}, "no module 'lm_heat'"),
    ({"lora_target_modules": "embed_tokens", "init_lora_weights": "pissa"}, "no linear layer"),
    ({"lora_target_modules": "W_pack"}, "cannot be put on"),
])
def test_modules_that_are_not_there_are_named(base: Path, tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        prepared(toy_config(base, base, tmp_path, settings))


@pytest.mark.parametrize("settings", [
    {"init_lora_weights": "pizza"}, {"init_lora_weights": "pissa_niter_0"},
    {"use_dora": True, "init_lora_weights": "pissa"}, {"prompt_encoder": "gru"}, {"neft_alpha": -1},
])
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        TrainConfig("model", "data", "run", **settings)


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_an_encoder_decoder_has_its_own_sort_of_adapter(tmp_path: Path, kind: str) -> None:
    config = toy_config(make_family(tmp_path / kind, kind), tmp_path, tmp_path / "run", {"template": "vanilla"})
    model = prepared(config)
    assert model.peft_config["default"].task_type == "SEQ_2_SEQ_LM"
    fed = batch(model)
    with torch.no_grad():
        model(input_ids=fed["input_ids"], attention_mask=fed["attention_mask"], labels=fed["input_ids"])
    with pytest.raises(InputError, match="models without encoder"):
        prepared(replace(config, finetuning_type="p_tuning"))


def test_a_tokenizer_without_end_is_told_in_training(base: Path, data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "endless"))
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({k: v for k, v in settings.items() if k != "eos_token"}), encoding="utf-8")
    with pytest.raises(InputError, match="neither a padding nor an end-of-sequence token"):
        tune(toy_config(folder, data, tmp_path / "run", {}))
