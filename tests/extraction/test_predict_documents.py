"""Predictions about texts: by a schema, in windows, label orders and passes; nothing lost, nothing asked twice."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reading.made import pdf

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.journal import journal_path
from iepile.extraction.predict import PredictConfig, predict
from iepile.instruction import Instruction, read_instruction
from iepile.jsonl import dumps, read_rows, write_rows

NAMES = ("Ada", "Bob", "Cleo", "艾达")


class Words:
    """Answers with the names that the text holds; a word is a token. Remembers what it was asked."""

    name = "words"

    def __init__(self, context: int | None = None, room: int = 4) -> None:
        self.context, self.room = context, room
        self.asked: list[Request] = []

    def prompt_tokens(self, request: Request) -> int:
        return len(request.instruction.split())

    def answer_room(self, request: Request) -> int:
        return self.room

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for request in requests:
            assert self.context is None or self.prompt_tokens(request) + self.room <= self.context
            self.asked.append(request)
            yield self.answer(request)

    def answer(self, request: Request) -> Completion:
        ask = read_instruction(request.instruction)
        found = re.findall("|".join(NAMES), ask.input)
        answers: dict[str, Any] = {"person": found, "place": []}
        if request.task == "RE":
            pairs = [{"subject": "Ada", "object": "Bob"}] if "Bob" in found else []
            return Completion(request.key, dumps(dict.fromkeys(ask.schema, pairs)))
        return Completion(request.key, dumps({label: answers.get(label, []) for label in ask.schema}))

    def close(self) -> None:
        pass


def config(tmp_path: Path, source: str, **more: Any) -> PredictConfig:
    return PredictConfig(str(tmp_path / source), str(tmp_path / "out.jsonl"), **{"schema": "person, place"} | more)


def output(tmp_path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(tmp_path / "out.jsonl")]


def test_a_table_becomes_documents_with_their_other_columns(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('n,body\n1,Ada met Bob\n2,"nobody, here"\n3,\n', "utf-8")
    engine = Words()
    summary = predict(config(tmp_path, "in.csv", text_field="body"), engine)
    assert output(tmp_path) == [
        {"text": "Ada met Bob", "meta": {"places": [{"start": 0, "end": 11, "row": 2, "column": "body"}]}, "n": "1",
         "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]},
                    {"entity": "Bob", "entity_type": "person", "pos": [8, 11]}]},
        {"text": "nobody, here", "meta": {"places": [{"start": 0, "end": 12, "row": 3, "column": "body"}]}, "n": "2",
         "entity": []},
        {"text": "", "n": "3"},
    ]
    assert (summary.rows, summary.questions, summary.entities, len(engine.asked)) == (3, 2, 2, 2)


def test_gold_of_the_input_makes_way(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"text": "Ada", "source": "s", "entity": [{"entity": "x"}], "event": []}])
    predict(config(tmp_path, "in.json"), Words())
    assert output(tmp_path) == [
        {"text": "Ada", "source": "s", "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}]}]


def test_long_texts_are_cut_and_put_together_with_their_places(tmp_path: Path) -> None:
    sentences = [f"Sentence {n} names Ada and Bob." if n % 5 == 0 else f"Sentence {n} names nobody." for n in range(60)]
    text = " ".join(sentences)
    write_rows(tmp_path / "in.json", [{"text": text}, {"text": "Cleo."}])
    engine = Words(context=80)
    settings = {"schema": "entities: person; relations: knows"}
    summary = predict(config(tmp_path, "in.json", **settings), engine)
    long, short = output(tmp_path)
    wanted = [text.find("Ada", text.find(f"Sentence {n} ")) for n in range(0, 60, 5)]
    assert [e["pos"][0] for e in long["entity"] if e["entity"] == "Ada"] == wanted
    # A window states a relation once, wherever else in it the same is said.
    assert {r["head_pos"][0] for r in long["relation"]} <= set(wanted) and len(long["relation"]) > 4
    assert len(short["entity"]) == 1 and summary.cut_into_windows == 1
    assert len(engine.asked) > 12 and all(text[a:b] in ("Ada", "Bob") for a, b in (e["pos"] for e in long["entity"]))
    asked = {read_instruction(r.instruction).input for r in engine.asked}
    assert "".join(sorted(asked, key=text.find)).count("names") > 60


def test_a_window_is_as_long_as_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("第一句话里有艾达。" * 40, "utf-8")
    engine = Words()
    engine.prompt_tokens = lambda request: len(request.instruction)  # type: ignore[method-assign]
    predict(config(tmp_path, "in.txt", window=50, overlap=0), engine)
    pieces = [read_instruction(r.instruction).input for r in engine.asked]
    assert "".join(pieces) == "第一句话里有艾达。" * 40 and {len(p) for p in pieces} == {45}
    assert len(output(tmp_path)[0]["entity"]) == 40


def test_a_row_is_cut_only_where_the_model_holds_no_more(tmp_path: Path) -> None:
    text = "Ada came. " * 30 + "Bob left."
    row = {"task": "NER", "instruction": Instruction("Find.", ["person"], text).render()}
    write_rows(tmp_path / "in.json", [row, row | {"instruction": Instruction("Find.", ["person"], "Cleo.").render()}])
    engine = Words()
    predict(config(tmp_path, "in.json"), engine)
    assert [r.instruction for r in engine.asked] == [r["instruction"] for _, r in read_rows(tmp_path / "in.json")]
    engine = Words(context=30)
    summary = predict(config(tmp_path, "in.json", overwrite=True), engine)
    first, second = output(tmp_path)
    assert len(engine.asked) > 3 and summary.cut_into_windows == 1
    # The answer of a row that was asked in pieces is that of the facts.
    assert json.loads(first["output"]) == {"person": ["Ada", "Bob"]}
    assert [e["span"]["start"] for e in first["facts"]["entities"]] == [*range(0, 300, 10), 300]
    assert second["output"] == '{"person": ["Cleo"]}'


class Wavering(Words):
    """Sees a place called Bob when `place` is asked first, and Cleo only in drawn answers."""

    def answer(self, request: Request) -> Completion:
        ask = read_instruction(request.instruction)
        found = {"person": ["Ada"], "place": ["Bob"] if ask.schema[0] == "place" else []}
        if request.sample:
            found["person"] = ["Ada", "Cleo"] if request.sample % 2 else []
        return Completion(request.key, dumps({label: found.get(label, []) for label in ask.schema}))


def test_what_label_orders_agree_on_is_kept_with_its_support(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"text": "Ada, Bob and Cleo"}])
    engine = Wavering()
    predict(config(tmp_path, "in.json", orders=6, schema="person, place, x", min_support=0.3), engine)
    orders = [tuple(read_instruction(r.instruction).schema) for r in engine.asked]
    assert len(set(orders)) == 6
    found = {e["entity"]: e["support"] for e in output(tmp_path)[0]["entity"]}
    assert found == {"Ada": 1.0, "Bob": pytest.approx(1 / 3, abs=1e-4)}
    predict(config(tmp_path, "in.json", orders=6, schema="person, place, x", overwrite=True), Wavering())
    assert [e["entity"] for e in output(tmp_path)[0]["entity"]] == ["Ada"]


def test_passes_add_what_the_first_answer_lacks(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"text": "Ada, Bob and Cleo"}])
    engine = Wavering()
    predict(config(tmp_path, "in.json", passes=3, seed=2), engine)
    assert [r.sample for r in engine.asked] == [0, 2001, 2002]
    assert [e["entity"] for e in output(tmp_path)[0]["entity"]] == ["Ada", "Cleo"]


def test_a_row_with_several_answers_says_what_they_agree_on(tmp_path: Path) -> None:
    row = {"task": "NER", "instruction": Instruction("Find.", ["place", "person"], "Ada, Bob and Cleo").render()}
    write_rows(tmp_path / "in.json", [row])
    predict(config(tmp_path, "in.json", orders=2, min_support=1.0), Wavering())
    (found,) = output(tmp_path)
    assert json.loads(found["output"]) == {"place": [], "person": ["Ada"]}
    # What each order alone answers stays, for `evaluate --sort_by order`.
    assert list(map(json.loads, found["orders"])) == [
        {"place": ["Bob"], "person": ["Ada"]}, {"place": [], "person": ["Ada"]}]
    predict(config(tmp_path, "in.json", overwrite=True), Wavering())
    assert "orders" not in output(tmp_path)[0]


def test_only_facts_sure_enough_are_kept(tmp_path: Path) -> None:
    class Sure(Words):
        def answer(self, request: Request) -> Completion:
            text = '{"person": ["Ada", "Bob"], "place": []}'
            return Completion(request.key, text, string_logprobs=(0, -0.1, -2.0, 0))

    write_rows(tmp_path / "in.json", [{"text": "Ada and Bob"}])
    predict(config(tmp_path, "in.json"), Sure())
    sure = {e["entity"]: e["confidence"] for e in output(tmp_path)[0]["entity"]}
    assert 0 < sure["Bob"] < 0.5 < sure["Ada"] <= 1
    summary = predict(config(tmp_path, "in.json", min_confidence=0.5, overwrite=True), Sure())
    assert [e["entity"] for e in output(tmp_path)[0]["entity"]] == ["Ada"] and summary.unsure == 1


class Failing(Words):
    """Fails on some texts so many times."""

    def __init__(self, times: dict[str, int], lasting: bool = False) -> None:
        super().__init__()
        self.times, self.lasting = Counter(times), lasting

    def answer(self, request: Request) -> Completion:
        text = read_instruction(request.instruction).input
        if self.times[text]:
            self.times[text] -= 1
            return Completion(request.key, "", "error", error=f"no answer about {text}", lasting=self.lasting)
        return super().answer(request)


def test_what_fails_is_asked_again_and_told_when_it_stays_so(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"text": t} for t in ("Ada", "Bob", "Cleo")])
    engine = Failing({"Bob": 2, "Cleo": 9})
    summary = predict(config(tmp_path, "in.json"), engine)
    texts = Counter(read_instruction(r.instruction).input for r in engine.asked)
    assert texts == {"Ada": 1, "Bob": 3, "Cleo": 3}
    assert (summary.errors, summary.first_error) == (1, "no answer about Cleo")
    rows = output(tmp_path)
    assert rows[1]["entity"] and rows[2] == {"text": "Cleo", "finish": "error", "error": "no answer about Cleo"}
    # The same command asks for what failed, and for nothing else.
    again = Words()
    assert predict(config(tmp_path, "in.json"), again).errors == 0
    assert [read_instruction(r.instruction).input for r in again.asked] == ["Cleo"]
    assert output(tmp_path)[2]["entity"] and not journal_path(tmp_path / "out.jsonl").exists()


def test_what_can_never_be_answered_is_asked_once(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"text": "Ada"}])
    engine = Failing({"Ada": 9}, lasting=True)
    assert predict(config(tmp_path, "in.json"), engine).errors == 1
    assert len(engine.asked) == 1


class Stretching(Words):
    """Batches four requests at a time; its log-probabilities tell which ones stood together."""

    stretch = 4

    def __init__(self, dies_after: int = -1) -> None:
        super().__init__()
        self.dies_after = dies_after

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        waiting: list[Request] = []
        for request in requests:
            waiting.append(request)
            if len(waiting) == self.stretch:
                yield from self.batch(waiting)
                waiting = []
        yield from self.batch(waiting)

    def batch(self, batch: list[Request]) -> Iterator[Completion]:
        total = -sum(len(r.instruction) for r in batch) / 1e4
        for request in batch:
            if request.done:
                continue
            if self.dies_after == len(self.asked):
                raise RuntimeError("device lost")
            self.asked.append(request)
            answer = self.answer(request)
            yield Completion(answer.key, answer.text, string_logprobs=(total,) * (answer.text.count('"') // 2))


def test_a_run_that_goes_on_batches_as_one_that_never_stopped(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", [{"text": f"Ada {'x' * n}. Bob."} for n in range(10)])
    predict(config(tmp_path, "in.json"), Stretching())
    whole = (tmp_path / "out.jsonl").read_bytes()
    (tmp_path / "out.jsonl").unlink()
    asked = 0
    for after in (6, 3):
        engine = Stretching(after)
        with pytest.raises(RuntimeError):
            predict(config(tmp_path, "in.json"), engine)
        asked += len(engine.asked)
    engine = Stretching()
    predict(config(tmp_path, "in.json"), engine)
    assert asked + len(engine.asked) == 10
    assert (tmp_path / "out.jsonl").read_bytes() == whole
    assert len({e["confidence"] for _, r in read_rows(tmp_path / "out.jsonl") for e in r["entity"]}) == 3


def test_a_run_that_stopped_within_a_text_goes_on_there(tmp_path: Path) -> None:
    class Dying(Words):
        def answer(self, request: Request) -> Completion:
            if len(self.asked) > 7:
                raise RuntimeError("gone")
            return super().answer(request)

    write_rows(tmp_path / "in.json", [{"text": "Ada came. " * 40}, {"text": "Bob. " * 40}])
    more = {"window": 20, "orders": 2}
    with pytest.raises(RuntimeError):
        predict(config(tmp_path, "in.json", **more), Dying())
    engine = Words()
    summary = predict(config(tmp_path, "in.json", **more), engine)
    assert len(engine.asked) == summary.questions - 7 and summary.resumed == 0
    resumed = (tmp_path / "out.jsonl").read_bytes()
    predict(config(tmp_path, "in.json", **more, overwrite=True), Words())
    assert (tmp_path / "out.jsonl").read_bytes() == resumed
    with pytest.raises(RuntimeError):
        predict(config(tmp_path, "in.json", **more, overwrite=True), Dying())
    with pytest.raises(InputError, match="journal of a run with another input, model or settings"):
        predict(config(tmp_path, "in.json", window=21, orders=2), Words())


@pytest.mark.parametrize(("more", "field"), [
    ({"orders": 0}, "orders"), ({"passes": 0}, "passes"), ({"window": -1}, "window"),
    ({"min_support": 2.0}, "min_support"),
    ({"min_confidence": -1.0}, "min_confidence"), ({"precision": 0.9}, "precision"), ({"attempts": 0}, "attempts"),
    ({"schema_path": "s.json"}, "schema"), ({"schema": "a(b"}, "schema"), ({"task": "EEA"}, "task"),
    ({"schema": ""}, "instruction"), ({"text_field": "body"}, None),
])
def test_settings_that_mean_nothing(tmp_path: Path, more: dict[str, Any], field: str | None) -> None:
    write_rows(tmp_path / "in.json", [{"text": "Ada"}])
    if field is None:
        write_rows(tmp_path / "in.json", [{"words": "Ada"}])
    engine = Words()
    with pytest.raises(InputError) as e:
        predict(config(tmp_path, "in.json", **more), engine)
    assert e.value.field == (field or "text") and not engine.asked and not (tmp_path / "out.jsonl").exists()


def test_a_folder_goes_on_without_what_cannot_be_read_and_places_come_through(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf([(60, 100, "Ada met Bob.")], [(60, 100, "Cleo came.")]))
    (folder / "b.docx").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match=r"b\.docx: is called \.docx but is a damaged zip file"):
        predict(config(tmp_path, "in"), Words())
    summary = predict(config(tmp_path, "in", skip_unreadable=True), Words())
    assert (summary.rows, len(summary.unreadable)) == (1, 1) and "b.docx" in summary.unreadable[0]
    (row,) = output(tmp_path)
    assert row["text"] == "Ada met Bob.\n\nCleo came." and row["meta"]["places"] == [
        {"start": 0, "end": 12, "page": 1, "paragraph": 1}, {"start": 14, "end": 24, "page": 2, "paragraph": 1}]
    assert [e["entity"] for e in row["entity"]] == ["Ada", "Bob", "Cleo"]
