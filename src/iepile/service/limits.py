"""The gate of the service: who may come in, how much at once, and for how long.

In this order: the name the service was called by, pages of other sites, the token, the rate, what is in work already,
the body (wire.py), and then the time the work may take. Whoever goes away has its work taken back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from iepile.service.config import ServeConfig
from iepile.service.errors import error_response, failure
from iepile.service.metrics import Metrics
from iepile.service.rates import Rates
from iepile.service.tokens import Tokens
from iepile.service.wire import BODIES, Gone, Message, Receive, Room, Send, check_json, check_kind, read_body

GUARDED = "/v1/"
"""What asks for a token and counts; the rest is the page, its documentation, health and figures."""
UPLOADS = ("/v1/documents", "multipart/form-data")
"""Path and type of what its own route takes in as it comes, within limits of its own."""
MOST_HEADERS = 200
SLACK = 5.0
"""Seconds in which an answer that comes in pieces may still say that its time is up."""
EVENTS = "text/event-stream"
"""Type of answers that come as server-sent events."""
GONE = 499
"""Status that is noted where nobody was left to be told one."""
_HEADERS = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer", b"x-frame-options": b"DENY",
            b"cross-origin-resource-policy": b"same-origin",
            b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'"}
"""On every answer that does not say otherwise itself."""

logger = logging.getLogger("iepile.service")


class Gate:
    """Middleware in the form of ASGI."""

    def __init__(self, app: ASGIApp, config: ServeConfig, tokens: Tokens, metrics: Metrics,
                 closing: Callable[[], bool]) -> None:
        """`closing`: whether the service is shutting down."""
        self.app, self.config, self.tokens, self.metrics, self.closing = app, config, tokens, metrics, closing
        self._hosts = {host.lower() for host in config.hosts}
        self._rates = Rates(config.rate)
        self._room = Room(BODIES * config.max_body << 20)
        self._working = 0
        self._left: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, headers = time.perf_counter(), Headers(scope=scope)
        guarded = scope["path"].startswith(GUARDED)
        asks = guarded and scope["method"] not in ("GET", "HEAD", "OPTIONS")
        reply = _Reply(send, self.config.timeout, cors=bool(self.config.cors))
        who = self.tokens.known(headers.get("authorization", "")) if self.tokens else ""
        self.metrics.running.inc()
        self._working += asks
        try:
            refusal = self._odd_head(scope, headers) or (self._refusal(scope, headers, who) if guarded else None)
            if refusal is not None:
                await refusal(scope, receive, reply.send)
            else:
                await self._work(scope, headers, receive, reply)
        except asyncio.CancelledError:
            # The time that a stopping service leaves its requests is over.
            if reply.started or not self.closing():
                raise
            reply.close_behind()
            await self._stopping(scope["path"])(scope, receive, reply.own)
        finally:
            self._working -= asks
            self.metrics.running.dec()
            self._note(scope, reply, who, time.perf_counter() - started)

    # Who may come in.

    def _refusal(self, scope: Scope, headers: Headers, who: str) -> Response | None:
        path = scope["path"]
        if self._is_foreign(scope, headers):
            return self._turned_away("origin", path, 403, "a page of another site asks", field="origin",
                                     fix="name the site with --cors, if it is yours")
        client = scope.get("client")
        if wait := self._rates.wait(who or (client[0] if client else ""), time.monotonic()):
            return self._turned_away("rate", path, 429, f"more than {self.config.rate} requests a minute",
                                     fix="wait as long as Retry-After says",
                                     headers={"Retry-After": str(math.ceil(wait))})
        if self.tokens and not who:
            return self._turned_away("token", path, 401, "no valid token", field="authorization",
                                     expected="Authorization: Bearer TOKEN", headers={"WWW-Authenticate": "Bearer"})
        if self.closing():
            return self._stopping(path)
        if self._working > self.config.queue:
            return self._turned_away("queue", path, 429, f"more than {self.config.queue} requests are in work",
                                     fix="wait as long as Retry-After says")
        return None

    def _odd_head(self, scope: Scope, headers: Headers) -> Response | None:
        """More headers than anybody needs, a body of two lengths, or a name of the host that is not ours, as of a page
        that makes its own name point at this machine (DNS rebinding)."""
        if len(headers) > MOST_HEADERS:
            return self._turned_away("head", scope["path"], 431, f"more than {MOST_HEADERS} headers", field="headers")
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may end the body elsewhere than we do, and take the rest for a request (RFC 9112, 6.3).
            return self._turned_away("head", scope["path"], 400, "the body has two lengths", field="content-length",
                                     fix="send no Transfer-Encoding beside it", headers={"Connection": "close"})
        given = headers.get("host", "")
        if not self._hosts or not given or _name(given) in self._hosts:
            return None
        return self._turned_away("host", scope["path"], 421, "the service does not go by this name", field="host",
                                 expected=", ".join(sorted(self._hosts)), fix="name it with --hosts, if it is yours")

    def _is_foreign(self, scope: Scope, headers: Headers) -> bool:
        """A browser says that a page of another site asks for a change; those may send forms without leave."""
        origin = headers.get("origin")
        if origin is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return False
        if origin in self.config.cors or "*" in self.config.cors:
            return False
        try:
            return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        except ValueError:
            return True

    def _stopping(self, path: str) -> Response:
        return self._turned_away("closing", path, 503, "the service is shutting down", fix="ask again in a moment")

    def _turned_away(self, reason: str, path: str, status: int, problem: str, **more: Any) -> Response:
        self.metrics.refused.labels(reason).inc()
        return error_response(path, status, problem, **more)

    # How much, and for how long.

    async def _work(self, scope: Scope, headers: Headers, receive: Receive, reply: _Reply) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if (scope["path"], kind) == UPLOADS:
            await self._run(scope, receive, reply, None, None)
            return
        length = headers.get("content-length")
        with self._room.kept() as more:
            try:
                body = await read_body(receive, int(length) if length and length.isdecimal() else None,
                                       self.config.max_body << 20, self.config.slow, more)
                if body and scope["path"].startswith(GUARDED):
                    check_kind(kind)
                    check_json(body)
            except Gone:
                reply.status = GONE
                return
            except Exception as e:
                response = failure(scope["path"], e)
                self.metrics.refused.labels("body").inc()
                await response(scope, receive, reply.send)
                return
            watch = _Watch(receive, body)
            await self._run(scope, watch.receive, reply, watch, self.config.timeout)

    async def _run(self, scope: Scope, receive: Receive, reply: _Reply, watch: _Watch | None,
                   seconds: float | None) -> None:
        """Run the application; break it off when the time is up or the client is gone."""
        work = asyncio.ensure_future(self.app(scope, receive, reply.send))
        gone = asyncio.ensure_future(watch.gone()) if watch is not None else None
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds
        waiting: set[asyncio.Future[Any]] = {work} if gone is None else {work, gone}
        try:
            while True:
                # A download takes as long as it goes on, and news of jobs for ever; each piece of them has its time.
                endless = until is None or (reply.started and scope["method"] == "GET")
                left = None if endless or until is None else max(
                    0.0, until + reply.started * SLACK - asyncio.get_running_loop().time())
                await asyncio.wait(waiting, timeout=1.0 if left is None else left,
                                   return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    self._ended(work, scope, reply)
                    if not reply.started and reply.error is not None:
                        await failure(scope["path"], reply.error)(scope, receive, reply.send)
                    return
                if gone is not None and gone.done():
                    reply.status = reply.status if reply.started else GONE
                    return
                if left is not None and left <= 0 and not endless:
                    self.metrics.refused.labels("time").inc()
                    if not reply.started:
                        reply.close_behind()
                        await error_response(
                            scope["path"], 504, f"it took more than {self.config.timeout:g} seconds",
                            fix="ask less at a time, or hand in documents")(scope, receive, reply.own)
                    return
        finally:
            if gone is not None:
                gone.cancel()
            if not work.done():
                work.cancel()
                self._left.add(work)
                work.add_done_callback(self._forgotten)

    def _ended(self, work: asyncio.Future[Any], scope: Scope, reply: _Reply) -> None:
        if work.cancelled():
            reply.error = RuntimeError("broken off")
        elif (error := work.exception()) is not None:
            reply.error = error if isinstance(error, Exception) else RuntimeError(repr(error))
            if reply.started:
                logger.error("%s failed while it answered", scope["path"], exc_info=error)

    def _forgotten(self, work: asyncio.Future[Any]) -> None:
        self._left.discard(work)
        if not work.cancelled():
            work.exception()  # nobody is left to be told

    def _note(self, scope: Scope, reply: _Reply, who: str, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "") or "other"
        status = reply.status or GONE
        self.metrics.requests.labels(_method(scope), route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        if self.config.log_requests:
            client = scope.get("client")
            path = scope["path"][:200].encode("unicode_escape").decode()
            logger.info("%s %s %s %s %d %.0f ms", client[0] if client else "-", who or "-", scope["method"], path,
                        status, seconds * 1000)


class _Watch:
    """The body, handed over once, and then only whether the client is still there."""

    def __init__(self, receive: Receive, body: bytes) -> None:
        self._receive, self._body = receive, body
        self._given = False
        self._gone = asyncio.Event()

    async def receive(self) -> Message:
        if not self._given:
            self._given = True
            body, self._body = self._body, b""
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def gone(self) -> None:
        """Returns when the client is gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()


class _Reply:
    """What goes out: headers added, its status noted, and no piece of it waited for without end."""

    def __init__(self, send: Send, seconds: float, cors: bool) -> None:
        self._send, self._seconds, self._cors = send, seconds, cors
        self.status = 0
        self.started = self._closed = False
        self.error: Exception | None = None

    def close_behind(self) -> None:
        """Let nothing more through of whoever works on the answer."""
        self._closed = True

    async def send(self, message: Message) -> None:
        """For the application."""
        if self._closed:
            raise OSError("the answer was given up")
        await self.own(message)

    async def own(self, message: Message) -> None:
        """For the gate itself."""
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", []))
            known = {name.lower() for name, _ in headers}
            for name, value in _HEADERS.items():
                if name not in known and not (self._cors and name == b"cross-origin-resource-policy"):
                    headers.append((name, value))
            message = {**message, "headers": headers}
        async with asyncio.timeout(self._seconds):
            await self._send(message)


def _name(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _method(scope: Scope) -> str:
    """The method, as far as it is a known one: strangers must not fill the figures."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"
