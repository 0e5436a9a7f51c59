"""`iepile serve` as the process that it is, for tests that send it what no client library would."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Served:
    """A service that listens."""

    def __init__(self, process: subprocess.Popen[str], address: str, log: Path) -> None:
        self.process, self.address, self.log = process, address, log
        host, _, port = address.removeprefix("http://").partition(":")
        self.place = (host, int(port))

    def connect(self, seconds: float = 20.0) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(self.place, seconds)

    def ask(self, raw: bytes, seconds: float = 20.0) -> bytes:
        """Send bytes; what comes back until the connection is closed, or nothing more comes."""
        with self.connect(seconds) as s:
            s.sendall(raw)
            return b"".join(iter(lambda: s.recv(65536), b""))

    def memory(self) -> float:
        """MiB that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(x for x in status.splitlines() if x.startswith("VmRSS")).split()[1]) / 1024

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Stop it; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A request as bytes, to be answered and the connection closed."""
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Connection: close",
            f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@contextmanager
def serving(model: Path, folder: Path, *arguments: str, before: Sequence[str] = ()) -> Iterator[Served]:
    """Start a service and end it; `before`: Python that runs first in its process."""
    code = "\n".join([*before, "import sys; from iepile.cli.main import main; sys.exit(main())"])
    command = [sys.executable, "-c", code, "serve", str(model), "--port", "0", "--data_dir", str(folder / "data"),
               "--json", *arguments]
    here: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    log = folder / "log"
    with log.open("wb") as err:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True,
                                   env=here | {"OMP_NUM_THREADS": "1"})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text("utf-8", "replace")[-2000:]
        yield Served(process, json.loads(line)["address"], log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
