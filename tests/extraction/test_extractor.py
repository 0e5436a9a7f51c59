"""Extraction from Python: every label is asked once, answers of any order are put together and placed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.extractor import TEXTS_AT_ONCE, Extractor, load
from iepile.instruction import read_instruction
from iepile.instructions.wording import tasks_of
from iepile.jsonl import dumps
from iepile.language import language_of
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.schema import Schema

SCHEMA = Schema.of_entities("person", "place") + Schema.of_relations("spouse") + Schema.of_events({"wedding": ["who"]})
TEXT = "Ada wed Bob. Ada saw Rome."


class KnowsAda:
    """Answers from a table of facts about Ada, in reverse order."""

    name = "ada"
    closed = False

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[object], str]] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for r in list(requests)[::-1]:
            ask = read_instruction(r.instruction)
            self.asked.append((r.task, ask.schema, ask.prompt))
            answers: dict[str, object] = {
                "person": [w for w in ("Ada", "Bob", "Ada") if w in ask.input],
                "place": [w for w in ("rome", "Oz") if w in ask.input.lower()],
                "spouse": [{"subject": "Ada", "object": "Bob"}] if "wed" in ask.input else [],
                "wedding": [{"trigger": "wed", "arguments": {"who": ["Ada", "Bob"]}}] if "wed" in ask.input else [],
            }
            names = [q if isinstance(q, str) else q["event_type"] for q in ask.schema]
            yield Completion(r.key, dumps({n: answers.get(n, []) for n in names}))

    def close(self) -> None:
        self.closed = True


def test_facts_of_all_tasks_with_places() -> None:
    facts = Extractor(KnowsAda()).extract(TEXT, SCHEMA)
    ada, bob = Span("Ada", 0, 3), Span("Bob", 8, 11)
    assert facts == Facts(
        (Entity("person", ada), Entity("person", bob), Entity("person", Span("Ada", 13, 16)),
         Entity("place", Span("Rome", 21, 25))),
        (Relation("spouse", ada, bob),),
        (Event("wedding", Span("wed", 4, 7), (Argument("who", ada), Argument("who", bob))),),
    )


def test_questions_are_worded_and_batched_like_training_rows() -> None:
    engine = KnowsAda()
    schema = Schema.of_entities(*"abcdefgh") + Schema.of_relations(*"pqrstu")
    Extractor(engine).extract(TEXT, schema)
    asked = engine.asked[::-1]
    assert [(task, schema) for task, schema, _ in asked] == [
        ("NER", list("abcdefgh")), ("RE", list("pqrs")), ("RE", list("tu"))]
    assert tasks_of(asked[0][2]) == (("NER", "en"),)
    Extractor(engine, split_num=1, language="zh").extract(TEXT, schema, ["RE"])
    asked = engine.asked[3:][::-1]
    assert [schema for _, schema, _ in asked] == [[x] for x in "pqrstu"]
    assert ("RE", "zh") in tasks_of(asked[0][2])


def test_language_follows_the_text() -> None:
    engine = KnowsAda()
    list(Extractor(engine).extract_many(["银河公司裁员20人", "Ada at IBM公司"], Schema.of_entities("x")))
    assert [tasks_of(p) for _, _, p in engine.asked[::-1]] == [(("NER", "zh"),), (("NER", "en"),)]
    assert (language_of(""), language_of("OpenAI 发布模型")) == ("en", "zh")


def test_many_texts_stream_in_order() -> None:
    engine = KnowsAda()
    endless = (f"Ada {n}" if n % 5 else "" for n in itertools.count())
    found = list(itertools.islice(Extractor(engine).extract_many(endless, Schema.of_entities("person")), 300))
    assert [bool(f) for f in found] == [n % 5 != 0 for n in range(300)]
    assert len(engine.asked) <= 2 * TEXTS_AT_ONCE


def test_nothing_to_ask_is_nothing_found() -> None:
    engine = KnowsAda()
    assert Extractor(engine).extract(TEXT, Schema()) == Extractor(engine).extract("", SCHEMA) == Facts()
    assert engine.asked == []


def test_what_was_not_in_the_text_is_reported() -> None:
    class Liar(KnowsAda):
        def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
            return (Completion(r.key, '{"person": ["Zoe", "ada"]}') for r in requests)

    grounded = next(Extractor(Liar()).extract_grounded([TEXT], Schema.of_entities("person")))
    assert grounded.ungrounded == ("Zoe",)
    assert [p.method for p in grounded.placements] == ["none", "normalised"]


def test_faults_are_told() -> None:
    class Failing(KnowsAda):
        def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
            return (Completion(r.key, "", "error", error="no memory") for r in requests)

    class Silent(KnowsAda):
        def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
            return iter(())

    with pytest.raises(IepileError, match="no memory"):
        Extractor(Failing()).extract(TEXT, SCHEMA)
    with pytest.raises(IepileError, match="without an answer"):
        Extractor(Silent()).extract(TEXT, SCHEMA)
    with pytest.raises(InputError, match="unknown task"):
        Extractor(KnowsAda()).extract_many([TEXT], SCHEMA, ["NERD"])


def test_it_closes_its_engine() -> None:
    engine = KnowsAda()
    with Extractor(engine):
        pass
    assert engine.closed


def test_loading_tells_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown engine"):
        load(str(tmp_path), engine="nothing")
