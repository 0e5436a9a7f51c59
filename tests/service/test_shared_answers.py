"""Whoever asks a shared engine gets the answers of the engine alone: real engines of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from echo_engine import Echo
from iepile.errors import IepileError
from iepile.extraction.engines.engine import Completion, Engine, Measuring, Request, open_engine
from iepile.extraction.extractor import Extractor
from iepile.records import Facts
from iepile.schema import Schema
from iepile.service.batching import SharedEngine
from served_models import SCHEMA, TEXTS, talkative
from server_double import Double

WANTED = Schema.from_dict(SCHEMA)


def _facts(engine: Engine, text: str, schema: Schema, **settings: int) -> Facts:
    return Extractor(engine, **settings).extract(text, schema)


@pytest.mark.parametrize("kind", ["compact", "language_model"])
def test_many_callers_get_the_answers_of_the_engine_alone(
    kind: str, request: pytest.FixtureRequest, shared: Callable[..., SharedEngine]
) -> None:
    folder: Path = request.getfixturevalue(kind)
    texts = (TEXTS if kind == "compact" else TEXTS[:6]) + ["Ada. " * 40]
    engine = (open_engine("compact", str(folder), {"window": 16}) if kind == "compact" else
              open_engine("transformers", str(folder), {"max_new_tokens": 24, "batch_size": 4}))
    alone = {text: _facts(engine, text, WANTED) for text in texts}
    assert any(alone.values())
    one = shared(engine)
    assert isinstance(one.caller(), Measuring) is isinstance(engine, Measuring) is (kind == "language_model")

    def job() -> list[Facts]:
        return list(Extractor(one.background()).extract_many(texts, WANTED))

    def caller(text: str) -> Facts:
        with one.caller() as engine:
            return _facts(engine, text, WANTED)

    with ThreadPoolExecutor(16) as pool:
        behind = pool.submit(job)
        found = list(pool.map(caller, texts * 2))
        assert found == [alone[text] for text in texts * 2]
        assert behind.result(60) == [alone[text] for text in texts]
    assert max(one.sizes) > 3


def test_labels_of_two_callers_do_not_hide_one_another(
    tmp_path: Path, shared: Callable[..., SharedEngine]
) -> None:
    engine = open_engine("compact", str(talkative(tmp_path / "flat", nested=False)), {})
    kinds = [Schema.of_entities("person"), Schema.of_entities("firm"), Schema.of_entities("firm", "person")]
    alone = [[_facts(engine, text, kind) for text in TEXTS] for kind in kinds]
    both = Extractor(engine).extract(TEXTS[0], kinds[2])
    assert len(both.entities) < len(alone[0][0].entities) + len(alone[1][0].entities)
    one = shared(engine, wait=0.05)

    def caller(kind: Schema) -> list[Facts]:
        with one.caller() as engine:
            return list(Extractor(engine).extract_many(TEXTS, kind))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(caller, kinds * 3)) == alone * 3


def test_errors_of_the_engine_reach_the_extractor(shared: Callable[..., SharedEngine]) -> None:
    class Lasting(Echo):
        def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
            return (Completion(r.key, "", "error", error="too long", lasting=True) for r in requests)

    with pytest.raises(IepileError, match="too long"), shared(Lasting()).caller() as engine:
        _facts(engine, "Ada", Schema.of_entities("person"))


def test_a_server_is_asked_by_many_threads_at_once(shared: Callable[..., SharedEngine]) -> None:
    pytest.importorskip("openai")
    texts = [f"Ada met Bob on day {n}." for n in range(12)]
    people = Schema.of_entities("person")
    with Double("vllm", delay=0.1) as double:
        one = shared(open_engine("openai", double.url, {"concurrency": 6}))
        assert (one.threads, one.batch) == (6, 1)

        def caller(text: str) -> Facts:
            with one.caller() as engine:
                return _facts(engine, text, people)

        behind = one.background()
        with ThreadPoolExecutor(13) as pool:
            job = pool.submit(lambda: list(Extractor(behind).extract_many(texts, people)))
            found = list(pool.map(caller, texts))
            assert found == job.result(60)
        assert all([e.span.text for e in facts.entities] == ["Ada", "Bob"] for facts in found)
        assert 3 <= double.most_at_once <= 6
        one.close()
