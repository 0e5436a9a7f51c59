"""Predictions over a file: rows kept in order, facts grounded, and nothing lost or repeated after a kill."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.journal import journal_path
from iepile.extraction.predict import PredictConfig, guess_engine, predict
from iepile.instruction import Instruction, read_instruction
from iepile.instructions.wording import prompt
from iepile.jsonl import dumps, read_rows, write_rows
from iepile.records import Entity, Facts, Span

NAMES = ("Ada", "Bob", "Cleo", "Dan")


def row(n: int, text: str, *labels: str, **more: Any) -> dict[str, Any]:
    ask = Instruction(prompt("NER", "en"), list(labels or ("person",)), text)
    return {"id": str(n), "task": "NER", "source": "made", "instruction": ask.render(), **more}


class NameEngine:
    """Answers every label with the names that the text holds; `quirks` are answers by text."""

    name = "names"

    def __init__(self, quirks: dict[str, Completion] | None = None) -> None:
        self.quirks = quirks or {}
        self.asked: list[str] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        # Everything is read before anything is answered, and answered backwards: engines may do so.
        for request in list(requests)[::-1]:
            self.asked.append(request.key)
            ask = read_instruction(request.instruction)
            if quirk := self.quirks.get(ask.input):
                yield Completion(request.key, quirk.text, quirk.finish, quirk.facts, quirk.tokens, error=quirk.error)
            else:
                found = [w for w in NAMES if w in ask.input]
                yield Completion(request.key, dumps(dict.fromkeys(ask.schema, found)), tokens=2)

    def close(self) -> None:
        pass


@pytest.fixture
def config(tmp_path: Path) -> PredictConfig:
    rows = [row(0, "Ada met Bob and Ada"), row(1, "nobody", "person", "place"), row(2, "Cleo", label="[]", extra=1.5)]
    write_rows(tmp_path / "in.json", rows)
    return PredictConfig(str(tmp_path / "in.json"), str(tmp_path / "out" / "out.json"))


def output(config: PredictConfig) -> list[dict[str, Any]]:
    return [r for _, r in read_rows(config.output_file)]


def test_rows_in_order_with_answer_and_grounded_facts(config: PredictConfig) -> None:
    seen: list[tuple[int, int]] = []
    summary = predict(config, NameEngine(), lambda done, total: seen.append((done, total)))
    rows = output(config)
    asked = [r for _, r in read_rows(config.input_file)]
    assert [{k: r[k] for k in a} for r, a in zip(rows, asked, strict=True)] == asked
    assert rows[0]["output"] == '{"person": ["Ada", "Bob"]}'
    assert rows[0]["facts"] == {"entities": [
        {"type": "person", "span": {"text": "Ada", "start": 0, "end": 3}},
        {"type": "person", "span": {"text": "Bob", "start": 8, "end": 11}},
    ]}
    assert rows[1]["facts"] == {}
    assert not any("problems" in r or "finish" in r for r in rows)
    assert (summary.rows, summary.mentions, summary.tokens, summary.ungrounded) == (3, 3, 6, 0)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert not journal_path(config.output_file).exists()


def test_everything_odd_is_said_and_counted(config: PredictConfig) -> None:
    quirks = {
        "Ada met Bob and Ada": Completion("", '```json\n{"person": ["ada", "Zoe"], "city": []}\n```', "length"),
        "nobody": Completion("", "I cannot", tokens=3),
        "Cleo": Completion("", "", "error", error="out of memory"),
    }
    summary = predict(config, NameEngine(quirks))
    first, second, third = output(config)
    assert first["problems"] == [
        {"kind": "salvaged", "detail": "code fence"},
        {"kind": "not asked", "detail": "city"},
        {"kind": "normalised", "detail": "ada -> Ada", "score": 100.0},
        {"kind": "ungrounded", "detail": "Zoe"},
    ]
    assert first["facts"]["entities"][1] == {"type": "person", "span": {"text": "Zoe"}}
    assert first["finish"] == "length"
    assert second["problems"][0]["kind"] == "invalid" and second["facts"] == {}
    assert (third["finish"], third["error"], third["output"]) == ("error", "out of memory", "")
    assert "problems" not in third
    told = (summary.invalid, summary.salvaged, summary.not_asked, summary.moved, summary.ungrounded, summary.cut)
    assert told == (1, 1, 1, 1, 1, 1)
    assert (summary.errors, summary.first_error) == (1, "out of memory")


def test_facts_of_the_engine_win(config: PredictConfig) -> None:
    facts = Facts((Entity("person", Span("Ada", 16, 19), 0.9), Entity("person", Span("Bob"), 0.4)))
    predict(config, NameEngine({"Ada met Bob and Ada": Completion("", '{"person": ["Ada", "Bob"]}', facts=facts)}))
    assert output(config)[0]["facts"]["entities"] == [
        {"type": "person", "span": {"text": "Ada", "start": 16, "end": 19}, "confidence": 0.9},
        {"type": "person", "span": {"text": "Bob", "start": 8, "end": 11}, "confidence": 0.4},
    ]


def test_limit_and_rows_that_were_answered_before(config: PredictConfig) -> None:
    predict(config, NameEngine({"nobody": Completion("", "x", "length")}))
    again = PredictConfig(config.output_file, config.output_file + ".2", limit=2)
    predict(again, NameEngine())
    assert [r["output"] for r in output(again)] == ['{"person": ["Ada", "Bob"]}', '{"person": [], "place": []}']
    assert "problems" not in output(again)[1] and "finish" not in output(again)[1]


def test_task_is_told_by_the_wording_or_the_option(config: PredictConfig, tmp_path: Path) -> None:
    bare = {k: v for k, v in row(0, "Ada").items() if k != "task"}
    write_rows(config.input_file, [bare])
    predict(config, NameEngine())
    assert output(config)[0]["task"] == "NER"
    own = bare | {"instruction": Instruction("Who?", ["person"], "Ada").render()}
    write_rows(config.input_file, [row(1, "x"), own])
    other = PredictConfig(config.input_file, str(tmp_path / "o2"))
    with pytest.raises(InputError, match=r"in.json:2: the row names no task"):
        predict(other, NameEngine())
    other.task = "ner"
    predict(other, NameEngine())
    assert output(other)[1]["facts"]["entities"][0]["span"]["start"] == 0


@pytest.mark.parametrize(("bad", "message"), [
    ({"id": "1"}, "no `instruction`"),
    ({"instruction": "Find Ada"}, "not an instruction"),
    (row(1, "x") | {"task": "NERD"}, "unknown task"),
    (row(1, "x") | {"instruction": Instruction("", [{"a": 1}], "x").render()}, "no NER question"),
])
def test_a_bad_row_is_found_before_the_work(config: PredictConfig, bad: dict[str, Any], message: str) -> None:
    write_rows(config.input_file, [row(0, "Ada"), bad])
    engine = NameEngine()
    with pytest.raises(InputError, match=message) as e:
        predict(config, engine)
    assert e.value.line == 2 and str(e.value.file).endswith("in.json")
    assert engine.asked == [] and not Path(config.output_file).exists()


def test_an_output_is_not_replaced_unasked(config: PredictConfig) -> None:
    predict(config, NameEngine())
    engine = NameEngine()
    with pytest.raises(InputError, match="exists already"):
        predict(config, engine)
    assert engine.asked == []
    config.overwrite = True
    predict(config, engine)
    assert len(engine.asked) == 3


class Crashing(NameEngine):
    """Dies after some answers."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for n, completion in enumerate(super().generate(requests)):
            if n == self.after:
                raise RuntimeError("device lost")
            yield completion


def test_goes_on_after_a_failure_and_repeats_nothing(config: PredictConfig, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="device lost"):
        predict(config, Crashing(2))
    assert not Path(config.output_file).exists()
    engine = NameEngine()
    summary = predict(config, engine)
    assert engine.asked == ["0"] and summary.resumed == 2 and summary.tokens == 6
    whole = PredictConfig(config.input_file, str(tmp_path / "whole"))
    predict(whole, NameEngine())
    assert Path(config.output_file).read_bytes() == Path(whole.output_file).read_bytes()


def test_another_input_does_not_go_on(config: PredictConfig) -> None:
    with pytest.raises(RuntimeError):
        predict(config, Crashing(1))
    write_rows(config.input_file, [row(0, "Dan"), row(1, "Bob")])
    with pytest.raises(InputError, match="journal of a run with another input"):
        predict(config, NameEngine())
    config.overwrite = True
    assert predict(config, NameEngine()).resumed == 0
    assert [r["output"] for r in output(config)] == ['{"person": ["Dan"]}', '{"person": ["Bob"]}']


class Forgetful(NameEngine):
    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        yield from list(super().generate(requests))[1:]


class Inventive(NameEngine):
    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        list(requests)
        yield Completion("77", "{}")


@pytest.mark.parametrize(("engine", "message"), [(Forgetful(), "answered 2 of 3"), (Inventive(), "not asked")])
def test_faults_of_engines_are_told(config: PredictConfig, engine: NameEngine, message: str) -> None:
    with pytest.raises(IepileError, match=message):
        predict(config, engine)
    assert not Path(config.output_file).exists()


def test_settings_that_are_missing(config: PredictConfig) -> None:
    with pytest.raises(InputError, match="no model"):
        predict(config)
    config.input_file = ""
    with pytest.raises(InputError, match="--input_file"):
        predict(config)


def test_the_engine_is_told_by_the_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"kind": "compact", "format": 1}', "utf-8")
    assert guess_engine(str(tmp_path)) == "compact"
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', "utf-8")
    assert guess_engine(str(tmp_path)) == guess_engine("some/hub-name") == "transformers"


SLOW_RUN = '''
import sys
sys.path.insert(0, {tests!r})
import iepile.extraction.engines as package
package.__path__.append({engines!r})
from iepile.extraction.predict import PredictConfig, predict
predict(PredictConfig({input!r}, {output!r}, {model!r}, "lookup", {{"seconds": {seconds}}}))
'''


def run(tmp_path: Path, target: str, seconds: float) -> subprocess.Popen[bytes]:
    """A run in a process of its own, with the engine of test_engine_recipe.py."""
    from importlib.util import module_from_spec, spec_from_file_location

    engines = tmp_path / "engines"
    if not engines.exists():
        spec = spec_from_file_location("recipe", Path(__file__).with_name("test_engine_recipe.py"))
        assert spec is not None and spec.loader is not None
        recipe = module_from_spec(spec)
        spec.loader.exec_module(recipe)
        engines.mkdir()
        (engines / "lookup.py").write_text(recipe.ENGINE, "utf-8")
    code = SLOW_RUN.format(tests=str(Path(__file__).parent), engines=str(engines), input=str(tmp_path / "in.json"),
                           output=str(tmp_path / target), model=str(tmp_path / "words.json"), seconds=seconds)
    return subprocess.Popen([sys.executable, "-c", code])


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_at_random_moments_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    rng = random.Random(0)
    texts = [" and ".join(rng.choices([*NAMES, "Paris", "rain"], k=rng.randint(1, 9))) for _ in range(400)]
    write_rows(tmp_path / "in.json", [row(n, t, "person", "place") for n, t in enumerate(texts)])
    (tmp_path / "words.json").write_text(json.dumps({"person": NAMES, "place": ["Paris"]}), "utf-8")
    assert run(tmp_path, "whole.json", 0).wait(60) == 0
    kills, kept = 0, 0
    for _ in range(40):
        process = run(tmp_path, "killed.json", 0.002)
        journal = journal_path(tmp_path / "killed.json")
        deadline = time.monotonic() + 20
        # Wait for some progress, so that the kills fall into the work and not into the imports.
        while process.poll() is None and time.monotonic() < deadline:
            if journal.exists() and journal.stat().st_size > kept:
                time.sleep(rng.uniform(0, 0.25))
                break
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if journal.exists():
                kept = journal.stat().st_size
                continue
        else:
            assert process.returncode == 0
        break
    assert kills >= 2
    assert (tmp_path / "killed.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == ["engines", "in.json", "killed.json", "whole.json", "words.json"]
