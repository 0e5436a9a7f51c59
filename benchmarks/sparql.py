"""Questions in SPARQL: what the first one costs, which makes the triples, and the next ones, against rdflib.

    python benchmarks/sparql.py [--edges 10000 100000 1000000] [--peer 10000] [--write]

The graphs are built of predictions for generated documents, as in graph_million.py. Each step is a process of its own:
`first` includes making the triples, `next` is the same question to the triples that were kept (in memory they are made
again). The questions are then timed one by one. The peer reads N-Triples of the same graph into memory and is asked the
same; its answers must be ours. Seconds are those of the processor, memory is the peak that the kernel counted.
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
QUESTIONS = {
    "one triple": "ASK { ?x rel:spouse ?y }",
    "sentences of a relation": """SELECT ?head ?sentence { ?s rdf:predicate rel:founded_by ; kg:snippet ?sentence ;
        rdf:subject/rdfs:label ?head } ORDER BY ?head ?sentence LIMIT 100""",
    "two steps": """SELECT ?a ?c { ?x rel:works_for ?y . ?y rel:founded_by ?z . ?x rdfs:label ?a . ?z rdfs:label ?c }
        ORDER BY ?a ?c LIMIT 100""",
    "count of types": "SELECT ?t (COUNT(*) AS ?n) { ?x a kg:Entity ; kg:typeName ?t } GROUP BY ?t ORDER BY DESC(?n) ?t",
    "count of relations": """SELECT ?r (COUNT(DISTINCT ?d) AS ?n) { ?s kg:kind 'relation' ; rdf:predicate ?r ;
        prov:wasDerivedFrom ?d } GROUP BY ?r ORDER BY DESC(?n) ?r""",
}


def job(what: str, source: str, target: str) -> None:
    """One step, in a process of its own; prints what it found, CPU seconds and peak bytes."""
    start = time.process_time()
    steps: dict[str, Any] = {"build": _build, "ask": _ask, "triples": _triples, "ours": _ours, "rdflib": _rdflib}
    found = steps[what](source, target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([found, time.process_time() - start, peak]))


def _build(source: str, target: str) -> int:
    from iepile.graph.build import KgConfig, build

    with open(source, "wb") as f:
        for row in rows(int(Path(target).stem)):
            f.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return build(KgConfig(source, target)).edges


def _ask(source: str, _: str) -> int:
    from iepile.graph.sparql import sparql

    with sparql(source, QUESTIONS["one triple"]) as answer:
        return len(list(answer.rows))


def _triples(source: str, target: str) -> int:
    from iepile.graph.rdf import write_rdf
    from iepile.graph.store import Store

    with Store(source) as store:
        return write_rdf(store, target, "N-Triples")


def _ours(source: str, _: str) -> dict[str, Any]:
    from iepile.graph.rdf.triple_store import triple_store
    from iepile.graph.rdf.vocabulary import prefixes

    with triple_store(source) as store:
        return {name: _timed(lambda q=q: [[t.value for t in r] for r in store.query(q, prefixes=prefixes())]
                             if q.startswith("SELECT") else bool(store.query(q, prefixes=prefixes())))
                for name, q in QUESTIONS.items()}


def _rdflib(_: str, target: str) -> dict[str, Any]:
    import rdflib

    from iepile.graph.rdf.vocabulary import prefixes

    graph = rdflib.Graph().parse(target, format="nt")
    return {name: _timed(lambda q=q: [[str(t) for t in r] for r in graph.query(q, initNs=prefixes())]
                         if q.startswith("SELECT") else bool(graph.query(q, initNs=prefixes()).askAnswer))
            for name, q in QUESTIONS.items()}


def _timed(ask: Any) -> tuple[Any, float]:
    start = time.process_time()
    return ask(), time.process_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edges", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--peer", type=int, default=10_000, help="edges up to which the peer is asked")
    parser.add_argument("--folder", help="where to work; a temporary one if not given")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    for edges in args.edges:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            of = figures[str(edges)] = _measured(Path(folder) / f"{edges}.db", edges <= args.peer)
            print(edges, of, file=sys.stderr, flush=True)
    record("sparql", args.write, {"limit_mb": LIMIT // 10**6, "edges": figures})


def _measured(graph: Path, peer: bool) -> dict[str, Any]:
    source, triples = str(graph.with_suffix(".json")), str(graph.with_suffix(".nt"))
    edges, _, _ = _step("build", source, str(graph))
    of: dict[str, Any] = {"edges": edges}
    for name in ("first", "next"):
        _, seconds, peak = _step("ask", str(graph), triples)
        of |= {f"{name}_cpu_seconds": round(seconds, 2), f"{name}_peak_mb": peak // 10**6}
    of["within_limit"] = of["first_peak_mb"] * 10**6 < LIMIT
    kept = graph.with_name(f"{graph.name}.sparql")
    of["kept_mb"] = sum(p.stat().st_size for p in kept.rglob("*") if p.is_file()) // 10**6
    ours, _, _ = _step("ours", str(graph), triples)
    of["questions_cpu_ms"] = {name: round(seconds * 1000, 1) for name, (_, seconds) in ours.items()}
    if peer:
        _step("triples", str(graph), triples)
        theirs, seconds, peak = _step("rdflib", str(graph), triples)
        differing = [name for name in QUESTIONS if theirs[name][0] != ours[name][0]]
        of["rdflib"] = {"cpu_seconds": round(seconds, 1), "peak_mb": peak // 10**6, "answers_that_differ": differing,
                        "questions_cpu_ms": {name: round(s * 1000, 1) for name, (_, s) in theirs.items()},
                        "times_ours": round(sum(s for _, s in theirs.values()) / sum(s for _, s in ours.values()), 1)}
    return of


def _step(what: str, source: str, target: str) -> Any:
    out = subprocess.run([sys.executable, __file__, "--job", what, source, target], check=True, capture_output=True,
                         text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout
    return json.loads(out.splitlines()[-1])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:5])
    else:
        main()
