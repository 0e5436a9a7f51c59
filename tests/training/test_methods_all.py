"""Every method of tuning: it learns, changes nothing else, comes back from its folder, goes on exactly, and answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.extraction.dev_score import tune_scored
from iepile.extraction.engines.engine import Request, open_engine
from iepile.extraction.engines.transformers import TransformersOptions
from iepile.instruction import Instruction
from iepile.models.card import ModelCard, read_card, write_card
from iepile.models.load import load_model
from iepile.training.methods.method import method_of
from iepile.training.tune import tune
from method_toy import METHODS, Killed, die_at, logits, prepared, steps, toy_config, write_rows
from tiny_models import byte_level_tokenizer, make_model

TRAINED = {
    "lora": "lora_", "dora": "lora_", "rslora": "lora_", "gaussian": "lora_", "pissa": ".default.",
    "pissa fast, rslora": ".default.", "olora": ".default.", "lora and modules": ".default",
    "pissa and modules": ".default.", "full": "", "freeze": "layers.1.mlp", "freeze first": "layers.0.",
    "neftune": "lora_",
}
"""Part of the names of what a method trains; where nothing is said: `prompt_encoder`."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "train.json")


def saved(config: Any, model: Any, folder: Path) -> Path:
    folder.mkdir()
    method_of(config).save(model, folder)
    load_model(config.model_name_or_path).tokenizer.save_pretrained(folder)
    write_card(folder, ModelCard(base_model=config.model_name_or_path, finetuning_type=config.finetuning_type))
    return folder


@pytest.mark.parametrize("name", METHODS)
def test_it_learns_and_changes_nothing_else(base: Path, data: Path, tmp_path: Path, name: str) -> None:
    config = toy_config(base, data, tmp_path / "run", METHODS[name])
    model = prepared(config)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    # A model of random weights listens little to what stands before.
    losses = steps(model, 20, 0.1) if name not in TRAINED else steps(model, 8)
    assert losses[-1] < losses[0] - (0.05 if name in TRAINED else 0.03), losses
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {n for n in before if TRAINED.get(name, "prompt_encoder") in n}
    assert changed == {n for n, p in model.named_parameters() if p.requires_grad}
    plain = load_model(base).model.state_dict()
    prefix = "base_model." if name not in TRAINED else "base_model.model."
    inner = {n.replace(".base_layer", "").replace(".original_module", "").removeprefix(prefix): p
             for n, p in model.named_parameters(remove_duplicate=False)}
    own = changed if config.finetuning_type in ("full", "freeze") else set()
    assert all(torch.equal(inner[n], weight) for n, weight in plain.items() if n not in own)


@pytest.mark.parametrize("name", METHODS)
def test_its_folder_gives_the_same_model(base: Path, data: Path, tmp_path: Path, name: str) -> None:
    config = toy_config(base, data, tmp_path / "run", METHODS[name])
    model = prepared(config)
    steps(model)
    want = logits(model)
    folder = saved(config, model, tmp_path / "model")
    # Vectors are saved ready, a network made them; PiSSA is saved as one matrix in place of two.
    torch.testing.assert_close(logits(load_model(folder).model), want, atol=2e-6, rtol=0)
    again = prepared(config, folder)
    assert torch.equal(logits(again), want)
    parameters = dict(again.named_parameters())
    assert all(torch.equal(parameters[n], p) for n, p in model.named_parameters())
    assert not list(folder.rglob("*.bin")) and not list(folder.rglob("*.pt"))


@pytest.mark.parametrize("name", METHODS)
def test_a_run_that_died_goes_on_exactly(base: Path, data: Path, tmp_path: Path, name: str) -> None:
    whole, broken = (toy_config(base, data, tmp_path / place, METHODS[name]) for place in ("whole", "broken"))
    tune(whole)
    with pytest.raises(Killed):
        tune(broken, die_at(5))
    assert tune(broken).resumed_from == 3
    log = (tmp_path / "whole/train_log.jsonl").read_bytes()
    assert log == (tmp_path / "broken/train_log.jsonl").read_bytes() and log.count(b"\n") >= 8
    for file in (tmp_path / "whole/model").glob("*.safetensors"):
        assert file.read_bytes() == (tmp_path / "broken/model" / file.name).read_bytes()


@pytest.mark.parametrize("name", METHODS)
def test_a_tuned_model_answers_under_the_grammar(base: Path, data: Path, tmp_path: Path, name: str) -> None:
    config = toy_config(base, data, tmp_path / "run", METHODS[name] | {"max_steps": 4})
    tune(config)
    card = read_card(tmp_path / "run/model")
    assert card is not None and card.finetuning_type == config.finetuning_type and card.template == "qwen"
    texts = ["康有为在此", "梁启超与孙中山同在广东", "黄"]
    requests = [Request(str(n), "NER", Instruction("找", ["人物"], t).render()) for n, t in enumerate(texts)]
    options = TransformersOptions(max_new_tokens=40, max_items=2)
    engine = open_engine("transformers", config.output_dir, options)
    together = {c.key: c.text for c in engine.generate(requests)}
    for text, request in zip(texts, requests, strict=True):
        answer = json.loads(together[request.key])
        assert list(answer) == ["人物"] and all(name in text for name in answer["人物"])
        # An answer does not depend on the rows beside it.
        assert [c.text for c in engine.generate([request])] == [together[request.key]]


@pytest.mark.parametrize("settings", [
    {"additional_target": "lm_head", "upcast_layernorm": True}, {"bits": 4}, {"finetuning_type": "p_tuning"},
    {"finetuning_type": "freeze", "num_layer_trainable": 1},
], ids=str)
def test_a_model_in_half_precision_answers_while_it_is_trained(
    data: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    base = make_model(tmp_path / "tiny", byte_level_tokenizer(), width=64)
    dev = tmp_path / "dev.json"
    with data.open(encoding="utf-8") as f, dev.open("w", encoding="utf-8") as out:
        for n, line in zip(range(3), f, strict=False):
            row = json.loads(line)
            label = [{"entity": name, "entity_type": "人物"} for name in json.loads(row["output"])["人物"]]
            out.write(json.dumps({"id": n, "task": "NER", "source": "toy", "instruction": row["instruction"],
                                  "label": json.dumps(label)}) + "\n")
    result = tune_scored(toy_config(base, data, tmp_path / "run", settings | {
        "bf16": True, "dev_file": str(dev), "dev_rows": 0, "max_steps": 2, "eval_steps": 1, "max_new_tokens": 20}))
    assert result.dev_f1 is not None and result.steps == 2
