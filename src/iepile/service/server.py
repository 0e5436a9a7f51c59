"""Run the service until it is stopped: the address is taken first, then models are loaded, then requests are let in.

The first SIGINT or SIGTERM lets what is in work come to its end and jobs rest until the next start; the second ends the
process at once, which loses no job either.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import uvicorn

from iepile.errors import InputError
from iepile.service.app import Service, create_app
from iepile.service.config import ServeConfig
from iepile.service.http import Protocol
from iepile.service.tokens import VARIABLE, read_tokens

LOCAL = ("localhost", "127.0.0.1", "[::1]", "::1")
"""Names of this machine for itself."""
HEAD = 32 << 10
"""Most bytes of the address and headers of a request."""
CONNECTIONS = 1024
"""Most connections at once; more where the queue is longer."""
DRAIN = 10
"""Seconds that requests in work have when the service is stopped."""
LONGEST_LINE = 2000
"""Most characters of a line of the log."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOPPING = b"stopping: requests in work come to their end, jobs go on at the next start; once more to stop at once\n"

Listening = Callable[[str, list[str]], None]


def run(config: ServeConfig, listening: Listening | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        listening: called with the address and the names of models when requests are let in.

    Raises:
        InputError: settings that mean nothing, an address that is in use or open to others without a token, or a model
            that cannot be loaded.
    """
    config.check()
    _log()
    closed = bool(read_tokens(config.token_file))
    listener = bind(config.host, config.port)
    try:
        local = is_local(listener)
        if not (local or closed or config.open):
            raise InputError(f"others can reach {config.host}, and no token is asked for", field="host",
                             fix=f"give --token_file FILE or set {VARIABLE}; or --open, to let everybody in")
        if local and not closed and not config.hosts:
            config = replace(config, hosts=tuple(dict.fromkeys((*LOCAL, config.host))))
        service = Service.open(config)
        try:
            address = address_of(listener)
            server = _Server(config, service, lambda: listening and listening(address, list(service.models)))
            asyncio.run(server.serve(sockets=[listener]))
        finally:
            service.close()
    finally:
        listener.close()


def bind(host: str, port: int) -> socket.socket:
    """Take an address, before anything that takes long.

    Raises:
        InputError: it is in use, not ours, or needs rights.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE)[0]
        # asyncio sends small answers at once only over what is known to be TCP.
        found = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as e:
        raise InputError(f"{host!r} is no address of this machine: {e}", field="host",
                         expected="127.0.0.1, 0.0.0.0, ...") from None
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
    except OSError as e:
        found.close()
        if e.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} of {host} is in use", field="port",
                             fix="stop what listens there, or give --port 0 for a free one") from None
        if e.errno == errno.EACCES:
            raise InputError(f"port {port} needs more rights", field="port", expected="1024 or above") from None
        raise InputError(f"cannot listen at {host}: {e.strerror}", field="host") from None
    return found


def address_of(listener: socket.socket) -> str:
    """The address of a socket as a browser takes it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


class _Server(uvicorn.Server):
    def __init__(self, config: ServeConfig, service: Service, listening: Callable[[], object]) -> None:
        app = create_app(config, service)
        super().__init__(uvicorn.Config(
            app, http=Protocol, ws="none", lifespan="on", log_config=None, access_log=False, proxy_headers=False,
            server_header=False, h11_max_incomplete_event_size=HEAD, timeout_graceful_shutdown=DRAIN,
            limit_concurrency=max(CONNECTIONS, 4 * config.queue)))
        self._service, self._listening = service, listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Listeners to the progress of jobs would keep their connections open to the last.
        await asyncio.to_thread(self._service.stop)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + number)
        self.should_exit = True
        os.write(2, _STOPPING)


class _OneLine(logging.Formatter):
    """A message stays one line without control characters: parts of it may be the words of strangers, who must not
    write lines of their own or to a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        said = super().formatMessage(record)[:LONGEST_LINE]
        return "".join(ch if ch.isprintable() else ch.encode("unicode_escape", "replace").decode() for ch in said)


def _told(message: Warning | str, *_: object, **__: object) -> None:
    logging.getLogger("iepile").warning("%s", message)


def _log() -> None:
    """Plain lines on standard error; what strangers send is no reason for one."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    warnings.showwarning = _told
    for name, level in (("iepile", logging.INFO), ("uvicorn", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if not logger.handlers:
            logger.addHandler(handler)
            logger.propagate = False
