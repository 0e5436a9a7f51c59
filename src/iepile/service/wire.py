"""A request's body, taken in whole before anything works on it: in time, not too large, and JSON that can be read.

The sizes of all bodies in the house are added up, so that many large ones cannot fill the memory. What a JSON body may
hold is bounded too: a few bytes can come to objects of fifty times their size.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec

from iepile.service.refusals import Busy, Refusal, TooLarge, TooSlow, WrongType

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MOST_VALUES = 1_000_000
"""Commas and opening brackets of a body, texts included: no more values can be in it."""
BODIES = 4
"""Bodies of the largest size that may be in the house at once."""
_JSON = msgspec.json.Decoder(msgspec.Raw)
"""Reads JSON from one end to the other and keeps nothing of it."""


_HUGE = re.compile(rb"[eE]\+?0*[1-9][0-9]{2}|(?<![0-9])[0-9]{300}")
"""What may be the end of a number that no double holds, or stand in a text; the rest is found by reading it."""


class Gone(Exception):
    """The client went away before it had sent everything."""


class Room:
    """How much of the memory bodies may take, all together."""

    def __init__(self, most: int) -> None:
        """`most`: bytes."""
        self.most, self.taken = most, 0

    @contextmanager
    def kept(self) -> Iterator[Callable[[int], None]]:
        """Bytes that are added while a body comes in, and given back at the end.

        Raises:
            Busy: there is no room for more.
        """
        own = 0

        def more(size: int) -> None:
            nonlocal own
            if self.taken + size > self.most:
                raise Busy("too much is being sent at once", field="body", fix="send it again in a moment")
            self.taken += size
            own += size

        try:
            yield more
        finally:
            self.taken -= own


async def read_body(receive: Receive, length: int | None, most: int, seconds: float,
                    more: Callable[[int], None]) -> bytes:
    """The whole body.

    Args:
        length: bytes as announced; None: not announced.
        most: bytes it may have.
        seconds: in which it must be here.
        more: is told of bytes before they are kept, see `Room.kept`.

    Raises:
        TooLarge, TooSlow, Busy: beyond a limit.
        Gone: the client left.
    """
    if length is not None and length > most:
        raise _too_large(most)
    more(length or 0)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                size += len(part)
                if size > most:
                    raise _too_large(most)
                if length is None:
                    more(len(part))
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise TooSlow(f"did not come in within {seconds:g} seconds", field="body",
                      fix="send less at once, or over a faster line") from None


def check_kind(kind: str) -> None:
    """Refuse a body that is marked as something else than JSON: whoever reads it as JSON all the same would read it
    without bounds.

    Args:
        kind: the type of its content, without parameters; empty: not marked.

    Raises:
        WrongType: it is marked as something else.
    """
    if not kind or kind.endswith("json"):
        return
    files = "files go to POST /v1/documents" if kind.startswith("multipart/") else None
    raise WrongType(f"is {kind[:80]}", field="content-type", expected="application/json",
                    fix=files or "add -H 'Content-Type: application/json'")


def check_json(body: bytes) -> None:
    """Refuse what is no JSON, no UTF-8 (halves of escaped characters too), nested too deeply, of too many values, or
    with a number that no double holds: some readers take it for infinity, and nothing could write it again.

    Raises:
        Refusal: one of these.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Refusal(f"is not UTF-8 at byte {e.start + 1}", field="body", expected="JSON in UTF-8") from None
    if body.count(b"[") + body.count(b"{") + body.count(b",") > MOST_VALUES:
        raise TooLarge(f"holds more than {MOST_VALUES:,} values", field="body", fix="send less at a time")
    try:
        _JSON.decode(body)
        if _HUGE.search(body):
            msgspec.json.decode(body)
    except msgspec.ValidationError:
        raise Refusal("holds a number that is too large", field="body", expected="numbers below 1e308") from None
    except msgspec.DecodeError as e:
        raise Refusal(f"is no JSON: {e}"[:200], field="body", expected="JSON in UTF-8") from None
    except RecursionError:
        raise Refusal("is nested too deeply", field="body") from None


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"is more than {most >> 20:,} MiB", field="body",
                    fix="send less at a time, or hand in documents with POST /v1/documents")
