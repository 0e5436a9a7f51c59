"""Every form of a graph: how long writing and reading take against JSON lines, and in how much memory.

    python benchmarks/graph_forms.py [--edges 200000] [--forms csv ...] [--write]

The graph is built of predictions for generated documents, as in graph_million.py. Each step is a process of its own;
times are CPU seconds less those of starting, memory is the peak that the kernel counted (ru_maxrss). The peer is the
form `jsonl`. A form that can be read is read, and its edges are compared with those of the store, in order.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from graph_million import rows
from results import record

LIMIT = 2_000_000_000
"""Bytes."""


def made(edges: int, source: str, graph: str) -> None:
    """Build the graph; prints its edges and nodes. A process of its own, lest its peak counts for the others."""
    from iepile.graph.build import KgConfig, build

    with open(source, "wb") as f:
        for row in rows(edges):
            f.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    built = build(KgConfig(source, graph))
    print(json.dumps([built.edges, built.nodes]))


def job(what: str, name: str, graph: str, target: str) -> None:
    """Write or read one form; prints CPU seconds, peak bytes, edges, and whether all came back."""
    from iepile.graph.forms.form import forms
    from iepile.graph.store import Store

    form, same = forms()[name], True
    with Store(graph) as store:
        start = time.process_time()
        if what == "write":
            edges = form.write(store, Path(target))
        elif what == "read" and form.read:
            edges = sum(1 for _ in form.read(Path(target)))
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if what == "read" and form.read:
            same = all(a == b for a, b in zip(store.edges(), form.read(Path(target)), strict=True))
    print(json.dumps([seconds, peak, edges, same]))


def run(*arguments: str) -> list[Any]:
    """A job in a process of its own."""
    out = subprocess.run([sys.executable, __file__, "--job", *arguments], check=True, capture_output=True, text=True,
                         env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout
    found: list[Any] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    from iepile.graph.forms.form import forms

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edges", type=int, default=200_000)
    parser.add_argument("--forms", nargs="*", default=list(forms()))
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        graph = str(Path(folder) / "graph.db")
        held, nodes = run("build", str(args.edges), str(Path(folder) / "pred.json"), graph)
        for name in sorted(args.forms, key=lambda name: name != "jsonl"):
            ending = forms()[name].endings[0] if forms()[name].endings else ".csv" if name == "nodes" else ""
            target = Path(folder) / f"graph{ending}"
            seconds, peak, edges, _ = run("write", name, graph, str(target))
            size = sum(p.stat().st_size for p in ([target] if target.is_file() else target.rglob("*")) if p.is_file())
            figures[name] = {"write_seconds": round(seconds, 2), "edges_per_second": round(edges / seconds),
                             "peak_mb": peak // 10**6, "mb": round(size / 10**6, 1), "within_limit": peak < LIMIT}
            if forms()[name].read:
                seconds, peak, edges, same = run("read", name, graph, str(target))
                figures[name] |= {"read_seconds": round(seconds, 2), "read_peak_mb": peak // 10**6,
                                  "equal": same and edges == held}
            if name != "jsonl" and "jsonl" in figures:
                for what in ("write", "read"):
                    if f"{what}_seconds" in figures[name]:
                        figures[name][f"{what}_to_jsonl"] = round(
                            figures[name][f"{what}_seconds"] / figures["jsonl"][f"{what}_seconds"], 2)
            print(name, figures[name], file=sys.stderr, flush=True)
    record("graph_forms", args.write, {"edges": held, "nodes": nodes, "limit_mb": LIMIT // 10**6,
                                       "forms": figures})


if __name__ == "__main__":
    if sys.argv[1:3] == ["--job", "build"]:
        made(int(sys.argv[3]), *sys.argv[4:6])
    elif sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:6])
    else:
        main()
