"""What batching gains over HTTP: 64 clients at once against 64 calls one after another, with the server as it is run.

    python benchmarks/serve_load.py [compact] [language_model] [--clients 64] [--seconds 60] [--write]

The server is a process of its own on this machine, and so are the clients. The models have random weights and are made
here: the compact one finds something in every text, the language model writes until its limit. Every client asks about
another text, one request after the other; a 429 is waited out as it says. The limit of the issue: four times as many
answers a second as one caller alone gets, and no error but clean 429s. Where other work shares the machine, the same
ratio in processor time of the server is the steadier one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from results import record

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

LIMIT = 4.0
SINGLE = 64
MODELS = {
    "compact": {"schema": "person, firm", "options": {}},
    "language_model": {"schema": "person, firm", "options": {"max_new_tokens": 48}},
}


def texts(count: int, seed: int = 0) -> list[str]:
    """Texts, each another one: none is answered because another was."""
    draw = random.Random(seed)
    names = ["Ada", "Bob Lee", "Cora", "Dan", "Acme Inc.", "Bolt", "U.S. Steel"]
    return [f"{draw.choice(names)} works for {draw.choice(names)} now, said {draw.choice(names)} on day {seed}{n:05}."
            for n in range(count)]


def start(kind: str, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The server, and its address when it listens."""
    from served_models import talkative, tiny_language_model

    model = (talkative if kind == "compact" else tiny_language_model)(folder / kind)
    command = [sys.executable, "-m", "iepile", "serve", str(model), "--port", "0", "--data_dir", str(folder / "data"),
               "--json", "--queue", "128"]
    command += [a for name, value in MODELS[kind]["options"].items() for a in (f"--engine_options.{name}", str(value))]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert server.stdout is not None
    return server, json.loads(server.stdout.readline())["address"]


def resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    return int(next(line for line in status.read_text().splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """A keep-alive connection that asks and notes how long it took: as little work as can be beside the server's."""

    def __init__(self, address: str, schema: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self.place, self.schema = (host, int(port)), schema
        self.seconds: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def run(self, asked: list[str], until: float | None = None) -> None:
        """Ask about texts, one after the other, all of them or until a time."""
        reader, writer = await asyncio.open_connection(*self.place)
        n = 0
        while time.perf_counter() < until if until is not None else n < len(asked):
            await self.ask(reader, writer, asked[n % len(asked)])
            n += 1
        writer.close()

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> None:
        body = json.dumps({"text": text, "schema": self.schema}).encode()
        started = time.perf_counter()
        writer.write(b"POST /v1/extract HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                     b"content-length: %d\r\n\r\n%s" % (len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
        answer = await reader.readexactly(int(fields["content-length"]))
        status = int(head[9:12])
        self.statuses[status] += 1
        if status == 200:
            assert json.loads(answer)["documents"][0]["text"] == text
            self.seconds.append(time.perf_counter() - started)
        elif status == 429:
            await asyncio.sleep(int(fields["retry-after"]))


async def _load(address: str, clients: int, seconds: float, schema: str, server: int) -> dict[str, Any]:
    several = [Client(address, schema) for _ in range(clients)]
    asked = [texts(2000, seed=n) for n in range(clients)]
    started, used = time.perf_counter(), processor(server)
    marks: list[int] = []
    await asyncio.gather(_quarters(server, seconds, marks), *(
        c.run(mine, started + seconds) for c, mine in zip(several, asked, strict=True)))
    took = time.perf_counter() - started
    times = sorted(s for c in several for s in c.seconds)
    statuses = sum((c.statuses for c in several), Counter())
    return {"answers": len(times), "answers_per_second": round(len(times) / took, 1),
            "server_cpu_ms": round((processor(server) - used) / len(times) * 1000, 2),
            "p50_ms": round(statistics.median(times) * 1000, 1),
            "p95_ms": round(times[int(len(times) * 0.95)] * 1000, 1),
            "statuses": {str(k): v for k, v in sorted(statuses.items())},
            "server_mib_by_quarter": marks,
            "errors": sum(n for status, n in statuses.items() if status not in (200, 429))}


async def _quarters(server: int, seconds: float, marks: list[int]) -> None:
    """Memory of the server after each quarter of the time: what is remembered is bounded, so that it levels off."""
    for _ in range(4):
        await asyncio.sleep(seconds / 4)
        marks.append(round(resident(server)))


async def _single(address: str, schema: str, server: int) -> dict[str, Any]:
    one = Client(address, schema)
    await one.run(texts(8, seed=999))  # the first calls load what is loaded once
    one.seconds.clear()
    started, used = time.perf_counter(), processor(server)
    await one.run(texts(SINGLE, seed=1000))
    took = time.perf_counter() - started
    return {"answers_per_second": round(SINGLE / took, 1),
            "server_cpu_ms": round((processor(server) - used) / SINGLE * 1000, 2),
            "p50_ms": round(statistics.median(one.seconds) * 1000, 1)}


def clients(address: str, server: int, count: int, seconds: float, schema: str) -> dict[str, Any]:
    """The clients, as a process of their own: first one alone, then all at once, then one alone again."""
    command = [sys.executable, __file__, "--child", address, "--clients", str(count), "--seconds", str(seconds),
               "--schema", schema, "--server", str(server)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 3 + 300)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def child(args: argparse.Namespace) -> None:
    async def all_of_it() -> dict[str, Any]:
        before = await _single(args.child, args.schema, args.server)
        load = await _load(args.child, args.clients, args.seconds, args.schema, args.server)
        return {"one": before, "many": load, "one_again": await _single(args.child, args.schema, args.server)}

    print(json.dumps(asyncio.run(all_of_it())))


def measure(kind: str, args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(kind, Path(folder))
        try:
            before = resident(server.pid)
            found = clients(address, server.pid, args.clients, args.seconds, MODELS[kind]["schema"])
            found["server_mib"] = {"before": round(before), "after": round(resident(server.pid))}
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)
    alone = max(found["one"]["answers_per_second"], found["one_again"]["answers_per_second"])
    found["gain"] = round(found["many"]["answers_per_second"] / alone, 2)
    least = min(found["one"]["server_cpu_ms"], found["one_again"]["server_cpu_ms"])
    found["gain_in_processor_time"] = round(least / found["many"]["server_cpu_ms"], 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--schema", default="", help=argparse.SUPPRESS)
    parser.add_argument("--server", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args)
        return
    figures = {kind: measure(kind, args) for kind in args.models}
    record("serve_load", args.write, {"clients": args.clients, "seconds": args.seconds, "limit_gain": LIMIT,
                                      "cores": os.cpu_count(), **figures})
    for kind, found in figures.items():
        many, errors = found["many"]["answers_per_second"], found["many"]["errors"]
        print(f"{kind}: {many:,} answers a second with {args.clients} clients, {found['gain']} times one caller alone "
              f"(limit {LIMIT:g}; in processor time of the server {found['gain_in_processor_time']}), {errors} errors")


if __name__ == "__main__":
    main()
