"""The OpenAI-compatible interface, asked by OpenAI's own client over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from iepile.extraction.engines.engine import Request, open_engine
from iepile.instruction import Instruction
from iepile.instructions.wording import prompt
from iepile.service.config import ServeConfig
from served_models import TEXTS
from service_client import Client, in_thread

ASK = "Name a city."
ROWS = [Instruction(prompt("NER", "en"), ["person", "firm"], text).render() for text in TEXTS[:6]]
CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 4}}, "required": ["city"],
        "additionalProperties": False}


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def served(language_model: Path, compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    config = ServeConfig(model=str(language_model), models={"small": str(compact)}, page=False, batch=32,
                         data_dir=str(tmp_path_factory.mktemp("chat") / "data"),
                         engine_options={"max_new_tokens": 48})
    with in_thread(config) as client:
        yield client


@pytest.fixture
def asks(served: Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{served.port}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def alone(language_model: Path) -> dict[str, Any]:
    """Row -> its completion, as the engine answers it without a service."""
    engine = open_engine("transformers", str(language_model), {"max_new_tokens": 48, "batch_size": 1})
    found = {c.key: c for c in engine.generate(Request(row, "NER", row) for row in ROWS)}
    engine.close()
    return found


def test_models_are_listed(asks: openai.OpenAI) -> None:
    listed = asks.models.list().data
    assert [m.id for m in listed] == ["default", "small"] and {m.owned_by for m in listed} == {"iepile"}
    assert listed[0].model_dump()["max_model_len"] == 2048
    assert asks.models.retrieve("small").id == "small"
    with pytest.raises(openai.NotFoundError) as e:
        asks.models.retrieve("large/x")
    assert e.value.code == "model_not_found"


def test_an_answer_has_true_counts(asks: openai.OpenAI) -> None:
    got = asks.chat.completions.create(model="default", messages=user(ASK), max_tokens=7)
    choice = got.choices[0]
    assert got.id.startswith("chatcmpl-") and got.model == "default" and got.object == "chat.completion"
    assert choice.finish_reason == "length" and choice.message.role == "assistant"
    assert got.usage is not None and got.usage.completion_tokens == 7
    ids = asks.post("/tokenize", cast_to=object, body={"messages": user(ASK)})
    assert isinstance(ids, dict) and ids["count"] == len(ids["tokens"]) == got.usage.prompt_tokens
    assert got.usage.total_tokens == got.usage.prompt_tokens + 7
    again = asks.chat.completions.create(model="default", messages=user(ASK), max_completion_tokens=7)
    assert again.choices[0].message.content == choice.message.content


def test_draws_seeds_and_several_answers(asks: openai.OpenAI) -> None:
    def drawn(**more: Any) -> list[str | None]:
        got = asks.chat.completions.create(model="default", messages=user(ASK), max_tokens=8, temperature=1.5, **more)
        return [c.message.content for c in got.choices]

    three = drawn(n=3, seed=4)
    assert three == drawn(n=3, seed=4) and len(set(three)) == 3 and drawn(seed=4) == three[:1]
    assert drawn() != drawn()
    assert drawn(top_p=1e-9, seed=1) == drawn(top_p=1e-9, seed=2)


def test_a_stream_is_the_answer_in_pieces(asks: openai.OpenAI) -> None:
    ways: dict[str, Any] = {"model": "default", "messages": user(ASK), "max_tokens": 30, "logprobs": True,
                            "top_logprobs": 2}
    whole = asks.chat.completions.create(**ways)
    events = list(asks.chat.completions.create(**ways, stream=True, stream_options={"include_usage": True}))
    pieces = [e.choices[0].delta.content or "" for e in events if e.choices]
    assert "".join(pieces) == whole.choices[0].message.content and sum(map(bool, pieces)) > 5
    assert [e.choices[0].finish_reason for e in events if e.choices and e.choices[0].finish_reason] == ["length"]
    assert events[-1].choices == [] and events[-1].usage == whole.usage
    assert all(e.usage is None for e in events[:-1]) and len({e.id for e in events}) == 1
    assert whole.choices[0].logprobs is not None
    tokens = whole.choices[0].logprobs.content
    assert tokens is not None and len(tokens) == 30 and all(len(t.top_logprobs) == 2 for t in tokens)
    assert b"".join(bytes(t.bytes or []) for t in tokens).decode() == whole.choices[0].message.content
    told = [t for e in events if e.choices and e.choices[0].logprobs for t in e.choices[0].logprobs.content or []]
    assert [t.logprob for t in told] == pytest.approx([t.logprob for t in tokens])


def test_answers_end_at_stop_texts_in_streams_too(asks: openai.OpenAI) -> None:
    whole = asks.chat.completions.create(model="default", messages=user(ASK), max_tokens=30).choices[0].message.content
    assert whole
    stop = whole[6:9]
    for stream in (False, True):
        got = asks.chat.completions.create(model="default", messages=user(ASK), max_tokens=30, stop=["never", stop],
                                           stream=stream)
        if stream:
            events = list(got)
            text = "".join(e.choices[0].delta.content or "" for e in events)
            finish = events[-1].choices[0].finish_reason
        else:
            text, finish = got.choices[0].message.content, got.choices[0].finish_reason
        assert text == whole[: whole.index(stop)] and finish == "stop"


def test_a_conversation_and_a_system_sentence_change_the_prompt(asks: openai.OpenAI, served: Client) -> None:
    def ids(*messages: dict[str, Any]) -> list[int]:
        return served.post("/v1/tokenize", {"messages": messages}).json()["tokens"]

    one = {"role": "user", "content": ASK}
    talk = [one, {"role": "assistant", "content": "Rome."}, {"role": "user", "content": "Another."}]
    system = {"role": "system", "content": "Be short."}
    assert ids(*talk)[: len(ids(one))] == ids(one) and len(ids(*talk)) > len(ids(one)) + 2
    assert ids(system, one) != ids(one) and ids({"role": "developer", "content": "Be short."}, one) == ids(system, one)
    assert ids({"role": "user", "content": [{"type": "text", "text": ASK}]}) == ids(one)
    got = asks.chat.completions.create(model="default", messages=[system, *talk], max_tokens=3)  # type: ignore[list-item]
    assert got.usage is not None and got.usage.prompt_tokens == len(ids(system, *talk))


def test_json_keeps_to_its_schema(asks: openai.OpenAI) -> None:
    for seed in range(4):
        got = asks.chat.completions.create(
            model="default", messages=user(ASK), max_tokens=48, temperature=1.0, seed=seed,
            response_format={"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY}})
        said = json.loads(got.choices[0].message.content or "")
        assert list(said) == ["city"] and len(said["city"]) <= 4 and got.choices[0].finish_reason == "stop"
    free = asks.chat.completions.create(model="default", messages=user(ASK), max_tokens=6,
                                        response_format={"type": "json_object"})
    assert (free.choices[0].message.content or "").startswith("{")


@pytest.mark.parametrize(("extra", "answers"), [
    ({"structured_outputs": {"choice": ["yes", "no"]}}, {"yes", "no"}),
    ({"guided_choice": ["ja"]}, {"ja"}),
    ({"guided_regex": "a/b{2}"}, {"a/bb"}),
    ({"structured_outputs": {"regex": "x{3}"}}, {"xxx"}),
    ({"structured_outputs": {"grammar": 'start: "a" "b"'}}, {"ab"}),
    ({"ebnf": 'root ::= "c" "d"'}, {"cd"}),
    ({"grammar": '%llguidance {}\nstart: "e"'}, {"e"}),
    ({"grammar": 'root ::= "f"'}, {"f"}),
    ({"guided_json": {"const": "g"}}, {'"g"'}),
    ({"structured_outputs": {"json": '{"const": "h"}'}}, {'"h"'}),
])
def test_grammars_come_in_the_fields_of_other_servers(asks: openai.OpenAI, extra: Any, answers: set[str]) -> None:
    got = asks.chat.completions.create(model="default", messages=user(ASK), extra_body=extra)
    assert got.choices[0].message.content in answers and got.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("task", [{}, {"task": "NER"}])
def test_instructions_are_held_to_their_text(asks: openai.OpenAI, alone: dict[str, Any], task: dict[str, str]) -> None:
    def ask(row: str) -> Any:
        return asks.chat.completions.create(model="default", messages=user(row),
                                            extra_body={"response_format": {"type": "iepile", **task}})

    with ThreadPoolExecutor(6) as pool:
        for row, got in zip(ROWS, pool.map(ask, ROWS), strict=True):
            want = alone[row]
            assert got.choices[0].message.content == want.text and got.choices[0].finish_reason == want.finish
            assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (want.prompt_tokens, want.tokens)


def test_a_compact_model_answers_instructions_only(asks: openai.OpenAI, compact: Path) -> None:
    engine = open_engine("compact", str(compact))
    (want,) = engine.generate([Request("a", "NER", ROWS[0])])
    got = asks.chat.completions.create(model="small", messages=user(ROWS[0]))
    assert got.choices[0].message.content == want.text and json.loads(want.text)
    events = list(asks.chat.completions.create(model="small", messages=user(ROWS[0]), stream=True))
    assert "".join(e.choices[0].delta.content or "" for e in events) == want.text
    for refused in ({"messages": user("Name a city.")}, {"messages": user(ROWS[0]), "n": 2, "temperature": 1},
                    {"messages": [{"role": "system", "content": "x"}, *user(ROWS[0])]},
                    {"messages": user(ROWS[0]), "response_format": {"type": "json_object"}}):
        with pytest.raises(openai.BadRequestError, match="instruction"):
            asks.chat.completions.create(model="small", **refused)


def test_prompts_are_continued(asks: openai.OpenAI) -> None:
    got = asks.completions.create(model="default", prompt="Once upon", max_tokens=9, logprobs=1)
    choice = got.choices[0]
    assert choice.finish_reason == "length" and choice.logprobs is not None and choice.logprobs.tokens is not None
    assert "".join(choice.logprobs.tokens) == choice.text
    events = list(asks.completions.create(model="default", prompt="Once upon", max_tokens=9, stream=True))
    assert "".join(e.choices[0].text for e in events) == choice.text and events[-1].choices[0].finish_reason == "length"


def test_thirty_two_at_once_are_batched(served: Client, asks: openai.OpenAI) -> None:
    questions = [f"Question {n}: name {n % 7} cities." for n in range(32)]
    want = [asks.chat.completions.create(model="default", messages=user(q), max_tokens=12).choices[0].message.content
            for q in questions]

    async def all_at_once() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{served.port}/v1", api_key="none",
                                      max_retries=0) as client:
            async def ask(n: int) -> str:
                if n % 2:
                    stream = await client.chat.completions.create(model="default", messages=user(questions[n]),
                                                                  max_tokens=12, stream=True)
                    return "".join([e.choices[0].delta.content or "" async for e in stream])
                got = await client.chat.completions.create(model="default", messages=user(questions[n]), max_tokens=12)
                return got.choices[0].message.content or ""

            return await asyncio.gather(*map(ask, range(32)))

    assert asyncio.run(all_at_once()) == want
