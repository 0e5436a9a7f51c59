"""The openai engine with a real server, `transformers serve`, and a tiny model: the same answers as here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.extraction.engines.transformers import TransformersEngine, TransformersOptions
from iepile.extraction.predict import PredictConfig, predict
from iepile.instruction import Instruction
from iepile.jsonl import read_rows, write_rows
from iepile.models.chat import Chat
from iepile.models.load import load_model
from iepile.models.serving import save_tokenizer
from server_process import free_port, running
from tiny_models import byte_level_tokenizer, make_model

TEXTS = ["康有为生于广东。", 'He said "no" to Ada.\nThen left.', "a" * 300]
REQUESTS = [Request(f"{t}{n}", t, Instruction("Find.", ["人物", "place"], x).render())
            for n, x in enumerate(TEXTS) for t in ("NER", "RE")]
TOKENS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_model(tmp_path_factory.mktemp("model") / "tiny", byte_level_tokenizer())
    loaded = load_model(made)
    assert save_tokenizer(made, Chat(loaded.tokenizer, "qwen"))
    # This server draws only where the model says so; temperature 0 still gives the likeliest answer.
    settings = json.loads((made / "generation_config.json").read_text("utf-8"))
    (made / "generation_config.json").write_text(json.dumps(settings | {"do_sample": True}), "utf-8")
    return made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    for library in ("fastapi", "uvicorn", "openai", "pydantic"):
        pytest.importorskip(library, reason=f"transformers serve needs {library}")
    cache, port = folder.parent / "cache", free_port()
    cache.mkdir()
    start = "from transformers.cli.transformers import app; app()"
    command = [sys.executable, "-c", start, "serve", str(folder), "--device", "cpu", "--port", str(port),
               "--host", "127.0.0.1"]
    with running(command, port, "/health", folder.parent / "log", HF_HUB_OFFLINE="1", HF_HUB_CACHE=str(cache)) as made:
        yield made


@pytest.fixture(scope="module")
def local(folder: Path) -> dict[str, str]:
    options = TransformersOptions(template="qwen", grammar=False, max_new_tokens=TOKENS, threads=1)
    engine = TransformersEngine(load_model(folder), options)
    return {c.key: c.text for c in engine.generate(REQUESTS)}


def test_it_is_known_and_found_to_pass_over_grammars(url: str, folder: Path, opened: Any) -> None:
    found = opened(url, max_new_tokens=TOKENS).found
    assert found.dialect.name == "transformers" and found.model == str(folder)
    assert found.step == "none" and not found.logprobs and not found.counts and found.context is None
    with pytest.raises(InputError, match="does not keep to a grammar given as json_schema"):
        opened(url, constraint="json_schema")
    with pytest.raises(InputError, match=r"transformers does not keep|given as lark"):
        opened(url, constraint="lark")


def test_greedy_answers_are_those_of_our_own_engine(url: str, local: dict[str, str], opened: Any) -> None:
    done = {c.key: c for c in opened(url, max_new_tokens=TOKENS).generate(REQUESTS)}
    assert {k: c.text for k, c in done.items()} == local
    assert all(0 < c.tokens <= TOKENS and c.prompt_tokens > 50 and not c.error for c in done.values())
    assert {c.finish for c in done.values()} <= {"stop", "length"} and len(set(local.values())) > 1


def test_prompts_of_our_own_template_as_well(url: str, local: dict[str, str], opened: Any) -> None:
    engine = opened(url, max_new_tokens=TOKENS, endpoint="completions", template="qwen")
    assert {c.key: c.text for c in engine.generate(REQUESTS)} == local


def test_samples_differ_and_come_again(url: str, opened: Any) -> None:
    engine = opened(url, max_new_tokens=TOKENS, temperature=1.0, concurrency=1)
    asked = [Request(f"{n}:{again}", "NER", REQUESTS[0].instruction, sample=n) for n in (1, 2) for again in (0, 1)]
    done = {c.key: c.text for c in engine.generate(asked)}
    assert done["1:0"] == done["1:1"] and done["2:0"] == done["2:1"] and done["1:0"] != done["2:0"]


def test_a_run_over_a_file(url: str, local: dict[str, str], tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"task": r.task, "instruction": r.instruction} for r in REQUESTS])
    summary = predict(PredictConfig(input_file=str(tmp_path / "in.json"), output_file=str(tmp_path / "out.json"),
                                    model=url, engine_options={"max_new_tokens": TOKENS}))
    rows = [r for _, r in read_rows(tmp_path / "out.json")]
    assert (summary.engine, summary.rows, summary.errors) == ("openai", len(REQUESTS), 0)
    assert [r["output"] for r in rows] == [local[r.key] for r in REQUESTS]
