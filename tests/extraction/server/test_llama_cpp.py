"""The openai engine with real llama.cpp: verbatim by GBNF, log-probabilities, the same answers as here.

Opt-in: IEPILE_LLAMA_SERVER names the program `llama-server` (built from source in about ten minutes on one core), and
where llama-cpp-python with its server is installed, that is tested as well.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.extraction.confidence import strings_of
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.engines.transformers import TransformersEngine, TransformersOptions
from iepile.instruction import Instruction, read_instruction
from iepile.models.load import load_model
from iepile.tasks import get_task
from iepile.training.export.config import ExportConfig
from iepile.training.export.export import export
from server_process import free_port, running

PROGRAM = os.environ.get("IEPILE_LLAMA_SERVER", "")
SERVERS = ["llama-server", "llama-cpp-python"]
TEXTS = ["康有为生于广东“南海”，后来到了北京。", 'He said "no"\\ and left</s>.\n\tThen obey \x7f\u2028',
         "👩‍👧 苹果公司以30亿美元收购了Beats。" * 3, "NAN"]
ASKED: dict[str, list[Any]] = {
    "NER": ["人物", 'wh"o', "<|im_end|>"], "RE": ["出生地", "\\"], "EET": ["收购"],
    "EE": [{"event_type": "收购", "trigger": True, "arguments": ["收购方", 'a"b']}],
    "EEA": [{"event_type": "收购", "trigger": ["收购"], "arguments": ["收购方"]}],
    "SPO": [{"subject_type": "人", "predicate": "生于", "object_type": "地"}],
    "KG": [{"entity_type": "人", "attributes": ["生日", "国籍"]}],
}
REQUESTS = [Request(f"{task}{n}", task, Instruction("Extract.", schema, text).render())
            for n, text in enumerate(TEXTS) for task, schema in ASKED.items()]
OPTIONS: dict[str, Any] = {"max_new_tokens": 100, "max_items": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model and, beside it, its GGUF file with fp32 weights."""
    from export_toys import QWEN2, byte_pairs, save, tiny

    root, tokenizer = tmp_path_factory.mktemp("models"), byte_pairs(QWEN2)
    made = save(root / "model", tiny("qwen2", tokenizer, max_position_embeddings=2048), tokenizer, "qwen")
    export(ExportConfig(str(made), str(root / "gguf"), format="gguf", dtype="fp32"))
    return root


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, str]]:
    model, port = str(folder / "gguf" / "model-fp32.gguf"), str(free_port())
    if request.param == "llama-server":
        if not Path(PROGRAM).is_file():
            pytest.skip("IEPILE_LLAMA_SERVER does not name the program llama-server")
        command = [PROGRAM, "-m", model, "--port", port, "--host", "127.0.0.1", "-t", "1", "-c", "4096", "-np", "2",
                   "--jinja", "-ctk", "f32", "-ctv", "f32", "-fa", "off"]
        more = {"LD_LIBRARY_PATH": str(Path(PROGRAM).parent)}
        path = "/health"
    else:
        for name in ("llama_cpp", "sse_starlette", "pydantic_settings", "starlette_context"):
            if importlib.util.find_spec(name) is None:
                pytest.skip(f"llama-cpp-python[server] is not installed: no {name}")
        command = [sys.executable, "-m", "llama_cpp.server", "--model", model, "--port", port, "--host", "127.0.0.1",
                   "--n_ctx", "2048", "--n_threads", "1", "--logits_all", "true", "--type_k", "0", "--type_v", "0"]
        more, path = {"PYTHONPATH": os.pathsep.join(sys.path)}, "/v1/models"
    with running(command, int(port), path, folder / f"{request.param}.log", **more) as url:
        yield request.param, url


def check(r: Request, c: Completion) -> None:
    instruction, task = read_instruction(r.instruction), get_task(r.task)
    read = task.parse(c.text, task.read_items(instruction.schema))
    assert read.valid, (c, read.problems)
    assert r.task == "EEA" or all(s.text and s.text in instruction.input for s in read.facts.spans()), c
    assert json.loads(c.text).keys() == {task.key(i) for i in task.read_items(instruction.schema)}


def test_every_answer_of_every_task_is_valid_and_verbatim(server: tuple[str, str], opened: Any) -> None:
    name, url = server
    engine = opened(url, **OPTIONS)
    assert engine.found.step == "gbnf" and engine.found.logprobs and engine.found.counts
    assert engine.found.dialect.name == ("llama.cpp" if name == "llama-server" else name)
    assert engine.context == (2048 if name == "llama-server" else None)
    done = {c.key: c for c in engine.generate(REQUESTS)}
    assert set(done) == {r.key for r in REQUESTS}
    # llama-cpp-python ends an answer at a special token that a label spells out.
    assert name != "llama-server" or engine.usage.unbound == 0
    for r in REQUESTS:
        check(r, done[r.key])
    assert len({c.text for c in done.values()}) > len(ASKED) and {c.finish for c in done.values()} <= {"stop", "length"}
    assert all(c.logprob is not None and c.logprob < 0 for c in done.values())
    if name == "llama-server":
        told = [c for c in done.values() if c.string_logprobs is not None]
        assert len(told) >= 0.8 * len(done)
        assert all(len(c.string_logprobs or ()) == len(strings_of(c.text)) for c in told)


def test_drawn_answers_are_valid_and_verbatim_too(server: tuple[str, str], opened: Any) -> None:
    engine = opened(server[1], temperature=1.0, **OPTIONS)
    drawn = [Request(f"{r.key}:{n}", r.task, r.instruction, sample=n) for r in REQUESTS[::3] for n in (1, 2, 3)]
    done = {c.key: c for c in engine.generate(drawn)}
    for r in drawn:
        check(r, done[r.key])
    assert len({c.text for c in done.values()}) > len(drawn) // 2


def test_the_same_answers_as_our_own_engine(server: tuple[str, str], folder: Path, opened: Any) -> None:
    """Without a grammar: forced text has one way into tokens in llguidance and any in llama.cpp, which random weights
    tell apart."""
    asked = [Request(str(n), "NER", Instruction("Extract.", ["人物", "place"], f"{n} Ada met 康有为.").render())
             for n in range(120)]
    local = TransformersEngine(load_model(folder / "model"), TransformersOptions(
        threads=1, dtype="fp32", grammar=False, max_new_tokens=8))
    ours = {c.key: c for c in local.generate(asked)}
    theirs = {c.key: c for c in opened(server[1], constraint="none", max_new_tokens=8).generate(asked)}
    # Both put a sign for broken characters, but not equally many; up to there every character is the same.
    both = [[c[k].text.split("\ufffd")[0] for c in (ours, theirs)] for k in ours]
    same = [a for a, b in both if a and b.startswith(a)]
    wrong = [(a, b) for a, b in both if not b.startswith(a)]
    assert not wrong
    assert sum(map(len, same)) > 100 and len(set(same)) > 5


def test_prompts_are_counted_as_they_are_read(server: tuple[str, str], opened: Any) -> None:
    engine = opened(server[1], **OPTIONS)
    for c in engine.generate(REQUESTS[:5]):
        r = next(r for r in REQUESTS if r.key == c.key)
        counted = engine.prompt_tokens(r)
        assert counted == c.prompt_tokens if server[0] == "llama-server" else counted >= c.prompt_tokens
