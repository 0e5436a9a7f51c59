"""The loss with the head at learned places only: the same number and gradient as with all logits, for any family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from iepile.errors import InputError
from iepile.training.layouts.batch import IGNORE, Batch
from iepile.training.layouts.layout import open_layout
from iepile.training.loss import AnswerLoss
from toy_families import CAUSAL, SETTINGS, texts, toy, with_lora

CPU = torch.device("cpu")
EXAMPLES = texts(2, 3)


def by_hand(model: Any, batch: Batch) -> torch.Tensor:
    """All logits, and nothing of ours."""
    logits = model(**batch.inputs, use_cache=False).logits
    return F.cross_entropy(logits.flatten(0, 1), batch.next_ids.flatten(), ignore_index=IGNORE, reduction="sum")


def gradients(model: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert list(one) == list(other) and len(one) > 4
    biggest = max(float(g.abs().max()) for g in other.values())
    for name in other:
        assert torch.allclose(one[name], other[name], rtol=1e-4, atol=1e-6 * biggest), name


@pytest.mark.parametrize("family", SETTINGS)
@pytest.mark.parametrize("lora", [False, True])
def test_loss_and_gradient_are_those_of_full_logits(family: str, lora: bool) -> None:
    model = toy(family)
    if lora:
        model = with_lora(model)
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    want = by_hand(model, batch)
    want_gradients = gradients(model, want)
    widths: list[int] = []
    head = (model.get_base_model() if lora else model).get_output_embeddings()
    head.register_forward_hook(lambda m, args, out: widths.append(out.shape[-2]))
    loss = AnswerLoss(model, CPU, None)(model, batch)
    assert widths == [batch.targets]
    assert loss.item() == pytest.approx(want.item(), rel=1e-6)
    assert_same(gradients(model, loss), want_gradients)
    full = AnswerLoss(model, CPU, None, full_logits=True)(model, batch)
    assert widths[1] == batch.next_ids.shape[1] and full.item() == pytest.approx(want.item(), rel=1e-6)


@pytest.mark.parametrize("family", ["gemma2", "cohere", "granite"])
def test_what_these_models_do_after_the_head_counts(family: str) -> None:
    """Were the head alone computed, the loss would be another one: the test above would notice."""
    model = toy(family)
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    hidden = model.model(**batch.inputs).last_hidden_state
    alone = F.cross_entropy(model.lm_head(hidden).flatten(0, 1), batch.next_ids.flatten(), reduction="sum")
    assert abs(alone.item() / by_hand(model, batch).item() - 1) > 1e-3


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_through_ddp(family: str, tmp_path: Path) -> None:
    model = toy(family)
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    loss = AnswerLoss(model, CPU, None)
    want = gradients(model, by_hand(model, batch))
    # DeepSpeed, once used in a process, keeps its group to the end.
    joined = torch.distributed.is_initialized()
    if not joined:
        torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        wrapped = torch.nn.parallel.DistributedDataParallel(model)
        got = gradients(model, loss(wrapped, batch))
    finally:
        if not joined:
            torch.distributed.destroy_process_group()
    assert_same(got, want)


def test_with_gradient_checkpointing_and_half_precision() -> None:
    model = toy("llama")
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    loss = AnswerLoss(model, CPU, None)
    want = gradients(model, loss(model, batch))
    model.activation_checkpointing_enable({"use_reentrant": False})
    assert_same(gradients(model, loss(model, batch)), want)
    half = AnswerLoss(model, CPU, torch.bfloat16)(model, batch).item()
    assert half == pytest.approx(loss(model, batch).item(), rel=2e-2)


@pytest.mark.parametrize("kind", ["prompt", "prefix"])
def test_vectors_before_the_prompt_move_nothing(kind: str) -> None:
    from peft import PrefixTuningConfig, PromptTuningConfig, get_peft_model

    from iepile.models.vendor import quiet

    config = PromptTuningConfig if kind == "prompt" else PrefixTuningConfig
    with quiet():
        model = get_peft_model(toy("llama"), config(num_virtual_tokens=5, task_type="CAUSAL_LM"))
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    logits = model(**batch.inputs, attention_mask=(batch.inputs["input_ids"] != 0).long()).logits
    logits = logits[:, -batch.next_ids.shape[1] :]
    want = F.cross_entropy(logits.flatten(0, 1), batch.next_ids.flatten(), reduction="sum")
    assert AnswerLoss(model, CPU, None)(model, batch).item() == pytest.approx(want.item(), rel=1e-5)
    with pytest.raises(InputError, match="vectors before one"):
        open_layout("packed", model)


def test_a_model_that_keeps_its_head_to_itself_gets_full_logits() -> None:
    class Closed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = toy("llama")
            self.config = self.inner.config

        def forward(self, input_ids: Any, use_cache: bool = True) -> Any:
            return self.inner(input_ids, use_cache=use_cache)

    model = Closed()
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    want = by_hand(model.inner, batch).item()
    assert AnswerLoss(model, CPU, None)(model, batch).item() == pytest.approx(want, rel=1e-6)


def test_no_hook_is_left_behind() -> None:
    model = toy("llama")
    batch = open_layout("padded", model).collate(EXAMPLES, 0)
    before = model(**batch.inputs).logits.shape
    AnswerLoss(model, CPU, None)(model, batch)
    assert not model.lm_head._forward_pre_hooks and model(**batch.inputs).logits.shape == before


@pytest.mark.parametrize("family", CAUSAL)
def test_what_fills_up_changes_nothing(family: str) -> None:
    model = toy(family).eval()
    layout, loss = open_layout("padded", model), AnswerLoss(model, CPU, None)
    together = loss(model, layout.collate(EXAMPLES, 0)).item()
    other_pad = loss(model, layout.collate(EXAMPLES, 7)).item()
    alone = sum(loss(model, layout.collate([e], 0)).item() for e in EXAMPLES)
    assert together == pytest.approx(alone, rel=1e-5) and other_pad == pytest.approx(alone, rel=1e-5)
