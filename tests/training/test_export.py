"""Exports: the same logits and prompts as the model that was trained, whole folders, and nothing sent anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from export_toys import QUESTION, adapter, byte_pairs, save, sentence_pieces, tiny, training_run
from iepile.cli.main import main
from iepile.errors import InputError
from iepile.models.card import read_card
from iepile.models.load import Loaded, LoadOptions, load_model
from iepile.models.vendor import quiet
from iepile.training.export.config import ExportConfig
from iepile.training.export.export import STAMP, export


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 in fp32, without a card."""
    tokenizer = byte_pairs()
    return save(tmp_path_factory.mktemp("base") / "tiny", tiny("qwen2", tokenizer), tokenizer)


@pytest.fixture(scope="module")
def run(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on it, as the output folder of a training run."""
    return training_run(tmp_path_factory.mktemp("run"), base)


def logits(loaded: Loaded) -> Any:
    import torch

    chat = loaded.chat()
    with torch.no_grad():
        return loaded.model(torch.tensor([chat.prompt_ids(QUESTION) + chat.answer_ids('{"人物": []}')])).logits


def test_merged_gives_the_logits_of_the_adapter(base: Path, run: Path, tmp_path: Path) -> None:
    import torch

    result = export(ExportConfig(str(run), str(tmp_path / "out")))
    assert result.template == "qwen" and result.dtype == "float32" and result.same_tokens
    before, after = load_model(run), load_model(tmp_path / "out")
    assert not after.adapter and after.card is not None
    assert after.card.finetuning_type == "full" and after.card.tasks == ("NER",)
    torch.testing.assert_close(logits(after), logits(before), rtol=0, atol=2e-5)
    assert not torch.allclose(logits(after), logits(Loaded(load_model(base).model, after.tokenizer, after.card, "")))


@pytest.mark.parametrize("settings", [{"use_dora": True}, {"use_rslora": True}, {"modules_to_save": ["lm_head"]}])
def test_other_adapters_are_merged_as_well(base: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    import torch

    made = adapter(tmp_path / "run", base, **settings)
    export(ExportConfig(str(made), str(tmp_path / "out")))
    torch.testing.assert_close(logits(load_model(tmp_path / "out")), logits(load_model(made)), rtol=0, atol=5e-5)


def test_adapters_are_merged_in_order(base: Path, tmp_path: Path) -> None:
    import torch

    one, two = adapter(tmp_path / "1", base, seed=1), adapter(tmp_path / "2", base, seed=2, use_dora=True)
    both = f"{one},{two}"
    export(ExportConfig(str(base), str(tmp_path / "at once"), checkpoint_dir=both))
    export(ExportConfig(str(base), str(tmp_path / "first"), checkpoint_dir=str(one)))
    export(ExportConfig(str(tmp_path / "first"), str(tmp_path / "second"), checkpoint_dir=str(two)))
    at_once, in_turn = (logits(load_model(tmp_path / n)) for n in ("at once", "second"))
    torch.testing.assert_close(at_once, in_turn, rtol=0, atol=2e-5)
    export(ExportConfig(str(base), str(tmp_path / "turned"), checkpoint_dir=f"{two},{one}"))
    turned = logits(load_model(tmp_path / "turned"))
    assert not torch.allclose(turned, at_once, atol=1e-3), "DoRA makes the order matter"


def test_half_precision_is_rounded_once_after_merging(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    tokenizer = byte_pairs()
    base = save(tmp_path / "base", tiny("llama", tokenizer), tokenizer, dtype=torch.bfloat16)
    made = adapter(tmp_path / "run", base)
    result = export(ExportConfig(str(made), str(tmp_path / "out")))
    assert result.dtype == "bfloat16", "as the base is stored"
    name = "model.layers.0.self_attn.q_proj.weight"
    weights = load_file(made / "model" / "adapter_model.safetensors")
    a, b = (weights[f"base_model.model.model.layers.0.self_attn.q_proj.lora_{s}.weight"] for s in "AB")
    exact = load_file(base / "model.safetensors")[name].float() + 2.0 * (b @ a)
    assert torch.equal(load_file(tmp_path / "out" / "model.safetensors")[name], exact.bfloat16())
    assert export(ExportConfig(str(made), str(tmp_path / "16"), dtype="fp16")).dtype == "float16"
    assert export(ExportConfig(str(base), str(tmp_path / "plain"))).dtype == "bfloat16"
    plain, stored = (load_file(f / "model.safetensors")[name] for f in (tmp_path / "plain", base))
    assert torch.equal(plain, stored)


def test_shards(run: Path, tmp_path: Path) -> None:
    result = export(ExportConfig(str(run), str(tmp_path / "out"), max_shard_size="200KB"))
    assert sum(f.endswith(".safetensors") for f in result.files) > 1
    assert load_model(tmp_path / "out").model is not None


def test_other_servers_ask_as_we_do_and_stop(run: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    export(ExportConfig(str(run), str(tmp_path / "out")))
    chat = load_model(tmp_path / "out").chat()
    served = AutoTokenizer.from_pretrained(tmp_path / "out")
    asked = [{"role": "user", "content": QUESTION}]
    ids = served.apply_chat_template(asked, add_generation_prompt=True, tokenize=True, return_dict=False)
    assert list(ids) == chat.prompt_ids(QUESTION)
    settings = GenerationConfig.from_pretrained(tmp_path / "out")
    assert settings.eos_token_id == list(chat.stop_ids) and len(chat.stop_ids) == 2
    assert settings.do_sample is False


def test_adapter_is_used_by_peft(base: Path, run: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    result = export(ExportConfig(str(run), str(tmp_path / "out"), format="adapter"))
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "iepile.json", "README.md"} <= set(
        result.files)
    with quiet():
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "out").eval()
    loaded = load_model(run)
    ids = torch.tensor([loaded.chat().prompt_ids(QUESTION)])
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, loaded.model(ids).logits)
    assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template
    assert read_card(tmp_path / "out") == read_card(run / "model")
    assert not any(n.startswith("model") for n in result.files), "no weights of the base"


def test_adapter_refuses(base: Path, run: Path, tmp_path: Path) -> None:
    for model, adapters, said in ((base, "", "has no adapter"), (run, str(run), "both"), (base, "a,b", "several")):
        with pytest.raises(InputError, match=said):
            export(ExportConfig(str(model), str(tmp_path / "o"), format="adapter", checkpoint_dir=adapters))
    assert not (tmp_path / "o").exists()


def test_vectors_before_the_prompt_have_no_place_in_weights(base: Path, tmp_path: Path) -> None:
    from peft import PromptTuningConfig, get_peft_model

    loaded = load_model(base, LoadOptions("fp32", "cpu"))
    with quiet():
        made = get_peft_model(loaded.model, PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"))
    made.peft_config["default"].base_model_name_or_path = str(base)
    made.save_pretrained(tmp_path / "v")
    with pytest.raises(InputError, match="cannot be merged"):
        export(ExportConfig(str(base), str(tmp_path / "o"), checkpoint_dir=str(tmp_path / "v")))
    assert [p.name for p in tmp_path.iterdir()] == ["v"]
    result = export(ExportConfig(str(base), str(tmp_path / "o"), format="adapter", checkpoint_dir=str(tmp_path / "v")))
    assert result.dtype == "F32"
    assert load_model(tmp_path / "o").model.active_peft_config.num_virtual_tokens == 3


def test_an_adapter_of_quantised_weights_is_merged_into_those_before(base: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes")
    made = adapter(tmp_path / "run", base, bits=4)
    export(ExportConfig(str(made), str(tmp_path / "out")))
    name = "model.layers.1.mlp.down_proj"
    weights = load_file(made / "model" / "adapter_model.safetensors")
    a, b = (weights[f"base_model.model.{name}.lora_{s}.weight"].float() for s in "AB")
    before, after = (load_file(f / "model.safetensors")[f"{name}.weight"] for f in (base, tmp_path / "out"))
    torch.testing.assert_close(after, before + 2.0 * (b @ a))


@pytest.mark.slow
def test_a_run_is_exported_and_answers_as_before(base: Path, run: Path, tmp_path: Path) -> None:
    rows = str(run / "train.json")
    assert main(["train", "--model_name_or_path", str(base), "--train_file", rows, "--output_dir", f"{tmp_path}/run",
                 "--template", "qwen", "--max_steps", "2", "--learning_rate", "0.05", "--threads", "1"]) == 0
    assert main(["export", "--model_name_or_path", f"{tmp_path}/run", "--export_dir", f"{tmp_path}/merged"]) == 0
    for model in ("run", "merged"):
        assert main(["predict", "--model", f"{tmp_path}/{model}", "--input_file", rows, "--output_file",
                     f"{tmp_path}/{model}.json", "--max_new_tokens", "24"]) == 0
    before, after = ((tmp_path / f"{m}.json").read_text("utf-8").splitlines() for m in ("run", "merged"))
    assert [json.loads(r)["output"] for r in before] == [json.loads(r)["output"] for r in after]
    assert "| train_file | train.json | 3 |" in (tmp_path / "merged" / "README.md").read_text("utf-8")


def test_a_quantised_base_is_refused(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iepile.training.export import merged

    loaded = load_model(base)
    loaded.model.config.quantization_config = {"load_in_4bit": True}
    monkeypatch.setattr(merged, "load_model", lambda *_: loaded)
    with pytest.raises(InputError, match="quantised"):
        export(ExportConfig(str(base), str(tmp_path / "o")))


def test_only_an_export_is_replaced(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(ExportConfig(str(run), str(out), format="adapter"))
    with pytest.raises(InputError, match="holds an export"):
        export(ExportConfig(str(run), str(out)))
    export(ExportConfig(str(run), str(out), overwrite=True))
    assert not (out / "adapter_config.json").exists() and (out / "model.safetensors").is_file()
    (out / STAMP).unlink()
    with pytest.raises(InputError, match="no export of ours"):
        export(ExportConfig(str(run), str(out), overwrite=True))
    assert (out / "model.safetensors").is_file()
    with pytest.raises(InputError, match="is a file"):
        export(ExportConfig(str(run), str(run / "run.json")))


def test_an_export_that_fails_leaves_the_earlier_one(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iepile.training.export import export as module

    export(ExportConfig(str(run), str(tmp_path / "out")))
    before = {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir()}

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, "write_model_card", broken)
    with pytest.raises(RuntimeError, match="broken"):
        export(ExportConfig(str(run), str(tmp_path / "out"), overwrite=True))
    assert [p.name for p in tmp_path.iterdir()] == ["out"], "and nothing half written"
    assert {f.name: f.read_bytes() for f in (tmp_path / "out").iterdir()} == before


def test_same_export_same_bytes(run: Path, tmp_path: Path) -> None:
    for form in ("merged", "adapter", "gguf"):
        made = []
        for n in (1, 2):
            export(ExportConfig(str(run), str(tmp_path / str(n) / "out"), format=form, overwrite=True))
            made.append({f.name: f.read_bytes() for f in (tmp_path / str(n) / "out").iterdir()})
        assert made[0] == made[1], form


def test_onnx_is_for_the_compact_model(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a language model is not written as ONNX"):
        export(ExportConfig(str(run), str(tmp_path / "o"), format="onnx"))
    (tmp_path / "compact").mkdir()
    (tmp_path / "compact" / "config.json").write_text('{"kind": "compact"}', "utf-8")
    with pytest.raises(InputError, match="compact model"):
        export(ExportConfig(str(tmp_path / "compact"), str(tmp_path / "o")))


def test_command_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--model_name_or_path", str(run), "--export-dir", f"{tmp_path}/out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["template"] == "qwen"
    assert main(["export", "--model_name_or_path", str(run), "--export_dir", f"{tmp_path}/out"]) == 2
    assert "holds an export" in capsys.readouterr().err
    assert main(["export", "--model_name_or_path", str(run), "--export_dirr", "x"]) == 2


def test_the_command_of_the_older_script(
    base: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("--model_name_or_path {base} --checkpoint_dir {run} --export_dir {out} --stage sft --model_name qwen2 "
               "--template qwen --finetuning_type lora --bits 16 --bf16 --output_dir x --lora_r 16 --do_train "
               "--gradient_checkpointing true --cutoff_len 512").format(base=base, run=run, out=tmp_path / "out")
    assert main(["export", *command.split()]) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: --")]
    names = {line.split()[1] for line in warned}
    assert names == {"--stage", "--model_name", "--finetuning_type", "--bits", "--output_dir", "--lora_r", "--do_train",
                     "--gradient_checkpointing", "--cutoff_len"} and len(warned) == len(names)
    assert load_model(tmp_path / "out", LoadOptions("auto")).model is not None
    assert json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))["dtype"] == "bfloat16"


def test_sentencepiece_tokenizers_are_served_with_their_blanks(tmp_path: Path) -> None:
    tokenizer = sentence_pieces()
    base = save(tmp_path / "base", tiny("llama", tokenizer), tokenizer, "alpaca")
    assert export(ExportConfig(str(base), str(tmp_path / "out"))).same_tokens
