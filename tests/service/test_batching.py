"""Many threads, one engine: equal answers, batches of several callers, fair turns, errors where they belong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Engine, Measuring, Request, open_engine
from iepile.extraction.extractor import Extractor
from iepile.records import Facts
from iepile.schema import Schema
from iepile.service.batching import SharedEngine
from iepile.service.calls import Closed, EngineFault, GivenUp
from served_models import SCHEMA, TEXTS, talkative
from server_double import Double

WANTED = Schema.from_dict(SCHEMA)


def ask(*words: str) -> list[Request]:
    return [Request(f"{n}", "", word) for n, word in enumerate(words)]


class Echo:
    """Says what it is asked in capitals, a stretch at a time, and notes its batches; `hold` keeps it waiting."""

    name = "echo"

    def __init__(self, stretch: int = 1, concurrency: int = 1, wait: float = 0.0) -> None:
        self.stretch, self.concurrency, self.wait = stretch, concurrency, wait
        self.batches: list[list[str]] = []
        self.hold = threading.Event()
        self.hold.set()
        self.begun = threading.Semaphore(0)
        self.at_once = self.most_at_once = 0
        self.closed = False
        self._lock = threading.Lock()

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        stream = iter(requests)
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            while some := list(islice(stream, max(self.stretch, 64))):
                self.batches.append([r.instruction for r in some])
                self.begun.release()
                assert self.hold.wait(20)
                time.sleep(self.wait)
                for r in some:
                    if "raise" in r.instruction:
                        raise InputError("no such word", field="word") if "input" in r.instruction else KeyError("oops")
                    if not r.done and r.instruction != "silence":
                        yield Completion(r.key, r.instruction.upper(), tokens=2, prompt_tokens=3)
        finally:
            with self._lock:
                self.at_once -= 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def shared() -> Iterator[Callable[..., SharedEngine]]:
    made: list[SharedEngine] = []

    def make(engine: Engine, **settings: float) -> SharedEngine:
        made.append(SharedEngine(engine, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        hold = getattr(one.engine, "hold", None)
        if hold is not None:
            hold.set()
        one.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_what_arrives_while_a_batch_runs_forms_the_next(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine)
    engine.hold.clear()
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(lambda: list(one.generate(ask("first"))))
        assert engine.begun.acquire(timeout=20)
        others = [pool.submit(lambda n=n: [c.text for c in one.generate(ask(f"a{n}", f"b{n}"))]) for n in range(19)]
        until(lambda: one.waiting == 38)
        engine.hold.set()
        assert [c.text for c in first.result(20)] == ["FIRST"]
        assert [sorted(f.result(20)) for f in others] == [[f"A{n}", f"B{n}"] for n in range(19)]
    assert [len(b) for b in engine.batches] == [1, 38]
    assert one.sizes == {1: 1, 38: 1}
    assert (one.questions, one.tokens, one.prompt_tokens, one.waiting) == (39, 78, 117, 0)


def test_a_long_call_lets_others_have_their_turn(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine, batch=4)
    engine.hold.clear()
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(lambda: list(one.generate(ask("x"))))]
        assert engine.begun.acquire(timeout=20)
        running.append(pool.submit(lambda: list(one.generate(ask(*"abcdefghij")))))
        until(lambda: one.waiting == 10)
        running.append(pool.submit(lambda: list(one.generate(ask("short")))))
        until(lambda: one.waiting == 11)
        engine.hold.set()
        assert [len(r.result(20)) for r in running] == [1, 10, 1]
    assert engine.batches == [["x"], list("abcd"), ["short", *"efg"], list("hij")]


def test_requests_wait_for_company_only_when_somebody_is_known_to_come(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine, wait=5.0)
    started = time.monotonic()
    assert [c.text for c in one.generate(ask("alone"))] == ["ALONE"]
    assert time.monotonic() - started < 2
    with one.caller() as late, ThreadPoolExecutor(1) as pool:
        early = pool.submit(lambda: list(one.generate(ask("early"))))
        until(lambda: one.waiting == 1)
        assert [c.text for c in late.generate(ask("late"))] == ["LATE"]
        early.result(20)
    assert engine.batches[1:] == [["early", "late"]]


def test_a_caller_that_never_asks_holds_nobody_up_for_long(shared: Callable[..., SharedEngine]) -> None:
    one = shared(Echo(), wait=0.05)
    with one.caller():
        assert len(list(one.generate(ask("a")))) == 1
    assert one._coming == 0


def test_an_engine_that_raises_fails_those_it_raised_for(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine)
    engine.hold.clear()
    with ThreadPoolExecutor(8) as pool:
        blocked = pool.submit(lambda: list(one.generate(ask("first"))))
        assert engine.begun.acquire(timeout=20)
        words = ["good", "raise", "fine", "raise input", "silence"]
        calls = [pool.submit(lambda w=w: [c.text for c in one.generate(ask("well", w))]) for w in words]
        until(lambda: one.waiting == 10)
        engine.hold.set()
        blocked.result(20)
        assert calls[0].result(20) == ["WELL", "GOOD"]
        assert calls[2].result(20) == ["WELL", "FINE"]
        with pytest.raises(EngineFault, match="KeyError"):
            calls[1].result(20)
        with pytest.raises(InputError, match="no such word") as raised:
            calls[3].result(20)
        assert raised.value.field == "word"
        with pytest.raises(EngineFault, match="without an answer"):
            calls[4].result(20)
    assert [c.text for c in one.generate(ask("again"))] == ["AGAIN"]
    assert one.failures == 3


def test_a_foreign_answer_is_a_fault_of_the_engine(shared: Callable[..., SharedEngine]) -> None:
    class Confused(Echo):
        def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
            for completion in super().generate(requests):
                yield Completion("elsewhere", completion.text)

    with pytest.raises(EngineFault, match="not asked"):
        list(shared(Confused()).generate(ask("a")))


def test_closing_the_iterator_takes_back_what_is_not_begun(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine, batch=2)
    answers = one.generate(ask(*"abcdefgh"))
    engine.hold.clear()
    blocker = threading.Thread(target=lambda: list(one.generate(ask("first"))))
    blocker.start()
    assert engine.begun.acquire(timeout=20)
    taken = threading.Thread(target=next, args=(answers,))
    taken.start()
    until(lambda: one.waiting == 8)
    engine.hold.set()
    taken.join(20)
    answers.close()
    blocker.join(20)
    assert len(list(one.generate(ask("after")))) == 1
    assert sum(map(len, engine.batches)) < 10
    assert one.waiting == 0 and not one._live


def test_cancelling_wakes_the_waiting_thread_and_takes_its_work_back(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine)
    engine.hold.clear()
    with ThreadPoolExecutor(2) as pool, one.caller() as caller:
        pool.submit(lambda: list(one.generate(ask("first"))))
        assert engine.begun.acquire(timeout=20)
        waiting = pool.submit(lambda: list(caller.generate(ask("never"))))
        until(lambda: one.waiting == 1)
        caller.cancel()
        with pytest.raises(GivenUp):
            waiting.result(5)
        assert one.waiting == 0
        engine.hold.set()
    with pytest.raises(GivenUp):
        next(caller.generate(ask("a")))
    assert engine.batches == [["first"]]


def test_a_caller_may_ask_only_so_much(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    caller = shared(engine).caller(most=3)
    with pytest.raises(InputError, match="more than 3 questions"):
        list(caller.generate(ask(*"abcd")))
    assert engine.batches == []


def test_close_ends_all_who_wait_and_closes_the_engine(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine)
    engine.hold.clear()
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(lambda: list(one.generate(ask("first"))))]
        assert engine.begun.acquire(timeout=20)
        calls += [pool.submit(lambda: list(one.generate(ask("second")))),
                  pool.submit(lambda: list(one.background().generate(ask("third"))))]
        until(lambda: one.waiting == 1 and len(one._stretches) == 1)
        closing = pool.submit(one.close)
        for call in calls:
            with pytest.raises(Closed, match="shutting down"):
                call.result(5)
        assert not engine.closed
        engine.hold.set()
        closing.result(20)
    assert engine.closed
    with pytest.raises(Closed):
        list(one.generate(ask("late")))


def test_background_keeps_its_stretches_and_gives_way_between_answers(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo(stretch=3)
    one = shared(engine)
    job = one.background()
    assert job.stretch == 3
    answers = job.generate(ask(*"abcdefgh"))
    assert next(answers).text == "A"
    assert [c.text for c in one.generate(ask("quick"))] == ["QUICK"]
    rest = [c.text for c in answers]
    assert rest == list("BCDEFGH")
    assert [b for b in engine.batches if b != ["quick"]] == [list("abc"), list("def"), list("gh")]


def test_a_request_goes_before_a_stretch_in_work_is_done(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo(stretch=4)
    one = shared(engine)
    engine.hold.clear()
    job = one.background().generate(ask(*"abcdefgh"))
    order: list[str] = []
    worker = threading.Thread(target=lambda: order.extend(c.text for c in job))
    worker.start()
    assert engine.begun.acquire(timeout=20)
    request = threading.Thread(target=lambda: order.extend(c.text for c in one.generate(ask("quick"))))
    request.start()
    until(lambda: one.waiting == 1)
    engine.hold.set()
    worker.join(20)
    request.join(20)
    assert engine.batches[:2] == [list("abcd"), ["quick"]]


def test_background_goes_on_however_many_requests_come(shared: Callable[..., SharedEngine]) -> None:
    one = shared(Echo(stretch=2, wait=0.002), batch=1)
    done = threading.Event()

    def always() -> None:
        while not done.is_set():
            list(one.generate(ask("a", "b", "c")))

    with ThreadPoolExecutor(6) as pool:
        busy = [pool.submit(always) for _ in range(5)]
        try:
            job = pool.submit(lambda: [c.text for c in one.background().generate(ask(*"abcdef"))])
            assert sorted(job.result(20)) == list("ABCDEF")
        finally:
            done.set()
        for call in busy:
            call.result(20)


def test_background_hands_over_company_and_stops_when_it_is_closed(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo(stretch=2)
    one = shared(engine)
    some = [Request("0", "", "a", done=True), Request("1", "", "b"), Request("2", "", "c"), Request("3", "", "d")]
    assert [c.key for c in one.background().generate(some)] == ["1", "2", "3"]
    read: list[int] = []

    def endless() -> Iterator[Request]:
        for n in range(10_000):
            read.append(n)
            yield Request(str(n), "", "x")

    job = one.background()
    answers = job.generate(endless())
    next(answers)
    answers.close()
    assert len(read) < 20
    until(lambda: not one._live and not one._stretches)
    with pytest.raises(InputError):
        list(one.background().generate(ask("raise input")))
    with pytest.raises(EngineFault):
        list(one.background().generate(ask("silence", "a")))
    assert len(list(one.background().generate(ask("a", "b", "c")))) == 3
    assert list(one.background().generate([])) == []


def test_a_cancelled_job_is_woken(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo(stretch=2)
    one = shared(engine)
    engine.hold.clear()
    job = one.background()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: list(job.generate(ask("a", "b", "c"))))
        assert engine.begun.acquire(timeout=20)
        job.cancel()
        with pytest.raises(GivenUp):
            waiting.result(5)
        engine.hold.set()


def test_an_engine_that_answers_many_at_once_is_asked_by_many_threads(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo(concurrency=4, wait=0.02)
    one = shared(engine)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: [c.text for c in one.generate(ask(f"a{n}", f"b{n}"))], range(8)))
    assert [sorted(f) for f in found] == [[f"A{n}", f"B{n}"] for n in range(8)]
    assert engine.most_at_once == 4
    assert len(list(one.background().generate(ask(*"abcdefgh")))) == 8
    assert all(len(b) == 1 for b in engine.batches)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from(["all", "close", "raise"])), max_size=12),
       st.integers(1, 7), st.integers(1, 5))
def test_whoever_asks_gets_his_answers_and_no_others(
    work: list[tuple[int, bool, str]], batch: int, stretch: int
) -> None:
    one = SharedEngine(Echo(stretch=stretch), batch=batch, wait=0.001)

    def go(number: int, count: int, behind: bool, end: str) -> None:
        engine: Engine = one.background() if behind else one.caller()
        words = [f"{number} {n}" for n in range(count)]
        if end == "raise":
            with pytest.raises(EngineFault):
                list(engine.generate(ask(*words, "raise")))
            return
        answers = engine.generate(ask(*words))
        if end == "close":
            assert {c.text for c in islice(answers, count // 2)} <= set(words)
            answers.close()  # type: ignore[attr-defined]
        else:
            assert sorted(c.text for c in answers) == sorted(words)
            assert sorted(c.key for c in engine.generate(ask(*words))) == sorted(map(str, range(count)))
        engine.close()

    try:
        with ThreadPoolExecutor(max(1, len(work))) as pool:
            for call in [pool.submit(go, n, *w) for n, w in enumerate(work)]:
                call.result(20)
        until(lambda: not one._live)
        assert one.waiting == 0 and one._coming == 0 and not one._stretches
    finally:
        one.close()


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
