"""A service to test, in a thread or as a process of its own, and a client that sends exactly what it is told."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fork_server import fork_context
from server_process import free_port

SECONDS = 60.0
BOUNDARY = "----toy"


@dataclass
class Answer:
    """What the service said."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]


class Client:
    """Talks to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """A body that is no bytes goes as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"content-type": "application/json"} | headers
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers)
            got = connection.getresponse()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.send("POST", path, body)

    def upload(self, files: Sequence[tuple[str, bytes]], **fields: str) -> Answer:
        return self.send("POST", "/v1/documents", form(files, **fields),
                         {"content-type": f"multipart/form-data; boundary={BOUNDARY}"})

    def ended(self, id_: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The job, once it has ended."""
        return self.until(id_, lambda job: job["state"] in ("done", "failed", "cancelled"), seconds)

    def until(self, id_: str, ready: Callable[[dict[str, Any]], bool], seconds: float = SECONDS) -> dict[str, Any]:
        """The job, once something is so."""
        end, pause = time.monotonic() + seconds, 0.02
        while True:
            job: dict[str, Any] = self.get(f"/v1/documents/{id_}").json()
            if ready(job):
                return job
            assert time.monotonic() < end, f"waited in vain: {job}"
            time.sleep(pause)
            pause = min(0.5, pause * 1.2)


def form(files: Sequence[tuple[str, bytes]], **fields: str) -> bytes:
    """A form as browsers send it."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value.encode()
             for name, value in fields.items()]
    for name, data in files:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{quoted}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode("utf-8", "surrogatepass") + data)
    return b"".join(part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


@contextmanager
def in_thread(config: Any) -> Iterator[Client]:
    """The service in a thread of this process."""
    from iepile.service.app import Service
    from iepile.service.server import _Server, bind

    service = Service.open(config)
    listener = bind("127.0.0.1", 0)
    server = _Server(config, service, lambda: None)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    try:
        thread.start()
        until = time.monotonic() + SECONDS
        while not server.started:
            assert thread.is_alive() and time.monotonic() < until, "the service did not start"
            time.sleep(0.01)
        yield Client(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        service.close()
        listener.close()
        assert not thread.is_alive(), "the service did not stop"


class ServiceProcess:
    """The service as a process, which can be killed and started again on the same folder."""

    def __init__(self, model: Path, data: Path, by_command: bool = False, most_bytes: int = 0) -> None:
        """
        Args:
            by_command: start `iepile serve`; else fork from a process that has loaded the heavy libraries once.
            most_bytes: files it writes may not become larger (of those that are forked); 0: any size.
        """
        self.most_bytes = most_bytes
        self.model, self.data, self.by_command, self.port = model, data, by_command, free_port()
        self.log = data.with_name(data.name + ".log")
        self.client = Client(self.port)
        self.pid = 0
        self._alive: Callable[[], bool] = lambda: False
        self._join: Callable[[float], Any] = lambda seconds: None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        until = time.monotonic() + SECONDS
        while True:
            assert self._alive() and time.monotonic() < until, self.log.read_text("utf-8", "replace")[-2000:]
            try:
                self.client.get("/v1/documents")
                return
            except OSError:
                time.sleep(0.02)

    def launch(self) -> None:
        """Start it."""
        (self._start_command if self.by_command else self._fork)()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._alive()

    def _start_command(self) -> None:
        command = [sys.executable, "-m", "iepile", "serve", str(self.model), "--data_dir", str(self.data), "--port",
                   str(self.port), "--page", "false"]
        with self.log.open("ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT,
                                       env=os.environ | {"OMP_NUM_THREADS": "1"})
        self.pid, self._alive, self._join = process.pid, lambda: process.poll() is None, process.wait

    def _fork(self) -> None:
        process = fork_context().Process(target=_serve, args=(
            str(self.model), str(self.data), self.port, str(self.log), self.most_bytes))
        process.start()
        self.pid, self._alive, self._join = process.pid or 0, process.is_alive, process.join

    def end(self, how: int = signal.SIGKILL) -> None:
        """Send it a signal and wait for its end."""
        os.kill(self.pid, how)
        self._join(SECONDS)
        assert not self._alive()

    def __enter__(self) -> ServiceProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._alive():
            self.end()


def _serve(model: str, data: str, port: int, log: str, most_bytes: int) -> None:
    import resource

    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    import torch

    torch.set_num_threads(1)
    from iepile.service.config import ServeConfig
    from iepile.service.server import run

    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    run(ServeConfig(model=model, data_dir=data, port=port, page=False))
