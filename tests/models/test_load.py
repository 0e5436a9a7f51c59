"""Loading: what is read, what is refused, and what the user is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.models.card import FILE, ModelCard, read_card, write_card
from iepile.models.load import LoadOptions, load_model, load_tokenizer
from tiny_models import byte_level_tokenizer, make_model, tiny_llama


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return byte_level_tokenizer()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny", tokenizer)


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


@pytest.fixture
def adapter(original: Path, tmp_path: Path, tokenizer: Any) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model

    from iepile.models.load import quiet

    with quiet():
        model = get_peft_model(
            tiny_llama(tokenizer), LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
        )
    torch.manual_seed(1)
    for name, weights in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights)
    model.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
    config = json.loads((tmp_path / "adapter/adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(original)
    (tmp_path / "adapter/adapter_config.json").write_text(json.dumps(config))
    return tmp_path / "adapter"


def logits(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(input_ids=torch.tensor([[5, 6, 7]])).logits


def test_a_folder_gives_model_and_tokenizer(folder: Path) -> None:
    loaded = load_model(folder)
    assert loaded.context == 1024 and loaded.card is None and not loaded.model.training
    assert loaded.tokenizer.padding_side == "left" and loaded.tokenizer.pad_token == "</s>"
    assert next(loaded.model.parameters()).dtype.is_floating_point


def test_dtype_is_as_asked(folder: Path) -> None:
    import torch

    assert next(load_model(folder, LoadOptions("bf16")).model.parameters()).dtype == torch.bfloat16
    assert next(load_model(folder, LoadOptions(device="cpu")).model.parameters()).dtype == torch.float32
    with pytest.raises(InputError, match="unknown dtype 'int3'"):
        load_model(folder, LoadOptions("int3"))


def test_a_device_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="cuda:77"):
        load_model(folder, LoadOptions(device="cuda:77"))


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model folder"):
        load_model(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        load_model(tmp_path / "file")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "made-up"}')
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError):
        load_model(tmp_path)


def test_a_hub_name_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="hub cannot be reached") as e:
        load_model("nobody/no-such-model")
    assert "download the model first" in str(e.value)


def test_a_folder_without_tokenizer_says_what_to_do(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(InputError, match="holds no tokenizer") as e:
        load_model(folder)
    assert "copy the tokenizer files" in str(e.value)


def test_a_tokenizer_without_padding_and_end_is_refused(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("eos_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="neither a padding nor an end-of-sequence token"):
        load_tokenizer(folder)


def test_only_safetensors_are_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds no weights in safetensors form"):
        load_model(folder)


def test_damaged_weights_are_named(folder: Path) -> None:
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="damaged"):
        load_model(folder)


def test_code_of_a_model_is_not_run_unasked(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "made-up", "auto_map": {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text("raise SystemExit('the code was run')")
    with pytest.raises(InputError, match="bring their own Python code") as e:
        load_model(folder)
    assert "trust_remote_code" in str(e.value)


def test_a_tokenizer_with_more_tokens_than_the_model(folder: Path) -> None:
    tokenizer = byte_level_tokenizer()
    tokenizer.add_tokens([f"word{i}" for i in range(300)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(InputError, match="the tokenizer has"):
        load_model(folder)


def test_an_adapter_is_put_on_its_model(original: Path, adapter: Path) -> None:
    import torch

    plain = logits(load_model(original).model)
    both = load_model(original, LoadOptions(adapter=str(adapter)))
    alone = load_model(adapter)
    assert alone.name == str(original) and alone.adapter == str(adapter)
    assert torch.equal(logits(both.model), logits(alone.model))
    assert not torch.allclose(logits(both.model), plain)


def test_an_adapter_whose_model_is_gone(adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(adapter / "gone" / "away")
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="base model of this adapter is gone"):
        load_model(adapter)


def test_an_adapter_of_another_model(adapter: Path, tmp_path: Path, tokenizer: Any) -> None:
    other = make_model(tmp_path / "other", tokenizer, width=48)
    with pytest.raises(InputError, match="does not fit"):
        load_model(other, LoadOptions(adapter=str(adapter)))


def test_pickled_adapters_are_refused(original: Path, adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(InputError, match="safetensors"):
        load_model(original, LoadOptions(adapter=str(adapter)))


def test_the_folder_of_a_run_stands_for_its_model(folder: Path) -> None:
    write_card(folder, ModelCard(template="qwen", tasks=("NER",)))
    loaded = load_model(folder.parent)
    assert loaded.card == ModelCard(template="qwen", tasks=("NER",)) and loaded.name == str(folder)


def test_a_card_that_cannot_be_read(folder: Path) -> None:
    assert read_card(folder) is None
    (folder / FILE).write_text("{")
    with pytest.raises(InputError, match="not a model card"):
        read_card(folder)
    (folder / FILE).write_text('{"format": 99}')
    with pytest.raises(InputError, match="format 99"):
        load_model(folder)
    (folder / FILE).write_text('{"kind": "compact"}')
    with pytest.raises(InputError, match="of kind 'compact'"):
        load_model(folder)
