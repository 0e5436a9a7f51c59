"""The transformers engine and input that is odd: each request is answered or gets an error of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Measuring, Request, open_engine, open_ruler, stretch_of
from iepile.extraction.engines.transformers import TransformersEngine
from iepile.models.card import ModelCard, write_card
from iepile.models.device import pick_device
from iepile.values import Values
from tiny_models import byte_level_tokenizer, make_family, make_model, sentencepiece_tokenizer


def request(key: str, schema: list[Any], text: str, task: str = "NER", **more: Any) -> Request:
    return Request(key, task, json.dumps({"instruction": "E.", "schema": schema, "input": text}), **more)


GOOD = request("good", ["人物"], "康有为在广东。")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    made = {"bytes": byte_level_tokenizer(), "pieces": sentencepiece_tokenizer()}
    return {name: make_model(root / name, t) for name, t in made.items()}


def engine_of(folder: Path, **options: Any) -> TransformersEngine:
    engine = open_engine("transformers", str(folder), {"max_new_tokens": 24, **options})
    assert isinstance(engine, TransformersEngine)
    return engine


def answers(engine: TransformersEngine, *requests: Request) -> dict[str, Completion]:
    return {c.key: c for c in engine.generate([*requests, GOOD])}


@pytest.mark.parametrize("name", ["bytes", "pieces"])
@pytest.mark.parametrize("grammar", [True, False])
def test_half_characters_are_an_error_of_their_own(folders: dict[str, Path], name: str, grammar: bool) -> None:
    bad = [request("text", ["a"], "a\ud800b"), request("label", ["\udc00"], "ab"),
           Request("plain", "", "who \ud800?", "x"), Request("raw", "NER", 'x\ud800')]
    found = answers(engine_of(folders[name], grammar=grammar), *bad)
    for key in ("plain", "raw"):
        assert found[key].finish == "error" and found[key].error and found[key].lasting
    for c in found.values():
        c.text.encode()
    assert not found["good"].error


@pytest.mark.parametrize("grammar", [True, False])
def test_a_megabyte_in_one_line(folders: dict[str, Path], grammar: bool) -> None:
    found = answers(engine_of(folders["bytes"], grammar=grammar), request("big", ["a"], "长句子" * 120_000))
    assert found["big"].finish == "error" and "more than the 1024" in found["big"].error and found["big"].lasting
    assert not found["good"].error


def test_without_a_bound_of_the_context_the_grammar_has_its_own(tmp_path: Path) -> None:
    folder = make_family(tmp_path / "t5", "t5")
    found = answers(engine_of(folder), request("big", ["a"], "long " * 11_000))
    assert found["big"].finish == "error" and "characters" in found["big"].error and not found["good"].error


def test_control_characters_and_empty_text(folders: dict[str, Path]) -> None:
    for name in folders:
        found = answers(engine_of(folders[name]), request("control", ["a\x00\n"], "\x00\x07\x1b[31m\x7f\u2028"),
                        request("empty", ["a"], ""), request("blank", ["a"], "  \n"))
        assert not any(c.error for c in found.values())
        assert json.loads(found["empty"].text) == {"a": []}
        assert set(json.loads(found["control"].text)) == {"a\x00\n"}


def test_a_schema_of_300_labels(folders: dict[str, Path]) -> None:
    many = request("many", [f'l"{n}' for n in range(300)], "x y")
    found = answers(engine_of(folders["bytes"], context=20_000, max_new_tokens=6), many)
    assert list(json.loads(found["many"].text)) == [f'l"{n}' for n in range(300)]


def test_what_needs_no_answer_is_company_only(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec.structs import replace

    engine, ran = engine_of(folders["bytes"], batch_size=2), []
    run = TransformersEngine._run

    def noted(self: TransformersEngine, rows: list[Any]) -> None:
        ran.append([r.request.key for r in rows])
        run(self, rows)

    monkeypatch.setattr(TransformersEngine, "_run", noted)
    asked = [request(str(n), ["人物"], "康有为" * (n + 1)) for n in range(6)]
    whole = {c.key: c for c in engine.generate(asked)}
    batches, ran[:] = list(ran), []
    done = {batches[0][0], *batches[1]}
    again = {c.key: c for c in engine.generate(replace(r, done=r.key in done) for r in asked)}
    assert again == {k: c for k, c in whole.items() if k not in done}
    assert ran == [batches[0], *batches[2:]]
    bad = replace(request("bad", ["a"], "长" * 5000), done=True)
    assert list(engine.generate([bad])) == []


def test_prompts_are_measured_with_and_without_weights(folders: dict[str, Path], tmp_path: Path) -> None:
    options = {"context": 512, "max_new_tokens": 400}
    engine = engine_of(folders["bytes"], **options)
    ruler = open_ruler("transformers", str(folders["bytes"]), options)
    assert isinstance(engine, Measuring) and isinstance(ruler, Measuring)
    for measuring in (engine, ruler):
        assert measuring.context == 512 and measuring.answer_room(GOOD) == 128
        assert measuring.prompt_tokens(GOOD) == len(engine._prepare(GOOD).ids)
    assert answers(engine)["good"].prompt_tokens == engine.prompt_tokens(GOOD)
    roomy = engine_of(folders["bytes"])
    assert roomy.context == 1024 and roomy.answer_room(GOOD) == 24
    assert stretch_of("transformers", {"batch_size": 4}) == engine_of(folders["bytes"], batch_size=4).stretch == 256
    t5 = engine_of(make_family(tmp_path / "t5", "t5"))
    assert t5.context is None and t5.answer_room(GOOD) == 0


def test_the_ruler_knows_the_card_and_vectors_before_the_prompt(folders: dict[str, Path], tmp_path: Path) -> None:
    from peft import PromptTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from iepile.models.vendor import quiet

    with quiet():
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(folders["bytes"]),
                               PromptTuningConfig(num_virtual_tokens=7, task_type="CAUSAL_LM"))
        model.save_pretrained(tmp_path / "adapter")
    write_card(tmp_path / "adapter", ModelCard(template="qwen", text_first=True))
    options = {"adapter": str(tmp_path / "adapter")}
    ruler, engine = open_ruler("transformers", str(folders["bytes"]), options), engine_of(folders["bytes"], **options)
    assert ruler is not None and ruler.context == engine.context == 1024 - 7
    assert ruler.prompt_tokens(GOOD) == engine.prompt_tokens(GOOD) == len(engine._prepare(GOOD).ids)
    assert not engine._decoder.own_loop and not answers(engine)["good"].error


def test_a_model_that_fails_at_once_ends_the_run_and_later_only_the_request(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = TransformersEngine._run

    def failing(self: TransformersEngine, rows: list[Any]) -> None:
        if any("odd" in r.request.instruction for r in rows):
            raise RuntimeError("odd one")
        run(self, rows)

    monkeypatch.setattr(TransformersEngine, "_run", failing)
    with pytest.raises(IepileError, match="failed while answering: odd one"):
        list(engine_of(folders["bytes"]).generate([request("odd", ["a"], "odd")]))
    engine = engine_of(folders["bytes"])
    assert not answers(engine)["good"].error
    found = answers(engine, request("odd", ["a"], "odd"), request("even", ["a"], "even"))
    assert "odd one" in found["odd"].error and not found["odd"].lasting
    assert not found["even"].error and not found["good"].error


def test_scores_that_are_no_numbers_are_an_error(folders: dict[str, Path]) -> None:
    for own_loop in (True, False):
        engine = engine_of(folders["bytes"])
        engine._decoder.own_loop = own_loop
        engine.loaded.model.lm_head.weight.data.fill_(float("nan"))
        assert "NaN" in answers(engine)["good"].error


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp16"])
def test_the_number_format_asked_for_is_the_models(folders: dict[str, Path], dtype: str) -> None:
    engine = engine_of(folders["bytes"], dtype=dtype, max_new_tokens=4)
    want = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[dtype]
    assert {p.dtype for p in engine.loaded.model.parameters()} == {want}
    assert not answers(engine)["good"].error


@pytest.mark.parametrize(("bits", "kind"), [(8, "Linear8bitLt"), (4, "Linear4bit")])
def test_the_bits_asked_for_are_the_models(bits: int, kind: str, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    folder = make_model(tmp_path / "m", byte_level_tokenizer(), width=64)
    engine = engine_of(folder, bits=bits, max_new_tokens=4)
    kinds = {type(m).__name__ for n, m in engine.loaded.model.named_modules() if n.endswith("_proj")}
    assert kinds == {kind} and not answers(engine)["good"].error


def test_the_device_is_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto") == "cpu"


def test_a_model_without_a_chat_template_is_asked_in_the_plain_one(folders: dict[str, Path]) -> None:
    assert engine_of(folders["bytes"]).chat.name == "alpaca"
    with pytest.raises(InputError, match="no chat template of its own") as e:
        engine_of(folders["bytes"], template="tokenizer")
    assert "alpaca" in str(e.value)


def test_values_that_are_no_mentions(folders: dict[str, Path]) -> None:
    asked = request("v", ["when", "kind"], "康有为", values={
        "when": Values("date"), "kind": Values("enum", options=("low", "high"))})
    c = answers(engine_of(folders["bytes"], max_new_tokens=200, max_items=2), asked)["v"]
    read = json.loads(c.text)
    assert set(read) == {"when", "kind"} and set(read["kind"]) <= {"low", "high"} and not c.error
    assert all(v[:4].isdigit() for v in read["when"])


def test_free_text_comes_to_an_end(folders: dict[str, Path]) -> None:
    asked = request("v", ["note"], "康有为", values={"note": Values("free")})
    for most in (30, 900):
        engine = engine_of(folders["bytes"], max_new_tokens=most, max_items=1, context=2000)
        c = answers(engine, asked)["v"]
        assert set(json.loads(c.text)) == {"note"} and not c.error and c.tokens <= most
    assert c.finish == "stop"


def test_a_temperature_must_be_one(folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="temperature"):
        engine_of(folders["bytes"], temperature=0)


def test_questions_in_words_that_ask_for_triples_are_held_to_them(folders: dict[str, Path]) -> None:
    question = "已知候选的关系列表：['国籍','获奖']，抽取三元组，以(头实体,关系,尾实体)的形式回答，没有则回答NAN。"
    asked = [Request("apart", "", question, "康有为是广东人"), Request("inside", "", question + "输入：康有为是广东人"),
             Request("none", "", "Who?", "康有为")]
    engine = engine_of(folders["bytes"], max_items=2, max_new_tokens=200, context=4000)
    found = answers(engine, *asked)
    assert engine._prepare(asked[2]).shape is None and engine._prepare(asked[0]).text == "康有为是广东人"
    for key, text in (("apart", asked[0].input), ("inside", asked[1].instruction)):
        triples = found[key].text.strip("()\n").replace("\n", "").split(")(")
        assert found[key].text and not found[key].error
        for triple in triples if found[key].text != "NAN" else ():
            head, relation, tail = triple.split(",")
            assert head in text and tail in text and relation in ("国籍", "获奖")
