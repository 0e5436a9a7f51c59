"""Prompts that begin alike are read once, and are answered as if they were read one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.extraction.engines.engine import Request, open_engine
from iepile.extraction.engines.transformers import TransformersEngine
from iepile.extraction.shared_prefix import can_share, groups_of, read_shared
from iepile.instruction import Instruction, text_first
from iepile.models.card import ModelCard, write_card
from tiny_models import byte_level_tokenizer, make_model
from toy_families import CAUSAL, texts, toy, with_lora

NEW = 12


def prompts(count: int, questions: int, seed: int = 5, stem: int = 40) -> list[list[int]]:
    return [e.ids.tolist()[: e.prompt] for e in texts(count, questions, seed, stem)]


def scores(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    """Scores of each step of a greedy answer, shape (steps, rows, vocabulary)."""
    with torch.inference_mode():
        out = model.generate(**inputs, max_new_tokens=NEW, do_sample=False, pad_token_id=0, eos_token_id=None,
                             output_logits=True, return_dict_in_generate=True)
    return torch.stack(out.logits)


def separately(model: Any, rows: list[list[int]]) -> torch.Tensor:
    return torch.cat([scores(model, {"input_ids": torch.tensor([r]), "attention_mask": torch.ones(1, len(r)).long()})
                      for r in rows], 1)


def together(model: Any, rows: list[list[int]]) -> torch.Tensor:
    with torch.inference_mode():
        read = read_shared(model, rows, 0, NEW)
    assert read is not None
    return scores(model, read._asdict())


@pytest.mark.parametrize("family", CAUSAL)
def test_answers_are_those_of_prompts_read_one_by_one(family: str) -> None:
    model = toy(family).eval()
    model.generation_config.eos_token_id = None
    assert can_share(model)
    # Texts of several lengths with several questions, and one with a single question.
    rows = prompts(1, 3) + prompts(1, 5, seed=8, stem=70) + prompts(1, 1, seed=9, stem=20)
    want, got = separately(model, rows), together(model, rows)
    assert torch.equal(want.argmax(-1), got.argmax(-1))
    assert torch.allclose(want, got, atol=2e-4, rtol=1e-4)


def test_with_an_adapter() -> None:
    model = with_lora(toy("llama")).eval()
    rows = prompts(2, 4)
    assert can_share(model) and torch.allclose(separately(model, rows), together(model, rows), atol=1e-4)


def test_a_beginning_goes_through_the_model_once() -> None:
    model = toy("llama").eval()
    rows = prompts(1, 6)
    read: list[int] = []
    model.model.layers[0].register_forward_pre_hook(lambda m, args: read.append(args[0].shape[0] * args[0].shape[1]))
    together(model, rows)
    shared = read[0]
    read.clear()
    scores(model, {"input_ids": torch.tensor([rows[0]]), "attention_mask": torch.ones(1, len(rows[0])).long()})
    assert shared < read[0] == len(rows[0])


def test_what_saves_nothing_is_left_alone() -> None:
    model = toy("llama").eval()
    rows = [[n, *range(10, 30)] for n in range(3, 9)]
    assert groups_of(rows, 8) == [[n] for n in range(6)]
    assert read_shared(model, rows, 0, NEW) is None
    assert read_shared(model, [[5, 6, 7]], 0, NEW) is None
    assert groups_of([[1, 2, 3, 4, n] for n in range(5, 9)] + [[9] * 9], 3) in (
        [[0], [1, 2, 3], [4]], [[0, 1, 2], [3], [4]], [[0, 1], [2, 3], [4]])


def test_equal_prompts_and_one_that_begins_another() -> None:
    model = toy("llama").eval()
    row = prompts(1, 1)[0]
    rows = [row, row, row[:-2]]
    assert torch.allclose(separately(model, rows), together(model, rows), atol=1e-4)


def test_a_window_that_what_fills_up_would_narrow_is_not_shared() -> None:
    model = toy("mistral", sliding_window=32).eval()
    rows = prompts(2, 4)
    assert max(map(len, rows)) + NEW > 32 and read_shared(model, rows, 0, NEW) is None


def test_models_whose_cache_is_of_another_kind_are_read_one_by_one() -> None:
    from peft import PromptTuningConfig, get_peft_model

    from iepile.models.vendor import quiet

    assert not can_share(toy("t5"))
    with quiet():
        assert not can_share(get_peft_model(toy("llama"), PromptTuningConfig(num_virtual_tokens=4,
                                                                             task_type="CAUSAL_LM")))
    from transformers import MambaConfig, MambaForCausalLM

    assert not can_share(MambaForCausalLM(MambaConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1,
                                                      state_size=4)))


@pytest.mark.parametrize("grammar", [True, False])
def test_the_engine_answers_alike_with_and_without(
    grammar: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model(tmp_path / "tiny", byte_level_tokenizer(), width=64)
    write_card(folder, ModelCard(template="qwen", text_first=True))
    requests = [
        Request(f"{text} {label}", "NER", Instruction("找出实体", [label], text).render())
        for text in ("康有为和梁启超在广东写作。" * 3, "孙文在南京，黄兴在长沙。" * 2, "无人。")
        for label in ("人物", "地点", "著作", "组织", "国家")
    ]
    answers, passes = [], []
    from transformers import LlamaModel

    forward = LlamaModel.forward

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        places[0] += kwargs["input_ids"].numel()
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(LlamaModel, "forward", counted)
    for share in (True, False):
        places = [0]
        engine = open_engine("transformers", str(folder), {
            "share_prefix": share, "grammar": grammar, "max_new_tokens": 24, "batch_size": 12, "threads": 1})
        answers.append({c.key: (c.text, c.finish, c.tokens) for c in engine.generate(requests)})
        passes.append(places[0])
        engine.close()
    assert len(answers[0]) == 15 and answers[0] == answers[1]
    assert passes[0] < 0.8 * passes[1]


def test_a_model_trained_with_the_text_first_is_asked_so(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "tiny", byte_level_tokenizer())
    question = Instruction("找出实体", ["人物"], "康有为在广东。").render()
    asked = []
    for first in (False, True):
        write_card(folder, ModelCard(template="qwen", text_first=first))
        engine = open_engine("transformers", str(folder), {"threads": 1})
        assert isinstance(engine, TransformersEngine)
        asked.append(engine.loaded.tokenizer.decode(engine._prepare(Request("1", "NER", question)).ids))
        assert engine._prepare(Request("1", "", "plain words")).ids
    assert question in asked[0] and text_first(question).text in asked[1] and question != text_first(question).text
