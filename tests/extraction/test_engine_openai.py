"""The openai engine against a server double: the ladder of grammars, samples, tokens, money, prompts."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable
from typing import Any

import pytest

from iepile.errors import InputError, MissingDependency
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.engines.openai import OpenAIEngine
from iepile.instruction import Instruction
from server_double import MODEL, Double

GOOD = '{"person": ["Ada", "Bob"], "place": ["Ada", "Bob"]}'


def request(key: str, text: str = "Ada met Bob", **more: Any) -> Request:
    return Request(key, "NER", Instruction("Find.", ["person", "place"], text).render(), **more)


def answers(engine: OpenAIEngine, requests: Iterable[Request]) -> dict[str, Completion]:
    return {c.key: c for c in engine.generate(requests)}


@pytest.mark.parametrize(("kind", "steps", "context", "logprobs"), [
    ("vllm", ["lark", "gbnf", "json_schema"], 4096, True),
    ("sglang", ["gbnf", "json_schema"], 4096, False),
    ("llama.cpp", ["gbnf", "json_schema"], 4096, True),
    ("ollama", ["json_schema"], 4096, False),
    ("hosted", ["json_schema"], None, True),
    ("ignoring", [], None, False),
])
def test_what_each_server_can_do_is_found_out(kind: str, steps: list[str], context: int | None, logprobs: bool,
                                              opened: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "iepile")
    with Double(kind) as double:
        engine = opened(double)
        found = engine.found
        assert found.model == MODEL and engine.context == context and found.logprobs == logprobs
        assert [s for s, _ in found.forms] == steps
        assert found.told() in caplog.text
        done = answers(engine, [request("0"), request("1", "nobody")])
    assert done["0"].text == GOOD and done["0"].finish == "stop" and done["0"].tokens == len(GOOD)
    assert done["1"].text == '{"person": [], "place": []}'
    assert (done["0"].logprob == -0.25 * len(GOOD)) if logprobs else done["0"].logprob is None
    if logprobs:
        assert done["0"].string_logprobs == (-2.0, -1.25, -1.25, -1.75, -1.25, -1.25)


def test_a_model_that_dreams_is_held_to_the_text(opened: Any) -> None:
    with Double("vllm", wish=lambda said: '{"person": ["Zeus", "Ada"], "place": ["Olympus"]}') as double:
        done = answers(opened(double), [request("0")])["0"]
        assert json.loads(done.text).keys() == {"person", "place"}
        assert all(m in "Ada met Bob" for ms in json.loads(done.text).values() for m in ms) and "Zeus" not in done.text
        free = answers(opened(double, constraint="none"), [request("0")])["0"]
        assert "Zeus" in free.text and free.finish == "stop"


@pytest.mark.parametrize("most", [1, 9, 24, 25, 30, 40])
def test_a_cut_answer_is_closed_at_its_last_whole_value(most: int, opened: Any) -> None:
    with Double("vllm") as double:
        done = answers(opened(double, max_new_tokens=most), [request("0")])["0"]
    assert done.finish == "length" and done.tokens == most
    read = json.loads(done.text)
    assert list(read) == ["person", "place"] and read["person"] == ["Ada", "Bob"][: max(0, (most - 11) // 6)][:2]


def test_the_wanted_way_or_an_error(opened: Any) -> None:
    with Double("vllm") as double:
        assert [s for s, _ in opened(double, constraint="json_schema").found.forms] == ["json_schema"]
    with Double("ignoring") as double, pytest.raises(InputError, match=r"does not keep to a grammar given as lark"):
        opened(double, constraint="lark")


def test_one_text_too_much_for_the_grammar_goes_down_a_step(opened: Any) -> None:
    def fault(text: str, n: int) -> str | None:
        return "400 grammar too complex" if text == "Ada" and n == 1 else None

    with Double("vllm", fault=fault) as double:
        engine = opened(double)
        done = answers(engine, [request("0", "Ada"), request("1", "Bob")])
        assert done["0"].text == '{"person": ["Ada"], "place": ["Ada"]}'
        asked = [b for b in double.asked if "Ada" in b["messages"][-1]["content"]]
        given = [b["structured_outputs"]["grammar"] for b in asked]
        assert len(given) == 2 and given[0].startswith("start:") and "::=" in given[1]


@pytest.mark.parametrize("kind", ["vllm", "sglang", "llama.cpp"])
def test_a_server_that_gives_up_on_a_grammar_leaves_a_valid_beginning(kind: str, opened: Any) -> None:
    with Double(kind, gives_up_after=25) as double:
        engine = opened(double)
        done = answers(engine, [request("0")])["0"]
        assert (done.text, done.finish) == ('{"person": ["Ada", "Bob"], "place": []}', "length")
        assert engine.usage.unbound == len(engine.found.forms) and done.string_logprobs != ()


def test_answers_without_blanks_are_mended(opened: Any) -> None:
    with Double("hosted", compact=True, wish=lambda said: GOOD.replace(" ", "")) as double:
        assert answers(opened(double), [request("0")])["0"].text == GOOD


def test_models_by_name(opened: Any) -> None:
    with Double("vllm", models=("a", "b")) as double:
        with pytest.raises(InputError, match=r"has several models\n.*model_name\n.*a, b"):
            opened(double)
        assert opened(double, model_name="b").found.model == "b"
        with pytest.raises(InputError, match=r"has no model 'c'\n.*\n.*a, b"):
            opened(double, model_name="c")
    with Double("ollama", models=("names:latest",)) as double:
        assert opened(double, model_name="names").found.model == "names:latest"


@pytest.mark.parametrize(("bad", "field"), [
    ({"concurrency": 0}, "concurrency"), ({"retries": -1}, "retries"), ({"template": "qwen"}, "template"),
    ({"endpoint": "completions"}, "template"), ({"temperature": -1}, "temperature"), ({"timeout": 0}, "timeout"),
    ({"endpoint": "completions", "template": "no such"}, "template"), ({"price_in": float("nan")}, "price_in"),
    ({"constraint": "regex"}, "options"),
])
def test_bad_options(bad: dict[str, Any], field: str, opened: Any) -> None:
    with pytest.raises(InputError, match=field):
        opened("http://127.0.0.1:9/v1", **bad)


def test_the_library_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, opened: Any) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingDependency, match=r"iepile\[servers\]"):
        opened("http://127.0.0.1:9/v1")


def test_samples_are_drawn_with_seeds_of_their_own(opened: Any) -> None:
    with Double("vllm") as double:
        engine = opened(double, temperature=0.9)
        before = len(double.asked)
        ask = [request("a"), request("b", sample=1), request("c", sample=1), request("d", sample=2),
               request("e", "Cleo", sample=1)]
        answers(engine, ask)
        bodies = double.asked[before:]
        drawn = [b for b in bodies if b["temperature"] == 0.9]
        assert [b["temperature"] for b in bodies if b not in drawn] == [0] and len(drawn) == 4
        assert len({b["seed"] for b in drawn}) == 3  # equal questions with equal n get equal answers
        other = opened(double, temperature=0.9, seed=5)
        answers(other, [request("b", sample=1)])
        assert double.asked[-1]["seed"] not in {b["seed"] for b in drawn}


def test_tokens_and_money(opened: Any) -> None:
    with Double("vllm") as double:
        engine = opened(double, price_in=1.0, price_out=10.0, constraint="none")
        before = engine.usage.cost
        done = answers(engine, [request(str(n)) for n in range(3)])
        each = done["0"]
        assert each.prompt_tokens > 20 and each.tokens == len(GOOD)
        assert each.cost == pytest.approx((each.prompt_tokens + 10 * each.tokens) / 1e6)
        assert engine.usage.cost - before == pytest.approx(3 * each.cost)
        assert engine.usage.requests == len(double.asked)


def test_no_more_at_once_than_asked_for_and_no_faster(opened: Any) -> None:
    with Double("vllm", delay=0.1) as double:
        engine = opened(double, concurrency=3, logprobs=False)
        assert len(answers(engine, (request(str(n), f"Ada {n}") for n in range(12)))) == 12
        assert 2 <= double.most_at_once <= 3  # a busy machine may be late with the third
    with Double("plain") as double:
        engine = opened(double, requests_per_minute=600)
        started = time.monotonic()
        answers(engine, (request(str(n)) for n in range(6)))
        assert time.monotonic() - started > 0.45


def test_how_long_prompts_are(opened: Any) -> None:
    texts = ["Ada", "康有为" * 50, "a" * 3000]
    with Double("vllm", context=1000) as double:
        engine = opened(double)
        assert engine.found.counts and engine.answer_room(request("0")) == 200
        for text in texts:
            r = request("0", text)
            assert engine.prompt_tokens(r) == len(r.instruction.encode()) // 3 + 5
        too_long = answers(engine, [request("0", "a" * 3000), request("1")])
        assert too_long["0"].finish == "error" and too_long["0"].lasting and "smaller windows" in too_long["0"].error
        assert too_long["1"].text == GOOD and double.texts["a" * 3000] == 0  # it was not even asked
        nearly = answers(engine, [request("0", "Ada " * 650)])["0"]
        assert nearly.text == '{"person": ["Ada"], "place": ["Ada"]}'
        assert double.asked[-1]["max_tokens"] == 1000 - nearly.prompt_tokens < 200  # room was made smaller
    with Double("plain") as double:
        guessing = opened(double, context=5000)
        assert guessing.context == 5000 and not guessing.found.counts
        assert guessing.prompt_tokens(request("0", "康" * 100)) >= 200 + 64
        assert opened(double, context=100).answer_room(request("0")) == 50


def test_a_prompt_that_does_not_fit_names_the_option(opened: Any) -> None:
    with Double("plain", context=300) as double:
        done = answers(opened(double), [request("0", "a" * 2000)])["0"]
        assert done.finish == "error" and done.lasting and double.texts["a" * 2000] == 1
        assert "maximum context length is 300" in done.error and "the option context" in done.error


def test_a_server_that_cuts_prompts_in_silence_is_caught(opened: Any) -> None:
    with Double("ollama", context=120) as double:
        done = answers(opened(double, max_new_tokens=20), [request("0", "a" * 2000), request("1")])
        assert done["0"].finish == "error" and "leaves no room" in done["0"].error
        assert done["1"].finish == "length"


def test_prompts_of_our_own_making(opened: Any) -> None:
    with Double("vllm") as double:
        engine = opened(double, endpoint="completions", template="qwen", system="Be exact.")
        done = answers(engine, [request("0")])["0"]
        assert done.text == GOOD and done.logprob == -0.25 * len(GOOD)
        body = double.asked[-1]
        said = request("0").instruction
        assert body["prompt"] == ("<|im_start|>system\nBe exact.<|im_end|>\n<|im_start|>user\n"
                                  f"{said}<|im_end|>\n<|im_start|>assistant\n")
        assert body["stop"] == ["<|im_end|>"] and "messages" not in body


def test_what_is_said_in_a_chat(opened: Any) -> None:
    with Double("vllm") as double:
        answers(opened(double), [request("0"), Request("1", "", "Who?", "Ada met Bob")])
        said = [b["messages"] for b in double.asked]
        assert [{"role": "user", "content": request("0").instruction}] in said
        assert [{"role": "user", "content": "Who?\nAda met Bob"}] in said
        answers(opened(double, system="Be exact.", text_first=True, extra_body={"top_k": 1}), [request("0")])
        body = double.asked[-1]
        assert body["messages"][0] == {"role": "system", "content": "Be exact."} and body["top_k"] == 1
        assert list(json.loads(body["messages"][1]["content"])) == ["instruction", "input", "schema"]
        assert body["chat_template_kwargs"]["enable_thinking"] is False and body["temperature"] == 0


@pytest.mark.parametrize("refused", [{"temperature"}, {"max_tokens"}, {"logprobs", "top_logprobs"}])
def test_fields_that_a_server_refuses_are_left_out(refused: set[str], opened: Any) -> None:
    with Double("hosted", refuses=refused) as double:
        engine = opened(double)
        assert answers(engine, [request("0")])["0"].text == GOOD
        assert not set(double.asked[-1]) & refused
        assert engine.found.longest_answer == ("max_completion_tokens" if "max_tokens" in refused else "max_tokens")
