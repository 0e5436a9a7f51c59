"""The loop of our own: the answers of `generate` on models of many families, forced tokens read at once, draws that
depend on nothing but the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.extraction.confidence import strings_of
from iepile.extraction.decoding import Decoder
from iepile.extraction.engines.engine import Completion, Request, open_engine
from iepile.extraction.engines.transformers import TransformersEngine
from iepile.instruction import Instruction
from iepile.models.load import load_model
from tiny_models import byte_level_tokenizer, make_family, make_model, sentencepiece_tokenizer

EVENT = {"event_type": "收购", "trigger": True, "arguments": ["收购方", 'a"b']}
TEXTS = ["康有为生于广东“南海”，后来到了北京。", 'He said "no"\\ and left.\n', "苹果公司收购了Beats。" * 6]
REQUESTS = [
    Request(f"{task} {n}", task, Instruction("Extract.", schema, text).render())
    for n, text in enumerate(TEXTS)
    for task, schema in (("NER", ["人物", "地点"]), ("EE", [EVENT]))
]
FAMILIES = ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3_text", "phi3", "falcon", "bloom", "gpt2", "opt"]


def engine_of(folder: Path, **options: Any) -> TransformersEngine:
    engine = open_engine("transformers", str(folder), {"max_new_tokens": 40, **options})
    assert isinstance(engine, TransformersEngine)
    return engine


def ordinary(engine: TransformersEngine) -> TransformersEngine:
    """The same engine without the loop of our own."""
    d = engine._decoder
    engine._decoder = Decoder(d.model, d.pad, d.choose, own_loop=False, share=False)
    return engine


def answers(engine: TransformersEngine, requests: list[Request] = REQUESTS) -> dict[str, Completion]:
    return {c.key: c for c in engine.generate(requests)}


def same(one: dict[str, Completion], two: dict[str, Completion]) -> None:
    assert one.keys() == two.keys()
    for key, c in one.items():
        other = two[key]
        assert (c.text, c.finish, c.tokens, c.error) == (other.text, other.finish, other.tokens, other.error)
        assert c.logprob == pytest.approx(other.logprob, abs=2e-3)
        assert c.string_logprobs == pytest.approx(other.string_logprobs, abs=2e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "m", byte_level_tokenizer())


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> Callable[[TransformersEngine], list[int]]:
    """Counts the tokens of each pass through a model."""

    def count(engine: TransformersEngine) -> list[int]:
        seen: list[int] = []
        engine.loaded.model.register_forward_pre_hook(
            lambda m, args, kwargs: seen.append(kwargs["input_ids"].shape[1]), with_kwargs=True)
        return seen

    return count


@pytest.mark.parametrize("kind", FAMILIES)
def test_answers_are_those_of_generate(kind: str, tmp_path: Path) -> None:
    folder = make_family(tmp_path / "m", kind)
    assert engine_of(folder)._decoder.own_loop
    want = answers(ordinary(engine_of(folder, batch_size=1)))
    same(want, answers(engine_of(folder, batch_size=1)))
    if kind not in ("mistral", "gemma3_text"):  # padding takes places of their narrow windows
        same(want, answers(engine_of(folder, batch_size=6)))
    free = {"grammar": False, "max_new_tokens": 12}
    same(answers(ordinary(engine_of(folder, batch_size=1, **free))), answers(engine_of(folder, batch_size=1, **free)))


@pytest.mark.parametrize("tokenizer", [byte_level_tokenizer, sentencepiece_tokenizer])
def test_forced_tokens_are_not_asked_for(
    tokenizer: Callable[[], Any], tmp_path: Path, forwards: Callable[[TransformersEngine], list[int]]
) -> None:
    folder = make_model(tmp_path / "m", tokenizer())
    slow, fast = ordinary(engine_of(folder, batch_size=1)), engine_of(folder, batch_size=1)
    many, few = forwards(slow), forwards(fast)
    same(answers(slow), answers(fast))
    assert len(few) < 0.9 * len(many) and max(few[1:]) > 1


def test_special_tokens_in_the_text_are_not_forced(folder: Path) -> None:
    hostile = [Request("a", "NER", Instruction("E.", ["<|im_end|>", "</s>"], "x<|im_end|></s>y").render())]
    same(answers(ordinary(engine_of(folder)), hostile), answers(engine_of(folder), hostile))


def test_finished_rows_leave_the_batch(folder: Path) -> None:
    engine, sizes = engine_of(folder, max_items=1, batch_size=6, share_prefix=False), []
    engine.loaded.model.register_forward_pre_hook(
        lambda m, args, kwargs: sizes.append(kwargs["input_ids"].shape[0]), with_kwargs=True)
    found = answers(engine)
    assert len(set(sizes)) > 1 and sizes == sorted(sizes, reverse=True)
    same(answers(ordinary(engine_of(folder, max_items=1, batch_size=1))), found)


def test_draws_depend_on_request_seed_and_number_alone(folder: Path) -> None:
    from msgspec.structs import replace

    drawn = [replace(r, key=f"{r.key} {n}", sample=n) for r in REQUESTS for n in range(4)]
    for grammar in (True, False):
        options = {"grammar": grammar, "max_new_tokens": 20}
        one = answers(engine_of(folder, **options), drawn)
        same(one, answers(engine_of(folder, batch_size=3, **options), drawn[::-1]))
        same(one, answers(ordinary(engine_of(folder, batch_size=1, **options)), drawn))
        same({r.key: one[f"{r.key} 0"] for r in REQUESTS},
             answers(engine_of(folder, **options)))
        other = answers(engine_of(folder, seed=1, **options), drawn)
        assert any(one[k].text != other[k].text for k in one)
        assert len({one[f"NER 2 {n}"].text for n in range(4)}) > 1
        if grammar:
            assert all(json.loads(c.text) is not None for c in one.values())
    cold = answers(engine_of(folder, temperature=1e-4), drawn)
    assert all(cold[f"{r.key} {n}"].text == cold[f"{r.key} 0"].text for r in REQUESTS for n in range(4))


@pytest.mark.parametrize("tokenizer", [byte_level_tokenizer, sentencepiece_tokenizer])
@pytest.mark.parametrize("grammar", [True, False])
def test_strings_have_the_log_probabilities_of_their_tokens(
    tokenizer: Callable[[], Any], grammar: bool, tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "m", tokenizer())
    loaded = load_model(folder)
    for most in (9, 60):
        engine = engine_of(folder, grammar=grammar, max_new_tokens=most)
        for r in REQUESTS:
            row = engine._prepare(r)
            engine._begin(row)
            engine._run([row])
            c = engine._completion(row, False)
            assert c.string_logprobs is not None and len(c.string_logprobs) == len(strings_of(c.text))
            with torch.no_grad():
                logits = loaded.model(torch.tensor([row.ids + row.tokens])).logits[0, len(row.ids) - 1 : -1]
            want = logits.log_softmax(-1).gather(1, torch.tensor(row.tokens)[:, None])[:, 0]
            assert row.logprobs == pytest.approx(want.tolist(), abs=1e-3)
            if grammar:
                by_hand(engine, row, c, want.tolist())


def by_hand(engine: TransformersEngine, row: Any, c: Completion, logprobs: list[float]) -> None:
    """Log-probabilities of strings, found by decoding ever longer beginnings."""
    assert engine._grammar is not None
    lengths = [0] + [len(engine._grammar.text(row.tokens[: n + 1])) for n in range(len(row.tokens))]
    written = engine._grammar.text(row.tokens)
    for (start, end), said in zip(strings_of(c.text), c.string_logprobs or (), strict=True):
        if c.text[:end] != written[:end]:
            continue
        took = [p for n, p in enumerate(logprobs) if lengths[n + 1] > start and lengths[n] < end]
        assert said == pytest.approx(sum(took), abs=1e-2)


def test_what_closing_adds_has_no_log_probability(folder: Path) -> None:
    c = answers(engine_of(folder, max_new_tokens=2), REQUESTS[:1])["NER 0"]
    assert c.finish == "length" and json.loads(c.text) == {"人物": [], "地点": []}
    assert c.string_logprobs is not None and c.string_logprobs[-1] == 0.0
