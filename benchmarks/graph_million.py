"""A graph of a million edges: built with provenance, written in every form, with time and peak memory of each process.

    python benchmarks/graph_million.py [--edges 1000000] [--forms jsonl graphml ...] [--write]

The input are predictions for generated documents (zh and en), rows with `instruction` and `facts` of NER, RE and EE, as
`iepile predict` writes them. Each step is a process of its own; its peak is what the kernel counted (ru_maxrss). The
limit is 2 GB. The peer is a bare pass over the input that decodes each row, and counts.
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
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from results import record

LIMIT = 2_000_000_000
"""Bytes."""


def rows(edges: int) -> Iterator[dict[str, Any]]:
    """Predictions that make at least so many edges, and few more."""
    import msgspec

    from iepile.corpus.synthetic import generate
    from iepile.corpus.synthetic.write import schema
    from iepile.instruction import Instruction
    from iepile.records import Facts
    from iepile.tasks import get_task

    made = 0
    streams = {lang: generate(edges, lang, seed=7) for lang in ("zh", "en")}
    asked = {(lang, name): Instruction("?", [get_task(name).question(i) for i in get_task(name).items(
        schema(lang))], "") for lang in streams for name in ("NER", "RE", "EE")}
    for n, (lang, document) in enumerate(chain.from_iterable(
            zip(("zh", "en"), pair, strict=True) for pair in zip(*streams.values(), strict=True))):
        facts = {"NER": Facts(entities=document.entities), "RE": Facts(relations=document.relations),
                 "EE": Facts(events=document.events)}
        for name, of in facts.items():
            made += len(get_task(name).triples(of))
            question = msgspec.structs.replace(asked[lang, name], input=document.text)
            yield {"id": f"{lang}-{n}", "source": f"generated {lang}", "task": name,
                   "instruction": question.render(), "facts": msgspec.to_builtins(of)}
        if made >= edges:
            return


def job(what: str, source: str, target: str) -> None:
    """One step, in a process of its own; prints seconds, CPU seconds, peak bytes, edges."""
    start = time.perf_counter()
    if what == "bare":
        edges = _bare(source)
    else:
        from iepile.graph.build import KgConfig, build

        edges = build(KgConfig(source, target)).edges if what == "build" else _written(source, target, what)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, edges]))


def _bare(source: str) -> int:
    import msgspec

    from iepile.records import Facts

    edges = 0
    decoder = msgspec.json.Decoder(type=dict[str, Any])
    with open(source, "rb") as f:
        for line in f:
            row = decoder.decode(line)
            facts = msgspec.convert(row["facts"], Facts)
            edges += len(facts.entities) + len(facts.relations) + sum(1 + len(e.arguments) for e in facts.events)
    return edges


def _written(source: str, target: str, form: str) -> int:
    from iepile.graph.forms import find_form
    from iepile.graph.store import Store

    with Store(source) as store:
        found = find_form(target, form)
        return found.write(store, Path(target)) if found else 0


def main() -> None:
    """Measure and print."""
    from iepile.graph.forms.form import forms

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--forms", nargs="*", default=[n for n, f in forms().items() if f.endings])
    parser.add_argument("--folder", help="where to work; a temporary one if not given")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        source, graph = Path(folder) / "pred.json", Path(folder) / "graph.db"
        with source.open("wb") as f:
            for row in rows(args.edges):
                f.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        steps = [("bare", source, source), ("build", source, graph)]
        steps += [(name, graph, Path(folder) / f"graph{forms()[name].endings[0]}") for name in args.forms]
        for name, read, written in steps:
            out = subprocess.run([sys.executable, __file__, "--job", name, str(read), str(written)], check=True,
                                 capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout
            seconds, cpu, peak, edges = json.loads(out.splitlines()[-1])
            size = sum(p.stat().st_size for p in ([written] if written.is_file() else written.rglob("*")))
            figures[name] = {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "peak_mb": peak // 10**6,
                             "edges": edges, "edges_per_cpu_second": round(edges / cpu), "mb": size // 10**6,
                             "within_limit": peak < LIMIT}
            print(name, figures[name], file=sys.stderr, flush=True)
            if written not in (source, graph) and written.is_file():
                written.unlink()
        figures["build_to_bare"] = round(figures["build"]["cpu_seconds"] / figures["bare"]["cpu_seconds"], 2)
        record("graph_million", args.write, {"limit_mb": LIMIT // 10**6, "steps": figures})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:5])
    else:
        main()
