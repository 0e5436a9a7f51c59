"""A graph of a million edges checked against a schema: time and peak memory, against a bare pass over the same edges.

    python benchmarks/graph_checks.py [--edges 1000000] [--seed 1] [--write]

Made edges of five relations, each under a rule of another sort; about half of them break one, or lack what follows from
them. The limit is 2 GB. The peer reads every edge from the store with merged names, as `iepile kg export` does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results import record

from iepile.graph.checking import CheckConfig, check_graph
from iepile.graph.edge import Edge
from iepile.graph.loading import Loading, Part
from iepile.graph.store import Store

LIMIT = 2_000_000_000
"""Bytes."""
SCHEMA = """
relations:
  born in: {domain: person, range: place, at_most: 1}
  married to: {symmetric: true}
  part of: {transitive: true}
  works for: {at_most: 2, inverse: employs}
  employs: {}
  child of: {at_most_heads: 3}
"""
RELATIONS = ("born in", "married to", "part of", "works for", "child of")


def make(path: Path, edges: int, seed: int) -> None:
    """Heads among 300,000 names and tails among 100,000, where a million edges are made."""
    rng = random.Random(seed)
    with Store(path, write=True, scratch=True) as store:
        loading = Loading(store, "made", "made")
        for n in range(edges):
            edge = Edge(head=f"p{rng.randrange(edges * 3 // 10)}", relation=rng.choice(RELATIONS),
                        tail=f"q{rng.randrange(edges // 10)}", kind="relation", head_type="person",
                        tail_type=rng.choice(["place", "place", "person"]), document=f"d{n // 10}",
                        confidence=rng.random(), snippet="A sentence of a usual length, which the edge was read from.")
            loading.put(Part(edge.document, None, "RE", n + 1), [edge])
        loading.finish()


def job(what: str, path: str, schema: str, prune: str = "") -> None:
    """One step, in a process of its own."""
    start = time.perf_counter()
    result: dict[str, Any] = {}
    if what == "check":
        done = check_graph(CheckConfig(path, schema, prune))
        result = {"edges": done.edges, "violations": done.violations, "pruned": done.pruned, "missing": done.missing}
    else:
        with Store(path) as store:
            result = {"edges": sum(1 for _ in store.edges())}
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * 1024
    print(json.dumps({**result, "seconds": round(time.perf_counter() - start, 1), "peak_mb": peak // 10**6,
                      "cpu_seconds": round(used.ru_utime + used.ru_stime, 1), "within_limit": peak < LIMIT}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    figures: dict[str, Any] = {"limit_mb": LIMIT // 10**6}
    with tempfile.TemporaryDirectory() as folder:
        graph, schema = Path(folder) / "graph.db", Path(folder) / "schema.yaml"
        make(graph, args.edges, args.seed)
        schema.write_text(SCHEMA, "utf-8")
        for name, step in (("bare", ["bare"]), ("flag", ["check"]), ("prune", ["check", "domain,range,at_most"])):
            out = subprocess.run([sys.executable, __file__, "--job", step[0], str(graph), str(schema), *step[1:]],
                                 check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
            figures[name] = json.loads(out.stdout.splitlines()[-1])
    figures["flag_to_bare"] = round(figures["flag"]["cpu_seconds"] / figures["bare"]["cpu_seconds"], 2)
    record("graph_checks", args.write, figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:6])
    else:
        main()
