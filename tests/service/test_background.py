"""Work in the background: its stretches are kept, it gives way, and it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from echo_engine import Echo, ask, until
from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.service.batching import SharedEngine
from iepile.service.calls import EngineFault, GivenUp


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
