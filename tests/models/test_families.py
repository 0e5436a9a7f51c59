"""Families: the names of the guides, and no KeyError for the rest."""

from __future__ import annotations

from iepile.models.families import ALL_LINEAR, agrees, default_templates, families, family_of, lora_targets
from iepile.models.template import OWN, template_names


def test_names_of_the_guides_are_known() -> None:
    for name in ("llama", "alpaca", "vicuna", "zhixi", "falcon", "baichuan", "chatglm", "qwen", "moss", "openba",
                 "cpm-bee", "baichuan2", "qwen2", "llama3", "Qwen1.5", "Llama-2", "LLAMA_3.1", "internlm", "yi",
                 "gemma", "phi", "deepseek", "bloom", "gpt2", "t5", "glm", "mistral", "Chinese-Alpaca"):
        assert family_of(name) is not None, name
    assert family_of("never heard of") is None


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


def test_a_hint_can_be_true_or_not() -> None:
    assert agrees("vicuna", "llama") and agrees("deepseek", "qwen2") and agrees("glm4", "chatglm")
    assert agrees("anything", "llama") and agrees("llama", "made-up")
    assert not agrees("llama", "qwen2") and not agrees("qwen", "qwen2")


def test_templates_of_families_are_shipped_ones_best_first() -> None:
    for family in families():
        assert {*family.templates, *family.named.values()} <= set(template_names()) - {OWN}, family.name
        assert set(family.named) <= set(family.names), family.name
        assert set(family.kin) <= {f.name for f in families()}, family.name
    assert default_templates("baichuan") == ("baichuan2", "baichuan")
    assert default_templates("Baichuan-1")[0] == "baichuan" and default_templates("vicuna") == ("vicuna",)
    assert default_templates("llama") == default_templates("made-up") == ()


def test_layers_that_the_reference_names() -> None:
    """formats.md 3.2; its layers of moss are those of llama, which moss does not have."""
    seven = "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"
    for name, targets in {
        "llama": seven, "mistral": seven, "qwen2": seven,
        "falcon": "query_key_value dense dense_h_to_4h dense_4h_to_h",
        "chatglm": "query_key_value dense dense_h_to_4h dense_4h_to_h",
        "baichuan": "W_pack o_proj gate_proj down_proj up_proj", "qwen": "c_attn attn.c_proj w1 w2 mlp.c_proj",
        "cpm-bee": "project_q project_v", "openba": "q kv qkv o fc_in fc_out",
    }.items():
        family = family_of(name)
        assert family is not None and set(family.lora_targets) == set(targets.split()), name
