"""Vectors before the prompt: they stand as words would, in any family, any batch, in training and in answering."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import InputError
from iepile.models.adapters import ADAPTER_FILE
from iepile.models.card import ModelCard, write_card
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.methods.method import method_of
from iepile.training.methods.prompt_learning import ENCODER
from iepile.training.tune import tune
from method_toy import logits, prepared, steps, toy_config, write_rows
from tiny_models import ARCHITECTURES, byte_level_tokenizer, make_family, make_model

VECTORS = 4
WIDTH = 12
LENGTHS = (9, 5, 12)
UNLIKE = {"deepseek_v2", "deepseek_v3"}
"""Keys and values are kept in one compressed form."""
LINEAR = {"qwen3_5_text", "mamba"}
"""Some or all layers keep no keys and values."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "train.json")


def loud(folder: Path) -> Path:
    """Make the weights of a model large, so that what stands before is heard."""
    from safetensors.torch import load_file, save_file

    path, made = folder / "model.safetensors", torch.Generator().manual_seed(1)
    weights = {n: torch.randn(w.shape, generator=made) * 0.2 if w.ndim > 1 else w for n, w in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    return folder


def set_to_words(model: Any, plain: Any, words: Any) -> None:
    """Set the vectors to what the model makes of some words itself."""
    weight = model.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        if model.peft_config["default"].peft_type == "PREFIX_TUNING":
            cache = plain(words[None], use_cache=True).past_key_values
            made = torch.stack([kept[0] for layer in cache.layers for kept in (layer.keys, layer.values)])
            weight.copy_(made.permute(2, 0, 1, 3).reshape(weight.shape))
        else:
            weight.copy_(plain.get_input_embeddings()(words))


def stands_as_words(folder: Path, method: str, tmp_path: Path) -> None:
    config = TrainConfig(str(folder), "data", str(tmp_path), finetuning_type=method, pre_seq_len=VECTORS, device="cpu")
    model, plain = prepared(config).eval(), load_model(folder).model
    made = torch.Generator().manual_seed(2)
    words, *rows = (torch.randint(8, 440, (n,), generator=made) for n in (VECTORS, *LENGTHS))
    set_to_words(model, plain, words)
    ids, mask = torch.full((len(rows), WIDTH), 1), torch.zeros(len(rows), WIDTH, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, WIDTH - len(row) :], mask[i, WIDTH - len(row) :] = row, 1
    with torch.no_grad():
        scores = model(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                       use_cache=False).logits[:, -WIDTH:]
        for i, row in enumerate(rows):
            want = plain(torch.cat([words, row])[None], use_cache=False).logits[0, VECTORS:]
            torch.testing.assert_close(scores[i, WIDTH - len(row) :], want, atol=3e-5, rtol=0)
        answers = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=6, do_sample=False, pad_token_id=1,
                                 eos_token_id=None, output_logits=True, return_dict_in_generate=True)
        for i, row in enumerate(rows):
            read = torch.cat([words, row, answers.sequences[i, -6:]])[None]
            want = plain(read, use_cache=False).logits[0, VECTORS + len(row) - 1 : -1]
            torch.testing.assert_close(torch.stack(answers.logits, 1)[i], want, atol=3e-5, rtol=0)
    assert float(want.abs().max()) > 1


@pytest.mark.parametrize("method", ["p_tuning", "prompt_tuning"])
@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt2", "bloom", "glm", "gemma2", "falcon"])
def test_vectors_stand_as_words_would(tmp_path: Path, kind: str, method: str) -> None:
    stands_as_words(loud(make_family(tmp_path / kind, kind)), method, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["p_tuning", "prompt_tuning"])
@pytest.mark.parametrize("kind", [k for k in ARCHITECTURES if k not in UNLIKE | LINEAR])
def test_in_every_family_vectors_stand_as_words_or_are_refused(tmp_path: Path, kind: str, method: str) -> None:
    folder = loud(make_family(tmp_path / kind, kind))
    if kind in ("t5", "mt5", "umt5", "bart", "mbart"):
        with pytest.raises(InputError, match="models without encoder"):
            stands_as_words(folder, method, tmp_path)
    else:
        stands_as_words(folder, method, tmp_path)


@pytest.mark.parametrize("kind", ["deepseek_v3", "qwen3_5_text"])
def test_layers_without_keys_and_values_take_vectors_at_the_bottom_only(tmp_path: Path, kind: str) -> None:
    folder = loud(make_family(tmp_path / kind, kind))
    with pytest.raises(InputError, match="keys and values of one size"):
        stands_as_words(folder, "p_tuning", tmp_path)
    stands_as_words(folder, "prompt_tuning", tmp_path)


@pytest.mark.parametrize("method", ["p_tuning", "p_tuning_v1", "prompt_tuning"])
def test_a_model_without_attention_is_refused(tmp_path: Path, method: str) -> None:
    folder = make_family(tmp_path / "mamba", "mamba")
    with pytest.raises(InputError, match="models with attention"):
        prepared(TrainConfig(str(folder), "data", str(tmp_path), finetuning_type=method))


def test_a_model_that_looks_back_some_places_only_still_sees_them(tmp_path: Path) -> None:
    folder = loud(make_family(tmp_path / "mistral", "mistral"))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"sliding_window": 8}), encoding="utf-8")
    stands_as_words(folder, "prompt_tuning", tmp_path)
    # Keys and values come first, before the padding: there is room for text only as far as the model sees.
    config = TrainConfig(str(folder), "data", str(tmp_path), finetuning_type="p_tuning", pre_seq_len=VECTORS)
    loaded = replace(load_model(folder), model=prepared(config))
    assert loaded.context == 8 - VECTORS
    assert load_model(folder).context == 1024


@pytest.mark.parametrize("method", ["p_tuning", "p_tuning_v1", "prompt_tuning"])
def test_vectors_take_places_of_the_context(base: Path, data: Path, tmp_path: Path, method: str) -> None:
    result = tune(toy_config(base, data, tmp_path / "run", {"finetuning_type": method, "max_steps": 1}))
    assert load_model(result.model).context == 1024 - 8


@pytest.mark.parametrize(("method", "settings"), [
    ("p_tuning", {}), ("p_tuning", {"prefix_projection": True}), ("p_tuning_v1", {}),
    ("p_tuning_v1", {"prompt_encoder": "lstm"}), ("prompt_tuning", {}),
])
def test_an_adapter_is_trained_on_with_its_own_settings(
    base: Path, data: Path, tmp_path: Path, method: str, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    first = tune(toy_config(base, data, tmp_path / "first", settings | {"finetuning_type": method, "max_steps": 8}))
    network = bool(settings) or method == "p_tuning_v1"
    assert (Path(first.model) / ENCODER).is_file() == network
    config = toy_config(base, data, tmp_path / "more", {
        "finetuning_type": method, "checkpoint_dir": first.model, "pre_seq_len": 3, "template": ""})
    with caplog.at_level(logging.WARNING):
        model = prepared(config)
    assert "pre_seq_len 8 (not 3)" in caplog.text
    torch.testing.assert_close(logits(model), logits(load_model(first.model).model), atol=1e-6, rtol=0)
    second = tune(config)
    assert second.loss < first.loss and load_model(second.model).chat().name == "qwen"
    # The folder of an earlier run may be named as the model.
    assert torch.equal(logits(prepared(replace(config, model_name_or_path=first.model, checkpoint_dir=""))),
                       logits(model))


def test_vectors_without_their_network_are_trained_on_as_plain_ones(base: Path, data: Path, tmp_path: Path) -> None:
    begun = tune(toy_config(base, data, tmp_path / "v1", {"finetuning_type": "p_tuning_v1", "max_steps": 4}))
    first = Path(begun.model)
    want = logits(load_model(first).model)
    (first / ENCODER).unlink()
    config = toy_config(base, data, tmp_path / "more", {"finetuning_type": "p_tuning_v1", "checkpoint_dir": str(first)})
    with pytest.raises(InputError, match="not the network that made them") as e:
        tune(config)
    assert "prompt_tuning" in str(e.value)
    plain = replace(config, finetuning_type="prompt_tuning")
    torch.testing.assert_close(logits(prepared(plain)), want)
    assert tune(plain).steps > 0


def test_an_adapter_of_another_model_is_told(base: Path, tmp_path: Path) -> None:
    other = make_model(tmp_path / "other", byte_level_tokenizer(), width=64)
    config = TrainConfig(str(other), "data", str(tmp_path), finetuning_type="p_tuning_v1", pre_seq_len=4)
    folder = tmp_path / "adapter"
    folder.mkdir()
    method_of(config).save(prepared(config), folder)
    write_card(folder, ModelCard(base_model=str(other)))
    with pytest.raises(InputError, match="does not fit the model"):
        prepared(replace(config, model_name_or_path=str(base), checkpoint_dir=str(folder)))


def test_the_words_that_prompt_tuning_begins_with(base: Path, tmp_path: Path) -> None:
    config = TrainConfig(str(base), "data", str(tmp_path), finetuning_type="prompt_tuning", pre_seq_len=40,
                         prompt_text="找人物")
    loaded, model = load_model(base), prepared(config)
    ids = loaded.tokenizer("找人物", add_special_tokens=False)["input_ids"]
    want = loaded.model.get_input_embeddings().weight[(ids * 40)[:40]]
    assert 1 < len(ids) < 40 and torch.equal(model.prompt_encoder["default"].embedding.weight, want)
    with pytest.raises(InputError, match=f"has {len(ids)} tokens") as e:
        prepared(replace(config, pre_seq_len=len(ids) - 1))
    assert f"pre_seq_len {len(ids)}" in str(e.value)
    with pytest.raises(InputError, match="prompt_text"):
        replace(config, finetuning_type="p_tuning")


@pytest.mark.parametrize("settings", [
    {"layout": "packed"}, {"layout": "branched", "text_first": True}, {"checkpoint_dir": "a,b"},
])
def test_what_vectors_before_the_prompt_cannot_do_is_refused(settings: dict[str, Any]) -> None:
    for method in ("p_tuning", "p_tuning_v1", "prompt_tuning"):
        with pytest.raises(InputError):
            TrainConfig("model", "data", "run", finetuning_type=method, **settings)


def test_gradient_checkpointing_goes_with_vectors_at_the_bottom(base: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gradient checkpointing drops"):
        toy_config(base, data, tmp_path, {"finetuning_type": "p_tuning", "gradient_checkpointing": True})
    losses = []
    for kept in (False, True):
        result = tune(toy_config(base, data, tmp_path / str(kept), {
            "finetuning_type": "prompt_tuning", "gradient_checkpointing": kept, "max_steps": 3}))
        losses.append(result.loss)
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_the_vectors_are_saved_as_peft_saves_them(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    config = TrainConfig(str(base), "data", str(tmp_path), finetuning_type="p_tuning", pre_seq_len=4)
    model = prepared(config)
    steps(model, 2)
    method_of(config).save(model, tmp_path)
    saved = load_file(tmp_path / ADAPTER_FILE)
    assert torch.equal(saved["prompt_embeddings"], model.prompt_encoder["default"].embedding.weight)
