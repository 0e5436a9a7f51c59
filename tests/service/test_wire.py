"""Bodies: whole, in time, within the room there is; JSON is what the strict parser reads."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.service.refusals import Busy, Refusal, TooLarge, TooSlow
from iepile.service.wire import MOST_VALUES, Gone, Room, check_json, read_body


def read(messages: Iterator[Any], most: int = 100, seconds: float = 5.0, length: int | None = None,
         room: Room | None = None) -> bytes:
    async def receive() -> Any:
        message = next(messages)
        if isinstance(message, float):
            await asyncio.sleep(message)
            message = next(messages)
        return message

    async def go() -> bytes:
        with (room or Room(1 << 20)).kept() as more:
            return await read_body(receive, length, most, seconds, more)

    return asyncio.run(go())


def pieces(*bodies: bytes | float) -> Iterator[Any]:
    for body in bodies:
        yield body if isinstance(body, float) else {"type": "http.request", "body": body, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


@given(st.lists(st.binary(max_size=30)), st.integers(0, 200))
def test_a_body_is_read_whole_or_refused(parts: list[bytes], most: int) -> None:
    whole = b"".join(parts)
    if len(whole) <= most:
        assert read(pieces(*parts), most) == whole
    else:
        with pytest.raises(TooLarge):
            read(pieces(*parts), most)


def test_limits_of_size_time_and_room() -> None:
    with pytest.raises(TooLarge):
        read(iter(()), 100, length=101)  # nothing is read of it
    with pytest.raises(TooSlow):
        read(pieces(b"a", 2.0, b"b"), seconds=0.05)
    with pytest.raises(Gone):
        read(iter([{"type": "http.disconnect"}]))
    room = Room(10)
    with pytest.raises(Busy):
        read(pieces(b"12345678", b"90123"), room=room)
    with pytest.raises(Busy):
        read(pieces(b"1"), room=room, length=11)
    assert room.taken == 0
    assert read(pieces(b"1234567890"), room=room) == b"1234567890" and room.taken == 0


def test_an_endless_body_takes_no_more_memory_than_its_limit() -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read(endless(), most=4 << 20, room=Room(16 << 20))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(st.recursive(st.none() | st.booleans() | st.integers(-10**9, 10**9) | st.text(max_size=10),
                    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=4), x, max_size=4)),
       st.booleans())
def test_json_is_let_through(value: Any, escaped: bool) -> None:
    check_json(json.dumps(value, ensure_ascii=escaped).encode())


@given(st.text(alphabet=st.characters(categories=["Cs", "Lu", "Cc"]), max_size=6))
def test_halves_of_characters_are_not(text: str) -> None:
    body = json.dumps([text]).encode()
    try:
        text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        with pytest.raises(Refusal):
            check_json(body)
    else:
        check_json(body)


@given(st.binary(max_size=40))
def test_whatever_comes_is_json_or_refused(body: bytes) -> None:
    try:
        check_json(body)
    except Refusal as e:
        assert e.status in (400, 413) and len(str(e)) < 500
    else:
        json.loads(body)


def test_values_without_number_are_too_large() -> None:
    check_json(b"[" + b"1," * (MOST_VALUES - 2) + b"1]")
    for flood in (b"[" + b"{}," * (MOST_VALUES // 2 + 1) + b"1]", b"[" + b"1," * MOST_VALUES + b"1]"):
        with pytest.raises(TooLarge):
            check_json(flood)
