"""Memory: estimates against what models really take, and what is said where it is too little."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.models import memory
from iepile.models.memory import check_memory, free_memory, loading_bytes, model_size, training_bytes
from tiny_models import byte_level_tokenizer, make_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "m", byte_level_tokenizer(), width=64, layers=3)


def test_the_size_of_a_model_is_its_own(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    size = model_size(str(folder))
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert size.parameters == sum(p.numel() for p in model.parameters())
    blocks = sum(p.numel() for n, p in model.named_parameters() if ".layers." in n and p.ndim == 2)
    assert blocks <= size.linear <= blocks + 64 * 7  # the vectors of norms are counted in
    assert (size.layers, size.width) == (3, 64) and size.vocabulary == model.config.vocab_size


def test_without_weights_the_shape_says_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    assert model_size(str(tmp_path)) == model_size(str(folder))


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_other_architectures_have_a_size(kind: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    sizes: dict[str, Any] = {
        "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "vocab_size": 99},
        "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 99},
    }
    config = AutoConfig.for_model(kind, **sizes[kind])
    made = (AutoModelForSeq2SeqLM if kind == "t5" else AutoModelForCausalLM).from_config(config)
    made.save_pretrained(tmp_path)
    size = model_size(str(tmp_path))
    assert size.parameters == sum(p.numel() for p in made.parameters())
    assert (size.width, size.layers, size.vocabulary) == (16, 4 if kind == "t5" else 2, 99)


def test_weights_take_what_their_format_says(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    size = model_size(str(folder))
    for dtype, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=kind)
        assert loading_bytes(size, dtype) == sum(p.numel() * p.element_size() for p in model.parameters())
    assert size.parameters < loading_bytes(size, "bf16", 8) < loading_bytes(size, "bf16")
    assert loading_bytes(size, "bf16", 4) < loading_bytes(size, "bf16", 8)


def test_a_training_step_takes_about_what_is_said(folder: Path) -> None:
    """Bytes that backward keeps, counted as autograd saves them."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).train()
    ids = torch.randint(0, 300, (4, 64), generator=torch.Generator().manual_seed(0))
    held: dict[int, int] = {}

    def keep(t: Any) -> Any:
        if not isinstance(t, torch.nn.Parameter):
            held[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    size = model_size(str(folder))
    states = 12 * size.parameters + loading_bytes(size)
    said = training_bytes(size, size.parameters, ids.numel()) - states
    assert 0.5 * sum(held.values()) < said < 2 * sum(held.values())
    assert training_bytes(size, 0, ids.numel(), checkpointing=True) < training_bytes(size, 0, ids.numel())


def test_too_little_memory_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch,
                                                   caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: 8 * 2**30)
    with pytest.raises(InputError, match=r"training needs about 9\.0 GiB, and 8\.0 GiB of memory are free") as e:
        check_memory(9 * 2**30, "cpu", "training")
    assert "bits 4" in str(e.value) and not caplog.text
    check_memory(int(7.5 * 2**30), "cuda:0", "loading")
    assert "it may not fit" in caplog.text
    caplog.clear()
    check_memory(2**30, "cpu", "loading")
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    check_memory(2**60, "mps", "loading")
    assert not caplog.text


def test_what_is_free_is_read_and_a_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = free_memory("cpu")
    assert free is not None and 2**20 < free < 2**50
    (tmp_path / "max").write_text("5000000")
    (tmp_path / "now").write_text("2000000")
    monkeypatch.setattr(memory, "_CGROUPS", ((str(tmp_path / "max"), str(tmp_path / "now")),))
    assert free_memory("cpu") == 3000000
    (tmp_path / "max").write_text("max")
    assert (free_memory("cpu") or 0) > 3000000
    assert free_memory("mps") is None


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "made-up"}))
    with pytest.raises(InputError):
        model_size(str(tmp_path))
