"""Parity: the same token ids in training, in our own answers, and in a server of somebody else's."""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.extraction.engines.engine import Request
from iepile.extraction.engines.transformers import TransformersEngine, TransformersOptions
from iepile.instruction import Instruction
from iepile.models.card import read_card
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.tune import tune
from tiny_models import byte_level_tokenizer, make_model, sentencepiece_tokenizer

TEXTS = ["康有为生于广东。", 'He said "no" to Ada.\nThen left.']
QUESTIONS = [Instruction("Find the entities.", ["人物", "place"], t).render() for t in TEXTS]
ANSWERS = ['{"人物": ["康有为"], "place": []}', '{"人物": ["Ada"], "place": []}']
SECONDS = 60
# The server as it is, but for a note of the ids it gives its model.
SERVER = """
import json, sys
from transformers import GenerationMixin
from transformers.cli.transformers import app
generate, notes = GenerationMixin.generate, sys.argv.pop(1)
def noted(self, *args, **more):
    ids = more["input_ids"] if "input_ids" in more else args[0]
    with open(notes, "a") as f:
        f.write(json.dumps(ids.tolist()) + "\\n")
    return generate(self, *args, **more)
GenerationMixin.generate = noted
app()
"""


def train(folder: Path, kind: str, template: str, system: str, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Tune a tiny model in `folder/run`; gives the rows of ids that went into it."""
    from transformers import LlamaForCausalLM

    tokenizer = (byte_level_tokenizer if kind == "bytes" else sentencepiece_tokenizer)(QUESTIONS)
    make_model(folder / "base", tokenizer)
    rows = [{"task": "NER", "instruction": q, "output": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    (folder / "train.json").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    seen: list[list[int]] = []
    forward = LlamaForCausalLM.forward

    @functools.wraps(forward)
    def noted(self: Any, *args: Any, **more: Any) -> Any:
        seen.extend(more["input_ids"].tolist())
        return forward(self, *args, **more)

    monkeypatch.setattr(LlamaForCausalLM, "forward", noted)
    tune(TrainConfig(str(folder / "base"), str(folder / "train.json"), str(folder / "run"), finetuning_type="full",
                     template=template, system_prompt=system, num_train_epochs=1, threads=1,
                     per_device_train_batch_size=1))
    monkeypatch.setattr(LlamaForCausalLM, "forward", forward)
    assert len(seen) == len(rows)
    return sorted(seen)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    """Starts `transformers serve` on a model folder; gives (ask, notes)."""
    for library in ("fastapi", "uvicorn", "openai", "pydantic"):
        pytest.importorskip(library, reason=f"transformers serve needs {library}")
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path) -> tuple[Any, Path]:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        notes, log, cache = tmp_path / "notes", tmp_path / "server.log", tmp_path / "cache"
        cache.mkdir()
        here = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        with log.open("wb") as out:
            started.append(subprocess.Popen(
                [sys.executable, "-c", SERVER, str(notes), "serve", str(folder), "--device", "cpu", "--port",
                 str(port), "--host", "127.0.0.1"],
                env=here | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache), "OMP_NUM_THREADS": "1"},
                stdout=out, stderr=subprocess.STDOUT,
            ))
        open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

        def ask(query: str) -> str:
            body = {"model": str(folder), "messages": [{"role": "user", "content": query}], "max_tokens": 12}
            call = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(),
                                          {"Content-Type": "application/json"})
            with open_url(call, timeout=SECONDS) as reply:
                return str(json.load(reply)["choices"][0]["message"]["content"] or "")

        for _ in range(SECONDS * 4):
            assert started[-1].poll() is None, log.read_text()[-2000:]
            try:
                with open_url(f"http://127.0.0.1:{port}/health", timeout=5):
                    return ask, notes
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


@pytest.mark.parametrize("template", ["alpaca_2023", "vicuna_2023", "alpaca", "qwen"])
def test_rows_of_the_older_form_are_asked_as_they_were_trained(template: str, tmp_path: Path) -> None:
    from iepile.training.data import read_examples

    row = {"instruction": "Extract (head, relation).", "input": "康有为生于广东。", "output": "(康有为,生于)"}
    (tmp_path / "train.json").write_text(json.dumps(row), encoding="utf-8")
    loaded = load_model(make_model(tmp_path / "base", byte_level_tokenizer()))
    chat = loaded.chat(template)
    engine = TransformersEngine(loaded, TransformersOptions(template=template))
    asked = engine._prepare(Request("0", "", row["instruction"], row["input"])).ids
    examples = read_examples(tmp_path / "train.json", chat, 1024)
    assert list(examples.rows[0].ids) == asked + chat.answer_ids(row["output"])
    heading = chat.tokenizer.decode(asked).count("Input:")
    assert heading == (1 if template.endswith("_2023") else 0)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "template", "system"),
                         [("bytes", "alpaca", ""), ("bytes", "qwen", "Be exact."), ("pieces", "llama2", "")])
def test_training_answers_and_a_server_see_the_same_ids(
    kind: str, template: str, system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    trained = train(tmp_path, kind, template, system, monkeypatch)
    folder = tmp_path / "run" / "model"
    card = read_card(folder)
    assert card is not None and card.template == template
    loaded = load_model(folder)
    chat = loaded.chat()

    # Our own answers.
    engine = TransformersEngine(loaded, TransformersOptions(grammar=False, max_new_tokens=12))
    requests = [Request(str(i), "NER", q) for i, q in enumerate(QUESTIONS)]
    asked = [engine._prepare(r).ids for r in requests]
    whole = [ids + chat.answer_ids(a) for ids, a in zip(asked, ANSWERS, strict=True)]
    assert sorted(whole) == trained
    ours = {c.key: c.text for c in engine.generate(requests)}

    # A server, which knows nothing of us but the folder.
    ask, notes = server(folder)
    theirs = [ask(q).strip() for q in QUESTIONS]
    assert [json.loads(line) for line in notes.read_text().splitlines()] == [[ids] for ids in asked]
    assert theirs == [ours[r.key] for r in requests]
