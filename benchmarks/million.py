"""Memory of conversion does not grow with the corpus: the peak of every process for ever more records.

    python benchmarks/million.py [--records 10000 100000 1000000] [--task RE] [--split train] [--workers 1 2]
                                 [--sample SAMPLE SCHEMA] [--target FILE]

The records are those of a sample in turn, ` #i` added to make each text unique; the rows go to /dev/null unless
`--target` names a file (a million RE records make 7 GB of rows). Each run is a process of its own; its peak is
what the kernel counted (ru_maxrss), for itself and for the largest of its workers.
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

from convert_speed import build


def job(task: str, split: str, source: str, schema: str, target: str, workers: str) -> None:
    """Run in a process of its own; prints seconds, CPU seconds, both peaks in MiB, rows."""
    from iepile.corpus.convert import ConvertConfig, convert

    start = time.perf_counter()
    rows = convert(ConvertConfig(
        src_path=source, tgt_path=target, schema_path=schema, task=task, workers=int(workers),
        split="test" if split == "test" else "train",
    )).rows
    own, child = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime
    print(json.dumps([time.perf_counter() - start, cpu, own.ru_maxrss // 1024, child.ru_maxrss // 1024, rows]))


def main() -> None:
    """Measure and print a table."""
    data = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "DeepKE_InstructKGC"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--task", default="RE")
    parser.add_argument("--split", nargs="+", default=["train", "test"])
    parser.add_argument("--workers", nargs="+", default=["1", "2"])
    parser.add_argument("--sample", nargs=2, metavar=("SAMPLE", "SCHEMA"))
    parser.add_argument("--target", default=os.devnull)
    args = parser.parse_args()
    sample, schema = args.sample or [str(data / args.task / name) for name in ("sample.json", "schema.json")]
    print(f"{'':36}{'s':>8}{'CPU s':>8}{'rec/s':>9}{'rows':>12}{'MiB':>6}{'worker MiB':>12}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.json"
        for records in args.records:
            build(Path(sample), source, records)
            for split in args.split:
                for workers in args.workers:
                    out = subprocess.run(
                        [sys.executable, __file__, "--job", args.task, split, str(source), schema, args.target,
                         workers],
                        stdout=subprocess.PIPE, text=True, check=True,
                    )
                    seconds, cpu, own, child, rows = json.loads(out.stdout)
                    line = f"{records:,} {args.task} {split}, {workers} worker(s)"
                    print(f"{line:36}{seconds:8.1f}{cpu:8.1f}{records / seconds:9,.0f}{rows:12,}{own:6}"
                          f"{child:12}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:])
    else:
        main()
