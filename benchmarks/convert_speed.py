"""How fast conversion is, against the reference and against the floor of reading and writing the same bytes.

    python benchmarks/convert_speed.py [--records 20000] [--re SAMPLE SCHEMA] [--ee SAMPLE SCHEMA]

Input: the records of a sample file in turn, ` #i` added to make each text unique, as in the reference's own
baselines. The samples default to the DeepKE ones in the data folder beside the project (or IEPILE_SHARED).
Each figure is the best of three runs in a process of its own; the clock starts when the work starts and
stops when the finished file has its name. The floor decodes the same records with msgspec, does nothing
with them, and writes bytes of the same number in blocks of the same size through the same atomic writer.
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

REFERENCE = {("RE", "train"): 3.55, ("RE", "test"): 2.7, ("EE", "train"): 12.2, ("EE", "test"): 6.9}
"""CPU seconds that the reference's convert_func.py takes for 20,000 of these records (49 relations, 65 event
types, 4 a prompt), measured on this kind of machine (two shared cores, CPython 3.11). By the clock it made
5,000, 6,700, 1,250 and 1,830 records a second. CPU seconds compare better on a machine that is busy."""
RUNS = 3


def build(sample: Path, target: Path, records: int) -> None:
    base = [json.loads(line) for line in sample.read_text("utf-8").splitlines()]
    with target.open("w", encoding="utf-8") as f:
        for i in range(records):
            row = base[i % len(base)]
            f.write(json.dumps(row | {"text": f"{row['text']} #{i}"}, ensure_ascii=False) + "\n")


def job(kind: str, task: str, split: str, source: str, schema: str, target: str, workers: str) -> None:
    """Run in a process of its own; prints seconds, CPU seconds, peak memory in MiB, rows."""
    from iepile.corpus.convert import LINES_A_JOB, ConvertConfig, convert
    from iepile.jsonl import atomic_writer, read_rows

    size = Path(target).stat().st_size if kind == "floor" else 0
    start, cpu = time.perf_counter(), time.process_time()
    rows = 0
    if kind == "floor":
        n = sum(1 for _ in read_rows(source))
        blob = b"x" * (size * LINES_A_JOB // n)
        with atomic_writer(target) as f:
            for at in range(0, size, len(blob)):
                f.write(blob[: size - at])
    else:
        rows = convert(ConvertConfig(
            src_path=source, tgt_path=target, schema_path=schema, task=task,
            split="train" if split == "train" else "test", workers=int(workers),
        )).rows
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps([seconds, cpu + child.ru_utime + child.ru_stime, peak + child.ru_maxrss // 1024, rows]))


def best(*words: str) -> list[float]:
    runs = []
    for _ in range(RUNS):
        out = subprocess.run([sys.executable, __file__, "--job", *words], capture_output=True, text=True, check=True)
        runs.append(json.loads(out.stdout))
    return min(runs)


def main() -> None:
    data = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "DeepKE_InstructKGC"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    for task in ("RE", "EE"):
        default = [str(data / task / "sample.json"), str(data / task / "schema.json")]
        parser.add_argument(f"--{task.lower()}", nargs=2, metavar=("SAMPLE", "SCHEMA"), default=default)
    args = parser.parse_args()
    print(f"{args.records:,} records, best of {RUNS}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print(f"{'':24}{'s':>7}{'CPU s':>7}{'rec/s':>9}{'rows/s':>10}{'MiB':>6}{'x reference':>13}{'x floor CPU':>13}")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in" / "sample.json", Path(folder) / "out.json"
        source.parent.mkdir()
        for (task, split), reference in REFERENCE.items():
            sample, schema = getattr(args, task.lower())
            build(Path(sample), source, args.records)
            for workers in (1, 2):
                words = (task, split, str(source), schema, str(target), str(workers))
                seconds, cpu, peak, rows = best("convert", *words)
                if workers == 1:
                    floor = best("floor", *words)
                    best("convert", *words)  # the floor left its own bytes in the file
                rate = args.records / seconds
                print(f"{f'{task} {split}, {workers} worker(s)':24}{seconds:7.2f}{cpu:7.2f}{rate:9,.0f}"
                      f"{rows / seconds:10,.0f}{peak:6.0f}"
                      f"{reference / 20_000 * args.records / cpu:13.1f}{cpu / floor[1]:13.1f}")
            print(f"{f'{task} {split}, floor':24}{floor[0]:7.2f}{floor[1]:7.2f}{args.records / floor[0]:9,.0f}"
                  f"{'':10}{floor[2]:6.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:])
    else:
        main()
