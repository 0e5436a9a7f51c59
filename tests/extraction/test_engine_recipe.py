"""The steps that engine.py gives for a new engine, followed with one that looks words up in a file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import iepile.extraction.engines as package
from iepile.errors import InputError
from iepile.extraction.engines.engine import Request, engine_names, open_engine
from iepile.instruction import Instruction

ENGINE = '''
"""Finds the words of a JSON file {label: [words]}."""

import json
import time
from dataclasses import dataclass

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion
from iepile.instruction import read_instruction
from iepile.jsonl import dumps


@dataclass
class LookupOptions:
    """Options of the lookup engine."""

    seconds: float = 0.0
    """How long each answer takes."""


class LookupEngine:
    """Answers NER questions with the words that the text holds."""

    name = "lookup"

    def __init__(self, words, options):
        self.words, self.options = words, options

    def generate(self, requests):
        waiting = []
        for request in requests:
            waiting.append(request)
            if len(waiting) == 3:
                # Batched and out of order, as engines are allowed to answer.
                yield from map(self.answer, reversed(waiting))
                waiting = []
        yield from map(self.answer, reversed(waiting))

    def answer(self, request):
        time.sleep(self.options.seconds)
        ask = read_instruction(request.instruction)
        found = {k: [w for w in self.words.get(k, ()) if w.lower() in ask.input.lower()] for k in ask.schema}
        return Completion(request.key, dumps(found), tokens=len(ask.schema))

    def close(self):
        pass


OPTIONS = LookupOptions


def open_engine(model, options):
    try:
        with open(model, encoding="utf-8") as f:
            return LookupEngine(json.load(f), options)
    except OSError as e:
        raise InputError("no word list", file=model) from e
'''


@pytest.fixture
def lookup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine file in a folder of its own; returns its word list."""
    folder = tmp_path / "engines"
    folder.mkdir()
    (folder / "lookup.py").write_text(ENGINE, "utf-8")
    words = tmp_path / "words.json"
    words.write_text('{"person": ["Ada", "Bob"], "place": ["Paris"]}', "utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, "iepile.extraction.engines.lookup", raising=False)
    return words


def request(key: str, text: str, *labels: str) -> Request:
    return Request(key, "NER", Instruction("Find.", list(labels), text).render())


def test_a_file_in_the_folder_is_an_engine(lookup: Path) -> None:
    assert "lookup" in engine_names() and "engine" not in engine_names()
    engine = open_engine("lookup", str(lookup))
    answers = {c.key: c.text for c in engine.generate([request("a", "Ada in Paris", "person", "place")])}
    assert answers == {"a": '{"person": ["Ada"], "place": ["Paris"]}'}
    engine.close()


def test_options_are_typed_and_named(lookup: Path) -> None:
    assert open_engine("lookup", str(lookup), {"seconds": "0.5"}).options.seconds == 0.5  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"lookup.*seconds"):
        open_engine("lookup", str(lookup), {"seconds": "soon"})
    with pytest.raises(InputError, match="no option 'second'") as e:
        open_engine("lookup", str(lookup), {"second": 1})
    assert "did you mean seconds?" in str(e.value)


def test_unknown_engine_names_those_that_are_there(lookup: Path) -> None:
    with pytest.raises(InputError, match="unknown engine 'lokup'") as e:
        open_engine("lokup", str(lookup))
    assert "lookup" in str(e.value)


def test_a_model_that_cannot_be_opened(lookup: Path) -> None:
    with pytest.raises(InputError, match="no word list"):
        open_engine("lookup", str(lookup.with_name("other.json")))
