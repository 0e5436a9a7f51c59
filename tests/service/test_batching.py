"""Many threads, one engine: batches of several callers, fair turns, errors where they belong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_engine import Echo, ask, until
from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Engine, Request
from iepile.service.batching import SharedEngine
from iepile.service.calls import Closed, EngineFault, GivenUp


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


def test_conversations_and_extraction_take_turns_and_share_no_batch(shared: Callable[..., SharedEngine]) -> None:
    engine = Echo()
    one = shared(engine, batch=2)
    engine.hold.clear()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(lambda: list(one.generate(ask("first"))))]
        assert engine.begun.acquire(timeout=20)
        for n, task in enumerate(["NER", "", "NER", "NER", "", "NER"]):
            request = Request("0", task, f"{task}{n}")
            asked.append(pool.submit(lambda r=request: list(one.generate([r]))))
            until(lambda n=n: one.waiting == n + 1)
        engine.hold.set()
        assert all(len(f.result(20)) == 1 for f in asked)
    assert engine.batches == [["first"], ["NER0", "NER2"], ["1", "4"], ["NER3", "NER5"]]


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
