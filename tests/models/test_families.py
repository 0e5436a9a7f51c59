"""Families: the names of the guides, and no KeyError for the rest."""

from __future__ import annotations

from iepile.models.families import ALL_LINEAR, families, family_of, lora_targets


def test_names_of_the_guides_are_known() -> None:
    for name in ("llama", "alpaca", "vicuna", "zhixi", "falcon", "baichuan", "chatglm", "qwen", "moss", "openba",
                 "cpm-bee", "baichuan2", "qwen2", "llama3", "Qwen1.5"):
        assert family_of(name) is not None, name


def test_no_name_belongs_to_two_families() -> None:
    for part in ("names", "model_types"):
        every = [n for f in families() for n in getattr(f, part)]
        assert len(every) == len(set(every))


def test_targets_are_those_of_the_family_that_occur() -> None:
    modules = ["model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj", "lm_head"]
    assert lora_targets("llama", modules) == ["q_proj", "down_proj"]
    assert lora_targets("qwen", ["h.0.attn.c_proj", "h.0.c_attn"]) == ["c_attn", "attn.c_proj"]


def test_unknown_families_and_strange_relatives_get_all_linear_layers() -> None:
    assert lora_targets("made-up", ["a.b"]) == ALL_LINEAR
    assert lora_targets("llama", ["renamed.proj"]) == ALL_LINEAR
