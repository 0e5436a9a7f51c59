"""Loading: what is read, what is refused, and what the user is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError, MissingDependency
from iepile.models.card import FILE, ModelCard, read_card, write_card
from iepile.models.device import pick_dtype
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

    from iepile.models.vendor import quiet

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
    with pytest.raises(InputError, match="holds no weights in safetensors form") as e:
        load_model(folder)
    assert "allow_pickle_weights" in str(e.value)


def test_pickled_weights_are_read_where_that_is_allowed(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    want = logits(load_model(folder).model)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    loaded = load_model(folder, LoadOptions(allow_pickle_weights=True))
    assert torch.equal(logits(loaded.model), want)


class Program:
    """A pickle that runs something when it is read carelessly."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_a_program_in_pickled_weights_is_never_run(folder: Path, tmp_path: Path) -> None:
    import torch

    torch.save({"model.embed_tokens.weight": Program(tmp_path / "was run")}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="not numbers, and may be a program"):
        load_model(folder, LoadOptions(allow_pickle_weights=True))
    assert not (tmp_path / "was run").exists()


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


def test_code_of_a_hub_model_is_named_as_well(folder: Path, tmp_path: Path) -> None:
    """A cache as the hub's library keeps it, with no hub."""
    from iepile.models.load import load_config

    place = tmp_path / "cache" / "models--someone--chat"
    snapshot = place / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40)
    config = {"model_type": "chatglm", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"}}
    (snapshot / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="models of the family chatglm bring their own Python code"):
        load_config("someone/chat", LoadOptions(cache_dir=str(tmp_path / "cache")))


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


def test_an_adapter_of_a_model_with_other_layers(adapter: Path, tmp_path: Path, tokenizer: Any) -> None:
    shallow = make_model(tmp_path / "shallow", tokenizer, layers=1)
    with pytest.raises(InputError, match=r"the model has no layer model\.layers\.1\.self_attn\.q_proj") as e:
        load_model(shallow, LoadOptions(adapter=str(adapter)))
    named = json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert f"name the model it was trained on: {named}" in str(e.value)


def test_an_adapter_that_fits_another_model_by_chance(adapter: Path, tmp_path: Path, tokenizer: Any,
                                                      caplog: pytest.LogCaptureFixture) -> None:
    other = make_model(tmp_path / "sister", tokenizer, seed=9)
    load_model(other, LoadOptions(adapter=str(adapter)))
    assert "the adapter was made for" in caplog.text and "sister" in caplog.text


def test_several_adapters_all_but_the_last_are_merged(original: Path, adapter: Path, tmp_path: Path) -> None:
    import torch

    second = Path(shutil.copytree(adapter, tmp_path / "second"))
    once = load_model(original, LoadOptions(adapter=str(adapter))).model.merge_and_unload()
    once.save_pretrained(tmp_path / "once")
    load_tokenizer(original).save_pretrained(tmp_path / "once")
    want = logits(load_model(tmp_path / "once", LoadOptions(adapter=str(second))).model)
    loaded = load_model(original, LoadOptions(adapter=f"{adapter}, {second}"))
    assert torch.allclose(logits(loaded.model), want, atol=1e-6) and loaded.adapter == str(second)
    with pytest.raises(InputError, match="several adapters"):
        load_model(original, LoadOptions(adapter=f"{adapter},{second}", bits=4))


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


@pytest.mark.parametrize(("options", "far"), [
    (LoadOptions(bits=8), 0.05), (LoadOptions(bits=4), 0.4),
    (LoadOptions(bits=4, quant_type="fp4", double_quant=False, dtype="bf16"), 0.5),
])
def test_quantised_weights_answer_nearly_alike(options: LoadOptions, far: float, tmp_path: Path,
                                               tokenizer: Any) -> None:
    import torch

    pytest.importorskip("bitsandbytes")
    folder = make_model(tmp_path / "wide", tokenizer, width=64)
    want = logits(load_model(folder).model)
    model = load_model(folder, options).model
    kinds = {type(m).__name__ for m in model.modules()}
    assert ("Linear8bitLt" if options.bits == 8 else "Linear4bit") in kinds
    got = logits(model).float()
    assert 0 < float(torch.norm(got - want) / torch.norm(want)) < far


def test_an_adapter_on_quantised_weights(original: Path, adapter: Path) -> None:
    import torch

    pytest.importorskip("bitsandbytes")
    want = logits(load_model(adapter).model)
    loaded = load_model(original, LoadOptions(adapter=str(adapter), bits=8))
    assert torch.norm(logits(loaded.model) - want) / torch.norm(want) < 0.05


def test_bits_that_are_none_and_a_library_that_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    with pytest.raises(InputError, match="is 5") as e:
        load_model(folder, LoadOptions(bits=5))
    assert "16, 8, 4" in str(e.value)
    with pytest.raises(InputError, match="'int4'"):
        load_model(folder, LoadOptions(bits=4, quant_type="int4"))
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingDependency, match=r"bitsandbytes(.|\n)*quant"):
        load_model(folder, LoadOptions(bits=4))


def test_attention_code_is_as_asked(folder: Path) -> None:
    assert load_model(folder, LoadOptions(attn_implementation="eager")).model.config._attn_implementation == "eager"
    with pytest.raises(InputError, match="FlashAttention2"):
        load_model(folder, LoadOptions(attn_implementation="flash_attention_2"))


def test_bfloat16_on_a_gpu_that_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import contextlib

    import torch

    monkeypatch.setattr(torch.cuda, "device", lambda name: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Old GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    with pytest.raises(InputError, match="Old GPU does not compute in bfloat16"):
        pick_dtype("bf16", "cuda:0")
    assert pick_dtype("fp16", "cuda:0") is torch.float16 and pick_dtype("bf16", "cpu") is torch.bfloat16


def test_the_word_for_a_family_gives_way_to_the_config(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded = load_model(folder, LoadOptions(model_name="ChatGLM"))
    assert loaded.family == "llama"
    assert [r.message for r in caplog.records] == [
        f"{folder}: model_name is ChatGLM, but its config.json says llama, which holds"]
    caplog.clear()
    for word in ("Vicuna", "deepseek", "never heard of"):
        assert load_model(folder, LoadOptions(model_name=word)).family == (word if word[0] != "n" else "llama")
    assert not caplog.records


def test_the_template_of_a_model(folder: Path) -> None:
    assert load_model(folder).chat().name == "alpaca"
    assert load_model(folder, LoadOptions(model_name="vicuna")).chat().name == "vicuna"
    write_card(folder, ModelCard(template="llama2", system="Be exact."))
    loaded = load_model(folder, LoadOptions(model_name="vicuna"))
    assert (loaded.chat().name, loaded.chat().system) == ("llama2", "Be exact.")
    assert loaded.chat("qwen").name == "qwen"
    assert loaded.chat("qwen", "").template.system == ""
