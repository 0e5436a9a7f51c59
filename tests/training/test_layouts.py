"""Layouts: all of them learn the same, and what would go wrong in silence is noticed."""

from __future__ import annotations

import json
import random
from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from iepile.errors import InputError
from iepile.instruction import text_first
from iepile.models.chat import Chat
from iepile.training.data import Example
from iepile.training.layouts.batch import IGNORE, Batch
from iepile.training.layouts.branched import Branched, advised
from iepile.training.layouts.check import check_layout
from iepile.training.layouts.layout import Layout, Size, open_layout, plan
from iepile.training.layouts.packed import Packed
from iepile.training.layouts.padded import Padded, collate
from iepile.training.loss import AnswerLoss
from iepile.training.settings.layout import LAYOUTS
from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer
from toy_families import CAUSAL, texts, toy, with_lora

CPU = torch.device("cpu")
EXAMPLES = texts(3, 4)
POSITIONS = ["llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "mistral", "cohere", "granite", "phi", "gpt2",
             "falcon"]
"""Families that take positions and masks of our own."""
SIZES = st.builds(Size, st.integers(1, 5), st.sampled_from([0, 60, 200]))
GROUPS = st.lists(st.integers(1, 6), min_size=1, max_size=12)


def token_losses(model: Any, batch: Batch) -> list[float]:
    """Loss of each answer token, in an order that does not depend on the layout. All logits, nothing of ours."""
    with torch.no_grad():
        logits = model(**batch.inputs, use_cache=False).logits
    losses = F.cross_entropy(logits.flatten(0, 1), batch.next_ids.flatten(), ignore_index=IGNORE, reduction="none")
    return sorted(losses[batch.next_ids.flatten() != IGNORE].tolist())


def gradients(model: Any, batch: Batch) -> torch.Tensor:
    model.zero_grad()
    AnswerLoss(model, CPU, None)(model, batch).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def assert_far(one: list[float], other: list[float], least: float = 1e-3) -> None:
    assert len(one) == len(other) and abs(sum(one) / sum(other) - 1) > least


def alone(examples: Sequence[Example], model: Any) -> list[float]:
    """The same of every example in a tensor of its own."""
    return sorted(x for e in examples for x in token_losses(model, collate([e], 0)))


@pytest.mark.parametrize("family", CAUSAL)
def test_padded_rows_are_as_alone(family: str) -> None:
    model = toy(family).eval()
    assert token_losses(model, open_layout("padded", model).collate(EXAMPLES, 0)) == pytest.approx(
        alone(EXAMPLES, model), abs=1e-4)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ["packed", "branched"])
@pytest.mark.parametrize("family", POSITIONS)
def test_rows_that_share_tensors_are_as_alone(family: str, name: str, attention: str) -> None:
    if family == "gemma2" and attention == "sdpa":
        pytest.skip("its soft cap on attention needs eager")
    model = toy(family, attn_implementation=attention).eval()
    layout = open_layout(name, model, max_row_tokens=120)
    if family == "falcon" and name == "packed":
        # Its code does not say to the mask where rows begin.
        with pytest.raises(InputError, match="does not take rows"):
            check_layout(layout, AnswerLoss(model, CPU, None), model, EXAMPLES, 0)
        return
    batch = layout.collate(EXAMPLES, 0)
    assert batch.inputs["input_ids"].numel() < collate(EXAMPLES, 0).inputs["input_ids"].numel() or name == "packed"
    assert (batch.targets, batch.tokens) == (sum(len(e.ids) - e.prompt for e in EXAMPLES),
                                             sum(len(e.ids) for e in EXAMPLES))
    assert token_losses(model, batch) == pytest.approx(alone(EXAMPLES, model), abs=1e-4)
    want = gradients(model, collate(EXAMPLES, 0))
    assert float((gradients(model, batch) - want).norm() / want.norm()) < 1e-5
    check_layout(layout, AnswerLoss(model, CPU, None), model, EXAMPLES, 0)


@pytest.mark.parametrize("name", ["packed", "branched"])
def test_with_lora_checkpointing_and_half_precision(name: str) -> None:
    model = with_lora(toy("llama"))
    layout = open_layout(name, model)
    batch, want = layout.collate(EXAMPLES, 0), gradients(model, collate(EXAMPLES, 0))
    assert float((gradients(model, batch) - want).norm() / want.norm()) < 1e-5
    model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    model.get_base_model().enable_input_require_grads()
    assert float((gradients(model, batch) - want).norm() / want.norm()) < 1e-5
    half = model.eval().to(torch.bfloat16)
    check_layout(open_layout(name, half), AnswerLoss(half, CPU, None), half, EXAMPLES, 0)


@given(GROUPS, SIZES, st.sampled_from(LAYOUTS), st.integers(0, 2))
def test_an_epoch_has_every_example_once(groups: list[int], size: Size, name: str, epoch: int) -> None:
    examples = [e for n, many in enumerate(groups) for e in texts(1, many, seed=n)]
    examples = [Example(e.ids, e.prompt, n) for n, (e, g) in enumerate(zip(examples, range(99), strict=False))]
    layout: Layout = {"padded": Padded(), "packed": Packed(MODEL, 150), "branched": Branched(MODEL, 150)}[name]
    batches = plan(layout, examples, size, 7, epoch)
    assert sorted(i for b in batches for i in b) == list(range(len(examples)))
    assert batches == plan(layout, examples, size, 7, epoch)
    for numbers in batches:
        batch = layout.collate([examples[i] for i in numbers], 0)
        ids, rows = batch.inputs["input_ids"], len(batch.inputs["input_ids"])
        assert ids.numel() <= size.tokens or rows == 1 if size.tokens else rows <= size.rows
        assert int((batch.next_ids != IGNORE).sum()) == batch.targets == sum(
            len(examples[i].ids) - examples[i].prompt for i in numbers)


MODEL = toy("llama")


def test_packing_leaves_little_room_and_differs_by_epoch() -> None:
    rng = random.Random(1)
    examples = [Example(array("i", [3] * rng.randint(20, 300)), 10) for _ in range(400)]
    layout = Packed(MODEL, 1024)
    one, two = (layout.units(examples, 1, epoch) for epoch in (0, 1))
    assert one != two and all(u.length <= 1024 for u in one)
    assert sum(u.length for u in one) / (1024 * len(one)) > 0.95
    assert Packed(MODEL).units([Example(array("i", [3] * 2000), 10)], 1, 0)[0].length == 2000


def test_branches_begin_where_their_ids_part_and_rows_are_capped() -> None:
    layout = Branched(MODEL, 24)
    begin = [5, 6, 7, 8]
    group = [Example(array("i", [*begin, q, 9, 9, 10 + q, 2]), 7, 1) for q in range(20, 26)]
    units = layout.units(group, 0, 0)
    assert [len(u.rows) for u in units] == [4, 2] and [u.length for u in units] == [24, 14]
    batch = layout.collate(group[:2], 0)
    assert batch.inputs["input_ids"].tolist() == [[*begin, 20, 9, 9, 30, 2, 21, 9, 9, 31, 2]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 6, 7, 8]]
    assert batch.next_ids.tolist() == [[*[IGNORE] * 6, 30, 2, *[IGNORE] * 3, 31, 2, IGNORE]]
    mask = batch.inputs["attention_mask"]
    assert mask.dtype == torch.bool and mask.shape == (1, 1, 14, 14)
    assert mask[0, 0, 10].tolist() == [*[True] * 4, *[False] * 5, True, True, *[False] * 3]
    # Equal prompts, and one that is the beginning of another: their last id stays in the branch.
    for rows in ([group[0]] * 3, [group[0], Example(array("i", [*group[0].ids[:7], 4, 30, 2]), 8, 1)]):
        assert token_losses(MODEL.eval(), layout.collate(rows, 0)) == pytest.approx(alone(rows, MODEL), abs=1e-4)


def test_rows_are_longer_where_the_stem_or_the_model_is_larger() -> None:
    rising = [advised(20, 256), advised(200, 256), advised(500, 256), advised(500, 2048), advised(2000, 8192)]
    assert rising == sorted(set(rising)) and (rising[0], rising[-1]) == (640, 4096)
    long = [Example(array("i", [*range(3, 603), 700 + q, *[9] * 99, 2]), 602, 1) for q in range(30)]
    units = Branched(MODEL).units(long, 0, 0)
    assert max(u.length for u in units) <= advised(600, 32) < min(u.length for u in units[:-1]) + 101


@pytest.mark.parametrize("tokenizer", [byte_level_tokenizer(), sentencepiece_tokenizer()], ids=["bytes", "pieces"])
def test_ids_of_a_branch_are_those_of_its_row(tokenizer: Any) -> None:
    """Tokens may straddle the border of the text: what is shared is found in the ids."""
    chat = Chat(tokenizer, "qwen" if tokenizer.bos_token is None else "alpaca")
    rows = []
    for labels in (["人物"], ["地点", "人物"], [], ["a\"b"]):
        fields = {"instruction": "请抽取", "schema": labels, "input": "康有为在广东 [\""}
        prompt = chat.prompt_ids(text_first(json.dumps(fields, ensure_ascii=False)).text)
        rows.append(Example(array("i", prompt + chat.answer_ids("{}")), len(prompt), 8))
    batch = Branched(MODEL).collate(rows, 0)
    ids, mask = batch.inputs["input_ids"][0], batch.inputs["attention_mask"][0, 0]
    ends = [i for i, n in enumerate(batch.next_ids[0].tolist()) if n == chat.end_id]
    seen = [[*ids[mask[i]].tolist(), chat.end_id] for i in ends]
    assert seen == [e.ids.tolist() for e in rows]
    assert len(ids) < sum(len(e.ids) for e in rows)


# What goes wrong in silence (findings/shared_prefix.md): each is far from the right loss, so each must stay out.

def branched(attention: str = "sdpa", family: str = "llama", **more: Any) -> tuple[Any, Batch, list[float]]:
    model = toy(family, attn_implementation=attention, **more).eval()
    return model, Branched(model).collate(EXAMPLES, 0), alone(EXAMPLES, model)


def with_inputs(batch: Batch, **changed: Any) -> Batch:
    return replace(batch, inputs={k: v for k, v in (batch.inputs | changed).items() if v is not None})


def test_trap_eager_attention_needs_a_float_mask() -> None:
    model, batch, want = branched("eager")
    mask = batch.inputs["attention_mask"]
    assert mask.is_floating_point() and set(mask.unique().tolist()) == {0.0, torch.finfo(torch.float32).min}
    assert token_losses(model, batch) == pytest.approx(want, abs=1e-4)
    assert_far(token_losses(model, with_inputs(batch, attention_mask=mask == 0)), want)


def test_trap_a_float_mask_of_zeros_and_ones() -> None:
    model, batch, want = branched("sdpa")
    mask = batch.inputs["attention_mask"]
    assert mask.dtype == torch.bool
    assert_far(token_losses(model, with_inputs(batch, attention_mask=mask.float())), want)


def test_trap_no_mask_makes_packed_rows_of_branches() -> None:
    model, batch, want = branched()
    assert_far(token_losses(model, with_inputs(batch, attention_mask=None)), want)


def test_trap_a_flat_mask_lets_branches_see_each_other() -> None:
    model, batch, want = branched()
    flat = torch.ones_like(batch.inputs["input_ids"])
    assert_far(token_losses(model, with_inputs(batch, attention_mask=flat)), want)


def test_trap_positions_that_just_count_on() -> None:
    model, batch, want = branched()
    assert_far(token_losses(model, with_inputs(batch, position_ids=None)), want)


def test_trap_a_sliding_window_shorter_than_the_row() -> None:
    model, _, want = branched(family="mistral", sliding_window=48)
    layout = Branched(model)
    assert layout.window == 48
    batch = layout.collate(EXAMPLES, 0)
    assert batch.inputs["input_ids"].shape[1] <= 48
    assert token_losses(model, batch) == pytest.approx(want, abs=1e-4)
    long = texts(1, 2, stem=3) + texts(1, 2, seed=1, stem=200)
    assert max(len(e.ids) for e in long) > 48
    with pytest.raises(InputError, match="looks back only 48"):
        layout.units(long, 0, 0)
    assert_far(token_losses(model, Branched(toy("mistral", sliding_window=None)).collate(long, 0)), alone(long, model))
    unused = toy("qwen2", sliding_window=16, use_sliding_window=False)
    assert Branched(unused).window is None


def test_trap_a_cache_lets_packed_rows_see_each_other() -> None:
    model = toy("llama").eval()
    batch, want = Packed(model).collate(EXAMPLES, 0), alone(EXAMPLES, model)
    assert model.config.use_cache
    assert AnswerLoss(model, CPU, None)(model, batch).item() == pytest.approx(sum(want), rel=1e-5)
    with torch.no_grad():
        logits = model(**batch.inputs).logits
    leaking = F.cross_entropy(logits.flatten(0, 1), batch.next_ids.flatten(), reduction="sum").item()
    assert abs(leaking / sum(want) - 1) > 1e-3


# Models that a layout does not fit.

@pytest.mark.parametrize("name", ["packed", "branched"])
def test_an_architecture_without_positions_is_refused(name: str) -> None:
    model = toy("bloom")
    with pytest.raises(InputError, match="takes no position_ids"):
        check_layout(open_layout(name, model), AnswerLoss(model, CPU, None), model, EXAMPLES, 0)
    check_layout(open_layout("padded", model), AnswerLoss(model, CPU, None), model, EXAMPLES, 0)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", ["packed", "branched"])
@pytest.mark.parametrize("ignored", ["position_ids", "attention_mask"])
def test_a_model_that_takes_no_notice_is_refused(name: str, ignored: str, half: bool) -> None:
    class Deaf(type(toy("llama"))):  # type: ignore[misc]
        def forward(self, input_ids: Any = None, position_ids: Any = None, attention_mask: Any = None,
                    use_cache: Any = None, **kwargs: Any) -> Any:
            told = {"position_ids": position_ids, "attention_mask": attention_mask} | {ignored: None}
            return super().forward(input_ids=input_ids, use_cache=use_cache, **told, **kwargs)

    if (name, ignored) == ("packed", "attention_mask"):
        pytest.skip("packed rows have no mask")
    model = toy("llama")
    model.__class__ = Deaf
    if half:
        model = model.to(torch.bfloat16)
    training = model.training
    with pytest.raises(InputError, match="does not take rows"):
        check_layout(open_layout(name, model), AnswerLoss(model, CPU, None), model, EXAMPLES, 0)
    assert model.training == training


@pytest.mark.parametrize("attention", ["flash_attention_2", "flex_attention"])
def test_attention_that_takes_no_mask_of_ours_is_refused(attention: str) -> None:
    model = toy("llama")
    model.config._attn_implementation = attention
    with pytest.raises(InputError, match=f"attention {attention} takes no mask"):
        open_layout("branched", model)


def test_flash_attention_gets_one_packed_row() -> None:
    model = toy("llama")
    model.config._attn_implementation = "flash_attention_2"
    batch = open_layout("packed", model, 64).collate(EXAMPLES, 0)
    assert batch.inputs["input_ids"].shape == (1, sum(len(e.ids) for e in EXAMPLES))
    assert int((batch.inputs["position_ids"] == 0).sum()) == len(EXAMPLES)


def test_encoder_decoder_models_have_a_layout_of_their_own() -> None:
    model = toy("t5").eval()
    layout = open_layout("padded", model)
    batch = layout.collate(EXAMPLES, 0)
    assert token_losses(model, batch) == pytest.approx(
        sorted(x for e in EXAMPLES for x in token_losses(model, layout.collate([e], 0))), abs=1e-4)
    e = EXAMPLES[0]
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor([e.ids.tolist()[: e.prompt]]),
                       labels=torch.tensor([e.ids.tolist()[e.prompt :]])).loss
    assert sum(token_losses(model, layout.collate([e], 0))) == pytest.approx(
        float(theirs) * (len(e.ids) - e.prompt), rel=1e-5)
    for name in ("packed", "branched"):
        with pytest.raises(InputError, match="encoder-decoder"):
            open_layout(name, model)
    with pytest.raises(InputError, match="does not write it"):
        layout.units([Example(e.ids, 1)], 0, 0)


def test_rows_whose_prompt_is_learned_share_nothing_and_are_as_alone() -> None:
    model = toy("llama").eval()
    rows = [Example(e.ids, 1, e.group) for e in EXAMPLES[:5]]
    for name in LAYOUTS:
        assert token_losses(model, open_layout(name, model).collate(rows, 0)) == pytest.approx(
            alone(rows, model), abs=1e-4)


def test_padded_collate() -> None:
    batch = collate([Example(array("i", [5, 6, 7, 8, 9]), 3), Example(array("i", [4, 3]), 1)], pad=0)
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 7, 8, 9], [4, 3, 0, 0, 0]]
    assert batch.next_ids.tolist() == [[IGNORE, IGNORE, 8, 9, IGNORE], [3, *[IGNORE] * 4]]
    assert (batch.targets, batch.tokens) == (3, 7)
