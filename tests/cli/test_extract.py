"""`iepile extract` and texts for `iepile predict`: from the command line, a pipe, files and folders."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.journal import journal_path
from iepile.instruction import read_instruction
from iepile.jsonl import dumps

Cli = Callable[..., tuple[int, str, str]]
LOOKUP = '''
from dataclasses import dataclass
from test_extract import Lookup

@dataclass
class Options:
    """One."""

    most_names: int = 9

OPTIONS = Options

def open_engine(model, options):
    return Lookup(options.most_names)
'''


class Lookup:
    """Finds two names; has no answer about rain."""

    name = "lookup"

    def __init__(self, most: int) -> None:
        self.most = most

    def generate(self, requests):  # type: ignore[no-untyped-def]
        return map(self.answer, requests)

    def answer(self, request: Request) -> Completion:
        ask = read_instruction(request.instruction)
        if "rain" in ask.input:
            return Completion(request.key, "", "error", error="it rains")
        found = [w for w in ("Ada", "临溪镇") if w in ask.input][: self.most]
        if request.task == "RE":
            return Completion(request.key, dumps({r: [{"subject": "Ada", "object": "临溪镇"}] for r in ask.schema}))
        if request.task == "EE":
            event = {"trigger": "met", "arguments": {"who": "Ada"}}
            return Completion(request.key, dumps({ask.schema[0]["event_type"]: [event]}))
        text = dumps(dict.fromkeys(ask.schema, found))
        return Completion(request.key, text, string_logprobs=(-0.1,) * (text.count('"') // 2))

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def lookup(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of that name, that every model runs on."""
    import iepile.extraction.engines as package

    (here / "engines").mkdir()
    (here / "engines" / "lookup.py").write_text(LOOKUP, "utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(here / "engines")])
    monkeypatch.delitem(sys.modules, "iepile.extraction.engines.lookup", raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


MODEL = ("--model", "m", "--engine", "lookup")


def test_a_text_with_a_short_schema(cli: Cli) -> None:
    code, out, _ = cli("extract", "Ada in 临溪镇.", "--schema", "person；place", *MODEL)
    assert (code, out) == (0, "[Ada|person] in [临溪镇|person].\n")
    schema = "entities: person; relations: in; events: meeting(who)"
    code, out, _ = cli("extract", "Ada met 临溪镇", "--schema", schema, "--show", "table", *MODEL)
    lines = [line.split() for line in out.splitlines() if line.strip() and "─" not in line]
    assert code == 0 and lines == [
        ["kind", "label", "text", "place", "confidence"], ["entity", "person", "Ada", "0-3", "0.90"],
        ["entity", "person", "临溪镇", "8-11", "0.90"],
        ["relation", "in", "Ada", "->", "临溪镇", "0-3", "->", "8-11", "-"],
        ["event", "meeting", "met", "4-7", "-"], ["who", "Ada", "0-3", "-"]]
    code, out, _ = cli("extract", "Ada", "--schema", "person", "--show", "json", *MODEL)
    (ada,) = json.loads(out)["entities"]
    assert ada.pop("confidence") == pytest.approx(0.9048, abs=1e-4)
    assert ada == {"type": "person", "span": {"text": "Ada", "start": 0, "end": 3}}
    code, out, _ = cli("extract", "Ada", "--schema", "person", "--json", *MODEL)
    assert code == 0 and json.loads(out)["entities"] == 1


@pytest.mark.parametrize("argv", [(), ("-",), ("--text", "-")])
def test_a_text_through_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]) -> None:
    piped(monkeypatch, "艾达 in 临溪镇".encode())
    code, out, _ = cli("extract", *argv, "--schema", "place", *MODEL)
    assert code == 0 and out.strip() == "艾达 in [临溪镇|place]"


def test_files_folders_and_pipes_become_documents(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("texts/deep").mkdir(parents=True)
    Path("texts/deep/a.txt").write_text("Ada came.", "utf-8")
    Path("texts/b.md").write_text("Nobody.", "utf-8")
    code, _, err = cli("predict", "--input_file", "texts", "--schema", "person", "--output_file", "out.jsonl", *MODEL)
    assert code == 0, err
    rows = [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]
    assert [(r["id"], len(r["entity"])) for r in rows] == [("b.md", 0), ("deep/a.txt", 1)]
    piped(monkeypatch, b'{"text": "Ada"}\n{"text": "Bob"}\n')
    code, _, err = cli("extract", "--input_file", "-", "--schema", "person", "--output_file", "two.jsonl", *MODEL)
    assert code == 0, err
    assert [len(json.loads(line)["entity"]) for line in Path("two.jsonl").read_text("utf-8").splitlines()] == [1, 0]
    assert not list(Path().glob("*stdin*"))


def test_rows_that_fail_end_the_run_with_1_and_are_asked_again(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("in.txt").write_text("Ada came.\nIt will rain.\nNobody.\n", "utf-8")
    argv = ("predict", "--input_file", "in.txt", "--each_line", "--schema", "person", "--output_file", "o.jsonl",
            *MODEL)
    code, _, err = cli(*argv)
    assert code == 1 and "1 of 3 rows failed; the first: it rains" in err and "same command again" in err
    rows = [json.loads(line) for line in Path("o.jsonl").read_text("utf-8").splitlines()]
    assert [r.get("error") for r in rows] == [None, "it rains", None] and journal_path("o.jsonl").exists()
    asked: list[str] = []

    def dry(self: Lookup, request: Request) -> Completion:
        asked.append(request.key)
        return Completion(request.key, '{"person": ["rain"]}')

    import test_extract

    monkeypatch.setattr(test_extract.Lookup, "answer", dry)
    code, _, err = cli(*argv)
    assert (code, asked) == (0, ["1"]), err
    assert not journal_path("o.jsonl").exists()


@pytest.mark.parametrize(("argv", "message"), [
    (("x",), "no schema"), (("x", "--schema", "a", "--schema_path", "schema.json"), "two schemas"),
    (("x", "--schema", "a(b"), "bracket"), (("x", "--schema", "nowhere.yaml"), "no such file"),
    (("x", "--schema", "a", "--input_file", "docs.jsonl"), "give one of them"),
    (("x", "--schema", "a", "--task", "EEA"), "must be told"), (("x\udc80", "--schema", "a"), "half a character"),
    (("x", "--schema", "a", "--orders", "0"), "orders"), (("x", "--schema", "a", "--show", "tree"), "show"),
    (("--input_file", "docs.jsonl", "--schema", "a"), "output_file"),
    (("--input_file", "none", "--schema", "a", "--output_file", "o"), "no such file"),
])
def test_what_is_wrong_is_said(cli: Cli, argv: tuple[str, ...], message: str) -> None:
    code, out, err = cli("extract", *argv, *MODEL)
    assert code == 2 and err.startswith("error: ") and message in err and not out
    assert not Path("o").exists()


@pytest.mark.parametrize("flag", ["--engine_options.most_names", "--engine-options.most-names"])
def test_options_of_engines_may_be_spelt_either_way(cli: Cli, flag: str) -> None:
    code, out, err = cli("extract", "Ada in 临溪镇.", "--schema", "person", flag, "1", *MODEL)
    assert (code, out) == (0, "[Ada|person] in 临溪镇.\n"), err
    code, _, err = cli("extract", "Ada", "--schema", "person", "--engine_options.most_name", "1", *MODEL)
    assert code == 2 and "did you mean most_names?" in err


def test_no_model(cli: Cli) -> None:
    code, _, err = cli("extract", "x", "--schema", "a")
    assert code == 2 and "no model" in err
