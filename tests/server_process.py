"""Real servers as processes on a free port of this machine, without proxies."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SECONDS = 60


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, path: str, log: Path, **environment: str) -> Iterator[str]:
    """Start a server and wait until `path` answers; gives its address and ends it."""
    here = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**here, "OMP_NUM_THREADS": "1", **environment}, stdout=out,
                                   stderr=subprocess.STDOUT)
    try:
        open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        for _ in range(SECONDS * 5):
            assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
            try:
                with open_url(f"http://127.0.0.1:{port}{path}", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        else:
            raise AssertionError(f"the server did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
