"""uvicorn's reading of HTTP/1.1, with an end to what it would wait for: heads that never end, bodies nobody reads.

A client that sends a byte now and then (slowloris) would keep its connection for ever.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""Seconds for the first line and the headers of a request."""
LINGER = 2.0
"""Seconds in which a client that was refused may read why, while the rest of what it sends is thrown away."""


class Protocol(H11Protocol):
    """One connection."""

    _head: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; it is to say what it wants."""
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            if self._head is not None:
                self._head.cancel()
                self._head = None
        elif self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def on_response_complete(self) -> None:
        """The answer is out; whoever still sends is not listened to for long."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._rest = self.loop.call_later(LINGER, self._not_ended, self.cycle)

    def _too_late(self) -> None:
        self._head = None
        if not self.transport.is_closing():
            self.transport.close()

    def _not_ended(self, cycle: object) -> None:
        self._rest = None
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()

    def _stop_timers(self) -> None:
        for timer in (self._head, self._rest):
            if timer is not None:
                timer.cancel()
        self._head = self._rest = None
