"""GGUF files hold the very weights and tokens, and llama.cpp, where it is installed, answers as transformers does."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_toys import LLAMA3, QUESTION, adapter, byte_pairs, save, sentence_pieces, tiny
from iepile.errors import InputError
from iepile.models.chat import Chat
from iepile.models.load import load_model
from iepile.training.export.config import ExportConfig
from iepile.training.export.export import export
from iepile.training.export.gguf import check_architecture
from iepile.training.export.vocabulary import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    Vocabulary,
    read_vocabulary,
    spm_scores,
)

gguf = pytest.importorskip("gguf", reason="needs the library gguf")
ROOT = Path(__file__).parents[2]


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metadata and weights (fp32) of the GGUF file in a folder."""
    (file,) = folder.glob("*.gguf")
    reader = gguf.GGUFReader(file)
    weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape(list(t.shape)[::-1])
               for t in reader.tensors}
    return {name: field.contents() for name, field in reader.fields.items()}, weights


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on a Llama with a SentencePiece tokenizer."""
    tokenizer = sentence_pieces()
    place = tmp_path_factory.mktemp("llama")
    return adapter(place / "run", save(place / "base", tiny("llama", tokenizer), tokenizer), "llama2_zh")


@pytest.mark.parametrize(("dtype", "worst"), [("fp32", 0.0), ("fp16", 1e-3), ("bf16", 4e-3), ("q8_0", 1e-2)])
def test_weights_are_those_of_the_merged_model(llama: Path, tmp_path: Path, dtype: Any, worst: float) -> None:
    import torch

    export(ExportConfig(str(llama), str(tmp_path / "merged")))
    export(ExportConfig(str(llama), str(tmp_path / "gguf"), format="gguf", dtype=dtype))
    state = load_model(tmp_path / "merged").model.state_dict()
    about, weights = read(tmp_path / "gguf")
    assert len(weights) == len(state) == 2 * 9 + 3
    pairs = {"token_embd.weight": "model.embed_tokens.weight", "output.weight": "lm_head.weight",
             "blk.1.ffn_down.weight": "model.layers.1.mlp.down_proj.weight",
             "blk.0.attn_v.weight": "model.layers.0.self_attn.v_proj.weight",
             "output_norm.weight": "model.norm.weight"}
    for theirs, ours in pairs.items():
        assert abs(weights[theirs] - state[ours].numpy()).max() <= worst * state[ours].abs().max().item(), theirs
    # Neighbours turn together there, the two halves of a head here.
    q, permuted = state["model.layers.0.self_attn.q_proj.weight"], weights["blk.0.attn_q.weight"]
    heads = torch.from_numpy(permuted.copy()).view(4, 8, 2, 64).transpose(1, 2).reshape(64, 64)
    assert (heads - q).abs().max() <= worst * q.abs().max()
    assert about["general.architecture"] == "llama" and about["llama.attention.head_count_kv"] == 2
    assert about["tokenizer.ggml.add_bos_token"] is True and about["tokenizer.ggml.add_space_prefix"] is True


def test_tokens_have_their_kinds() -> None:
    tokenizer = sentence_pieces()
    found = read_vocabulary(tokenizer, len(tokenizer) + 3)
    kinds = dict(zip(found.tokens, found.kinds, strict=True))
    assert found.model == "llama" and found.begins_with_blank
    assert (kinds["<unk>"], kinds["<s>"], kinds["<0x0A>"], kinds["▁"]) == (UNKNOWN, CONTROL, BYTE, NORMAL)
    assert found.kinds[-3:] == [UNUSED] * 3 and len(set(found.tokens)) == len(found.tokens)
    assert found.tokens[: len(tokenizer)] == tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))


@pytest.mark.parametrize(("words", "whole", "pre"), [
    (LLAMA3.replace("{1,3}", ""), False, "qwen2"), (LLAMA3, True, "llama-bpe"), (LLAMA3, False, "smaug-bpe"),
    ("", False, "gpt-2")])
def test_how_text_is_cut_is_recognised(words: str, whole: bool, pre: str) -> None:
    tokenizer = byte_pairs(words, whole)
    found = read_vocabulary(tokenizer, len(tokenizer))
    assert (found.model, found.pre, found.scores) == ("gpt2", pre, None)
    assert found.merges and all(len(m.split(" ")) == 2 for m in found.merges)


def test_other_tokenizers_are_refused() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    vocab = {t: n for n, t in enumerate(["<unk>", "a", "b", "c", "ab", "bc", "abc"])}
    merges = [("a", "b"), ("b", "c"), ("ab", "c")]
    trained = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True)))
    unigram = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], 0)))
    for tokenizer, said in (
        (byte_pairs(r"\p{N}+|\S+|\s+"), "cuts text in a way that is not known"),
        (byte_pairs(LLAMA3.replace("{1,3}", ""), True), "cuts text in a way"),
        (unigram, "Unigram"),
        (trained, "llama.cpp would join 'a' and 'bc'"),
    ):
        with pytest.raises(InputError, match=said) as error:
            read_vocabulary(tokenizer, 700)
        assert "convert_hf_to_gguf" in str(error.value)


def test_merges_that_no_scores_can_tell() -> None:
    merges = [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc")]
    assert spm_scores(["a", "b", "c", "ab", "bc", "abc"], merges) == {"ab": 0.0, "bc": -1.0, "abc": -2.0}
    with pytest.raises(InputError, match="join 'a' and 'bc'"):
        spm_scores(["a", "b", "c", "ab", "bc", "abc"], merges[:3])
    with pytest.raises(InputError, match="stand together"):
        spm_scores(["ab", "bc", "abc"], [("a", "bc"), ("a", "b"), ("ab", "c")])


def spm(found: Vocabulary, text: str) -> list[int]:
    """Token ids as llama.cpp makes them: the two neighbours whose union scores highest are joined, the left first."""
    ids = {t: i for i, t in enumerate(found.tokens)}
    assert found.scores is not None
    pieces = list("▁" + text.replace(" ", "▁"))
    while True:
        joined = [(-found.scores[ids[a + b]], n) for n, (a, b) in enumerate(pairwise(pieces))
                  if a + b in ids]
        if not joined:
            break
        _, n = min(joined)
        pieces[n : n + 2] = [pieces[n] + pieces[n + 1]]
    return [i for p in pieces
            for i in ([ids[p]] if p in ids else [ids[f"<0x{b:02X}>"] for b in p.encode("utf-8")])]


SPM = sentence_pieces()
SCORED = read_vocabulary(SPM, len(SPM))


letters = st.sampled_from("abcdeilnorstuAdI,.:\"{}[]() 在广东人物抽取出\né😀0")


@given(st.text(letters, min_size=1).filter(lambda t: "  " not in t))  # runs of one token are ties
def test_scores_give_the_tokens_of_the_merges(text: str) -> None:
    assert spm(SCORED, text) == SPM.encode(text, add_special_tokens=False)


def test_scaled_positions_are_those_of_transformers() -> None:
    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    from iepile.training.export.gguf import _llama3_factors

    rope = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    config = tiny("llama", byte_pairs(), rope_parameters=rope).config
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 1 / 10000.0 ** (torch.arange(0, 16, 2) / 16)
    torch.testing.assert_close(plain / scaled, _llama3_factors(config))


def test_other_models_are_refused(tmp_path: Path) -> None:
    from transformers import AutoConfig

    tokenizer = byte_pairs()
    for config, said in (
        (AutoConfig.for_model("gpt2"), "'gpt2'"), (AutoConfig.for_model("llama", hidden_act="gelu"), "gelu"),
        (AutoConfig.for_model("qwen2", use_sliding_window=True, max_window_layers=1), "sliding"),
        (AutoConfig.for_model("llama", rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}),
         "dynamic"),
    ):
        with pytest.raises(InputError, match=said) as error:
            check_architecture(config)
        assert "convert_hf_to_gguf" in str(error.value)
    model = tiny("llama", tokenizer)
    model.lm_head.weight.data[0, 0] = 1e6
    base = save(tmp_path / "big", model, tokenizer, "qwen")
    with pytest.raises(InputError, match="too large for fp16"):
        export(ExportConfig(str(base), str(tmp_path / "o"), format="gguf"))
    assert not (tmp_path / "o").exists()
    assert export(ExportConfig(str(base), str(tmp_path / "o"), format="gguf", dtype="bf16")).dtype == "bf16"


def test_the_end_of_an_answer_is_the_end_of_text(tmp_path: Path) -> None:
    tokenizer = byte_pairs()
    base = save(tmp_path / "base", tiny("qwen2", tokenizer), tokenizer, "qwen")
    export(ExportConfig(str(base), str(tmp_path / "out"), format="gguf"))
    about, _ = read(tmp_path / "out")
    tokens = about["tokenizer.ggml.tokens"]
    assert tokens[about["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert tokens[about["tokenizer.ggml.eot_token_id"]] == "</s>"
    assert about["tokenizer.ggml.add_bos_token"] is False


def test_the_chat_template_inside_asks_as_we_do(llama: Path, tmp_path: Path) -> None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    export(ExportConfig(str(llama), str(tmp_path / "out"), format="gguf", dtype="q8_0"))
    about, _ = read(tmp_path / "out")
    template = ImmutableSandboxedEnvironment().from_string(about["tokenizer.chat_template"])
    loaded = load_model(llama)
    for said in ([], [{"role": "system", "content": "Be exact."}]):
        text = template.render(messages=[*said, {"role": "user", "content": QUESTION}])
        system = said[0]["content"] if said else None
        asked = Chat(loaded.tokenizer, "llama2_zh", system).prompt_ids(QUESTION)
        assert loaded.tokenizer.encode(text, add_special_tokens=False) == asked


@pytest.fixture(scope="module")
def parity() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gguf_parity", ROOT / "benchmarks" / "gguf_parity.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES: dict[str, tuple[str, Callable[[], Any], str, dict[str, Any]]] = {
    "llama, SentencePiece": ("llama", sentence_pieces, "alpaca", {}),
    "llama3": ("llama", lambda: byte_pairs(LLAMA3, True), "llama3", {"attention_bias": True}),
    "mistral": ("mistral", sentence_pieces, "mistral", {}),
    "qwen2": ("qwen2", byte_pairs, "qwen", {}),
    "qwen3": ("qwen3", byte_pairs, "qwen", {"tie_word_embeddings": True}),
}


@pytest.mark.parametrize("name", CASES)
def test_llama_cpp_answers_as_transformers(name: str, parity: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs llama-cpp-python, which takes minutes to build")
    kind, make, template, more = CASES[name]
    tokenizer = make()
    made = adapter(tmp_path / "run", save(tmp_path / "base", tiny(kind, tokenizer, **more), tokenizer), template)
    result = export(ExportConfig(str(made), str(tmp_path / "out"), format="gguf", dtype="fp32"))
    found = parity.compare(made, tmp_path / "out", QUESTION)
    assert result.same_tokens and found.same_ids and found.tokens > 50
    assert found.logit_difference < 1e-3 < 5 < found.logit_range
    assert found.same_greedy == found.greedy > 20
    messages = [{"role": "user", "content": QUESTION}]
    import llama_cpp

    model = llama_cpp.Llama(str(tmp_path / "out" / "model-fp32.gguf"), n_ctx=512, n_threads=1, verbose=False)
    answer = model.create_chat_completion(messages, temperature=0, repeat_penalty=1.0, max_tokens=1)
    model.close()
    assert answer["usage"]["prompt_tokens"] == found.tokens, "its chat template asks with as many tokens"
    facts = json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))
    assert facts["form"] == "gguf" and facts["template"] == template
