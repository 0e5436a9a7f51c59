"""How fast conversion is, against the reference and against orjson reading and writing the same.

    python benchmarks/convert_speed.py [--records 20000] [--rounds 5] [--workers 2] [--modes train test]
                                       [--no-peers] [--re SAMPLE SCHEMA] [--ee SAMPLE SCHEMA]

Input: the records of a sample file in turn, ` #i` added to make each text unique, as in the reference's own
baselines. The samples default to the DeepKE ones in the data folder beside the project (or IEPILE_SHARED).

Two peers do nothing but read and write. Both decode each input line with orjson and write the output of a
conversion, record by record, through the same atomic writer (sync to disk included):
  orjson  encodes each row with orjson, from objects that were ready in memory before the clock started;
  bytes   writes each record's rows as bytes that were ready in memory.
The first is what a converter that is free of cost, but for its JSON, would take; the second the floor.

Each run is a process of its own; runs of all kinds alternate, round by round, and a ratio is the median of the
rounds' ratios. Ratios are of CPU seconds, which a busy machine distorts less than the clock; the clock is shown.
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
from statistics import median

REFERENCE = {("RE", "train"): 3.55, ("RE", "test"): 2.7, ("EE", "train"): 12.2, ("EE", "test"): 6.9}
"""CPU seconds that the reference's convert_func.py takes for 20,000 of these records (49 relations, 65 event
types, 4 a prompt, training in label order), measured on this kind of machine (two shared cores, CPython 3.11)."""
CLOCK = {("RE", "train"): 4.0, ("RE", "test"): 3.0, ("EE", "train"): 16.0, ("EE", "test"): 10.9}
"""Seconds by the clock: 5,000, 6,700, 1,250 and 1,830 records a second."""
MODES: dict[str, dict[str, object]] = {
    "train": {}, "shuffled": {"random_sort": True}, "hard": {"cluster_mode": True}, "half": {"neg_schema": 0.5},
    "test": {"split": "test"},
}


def build(sample: Path, target: Path, records: int) -> None:
    """Write `records` records."""
    base = [json.loads(line) for line in sample.read_text("utf-8").splitlines()]
    with target.open("w", encoding="utf-8") as f:
        for i in range(records):
            row = base[i % len(base)]
            f.write(json.dumps(row | {"text": f"{row['text']} #{i}"}, ensure_ascii=False) + "\n")


def build_hard(schema: str, task: str, target: Path) -> None:
    """A dictionary that names for each label its four neighbours in the schema."""
    from iepile.schema import Schema
    from iepile.tasks import get_task

    names = [i.name for i in get_task(task).items(Schema.read(schema, task))]
    near = {n: [names[(i + k) % len(names)] for k in (-2, -1, 1, 2)] for i, n in enumerate(names)}
    target.write_text(json.dumps(near, ensure_ascii=False), "utf-8")


def job(kind: str, task: str, mode: str, folder: str, schema: str, workers: str) -> None:
    """Run in a process of its own; prints seconds, CPU seconds, peak MiB of one process, rows."""
    from iepile.corpus.convert import ConvertConfig, convert
    from iepile.jsonl import atomic_writer

    source, target = f"{folder}/in/{task}.json", f"{folder}/{task}-{mode}.json"
    rows = 0
    if kind == "convert":
        options = MODES[mode] | ({"hard_negative_path": f"{folder}/in/{task}-hard.json"} if mode == "hard" else {})
        config = ConvertConfig(src_path=source, tgt_path=target, schema_path=schema, task=task, workers=int(workers),
                               **options)  # type: ignore[arg-type]
        start, cpu = time.perf_counter(), time.process_time()
        rows = convert(config).rows
    else:
        import orjson

        with open(source, "rb") as f:
            n = sum(1 for _ in f)
        with open(target, "rb") as f:
            lines = f.readlines()
        each = len(lines) // n  # every record has as many rows
        with open(source, "rb") as read, atomic_writer(target + ".peer") as write:
            if kind == "orjson":
                ready = [[orjson.loads(line) for line in lines[i : i + each]] for i in range(0, len(lines), each)]
                del lines
                loads, dumps, newline = orjson.loads, orjson.dumps, orjson.OPT_APPEND_NEWLINE
                start, cpu = time.perf_counter(), time.process_time()
                for line, some in zip(read, ready, strict=True):
                    loads(line)
                    write.write(b"".join([dumps(row, None, newline) for row in some]))
            else:
                whole = [b"".join(lines[i : i + each]) for i in range(0, len(lines), each)]
                del lines
                start, cpu = time.perf_counter(), time.process_time()
                for line, blob in zip(read, whole, strict=True):
                    orjson.loads(line)
                    write.write(blob)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps([seconds, cpu + child.ru_utime + child.ru_stime, max(peak, child.ru_maxrss // 1024), rows]))


def run(*words: str) -> list[float]:
    """One run."""
    out = subprocess.run([sys.executable, __file__, "--job", *words], capture_output=True, text=True, check=True)
    return list(json.loads(out.stdout))


def main() -> None:
    """Measure and print a table."""
    data = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "DeepKE_InstructKGC"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    for task in ("RE", "EE"):
        default = [str(data / task / "sample.json"), str(data / task / "schema.json")]
        parser.add_argument(f"--{task.lower()}", nargs=2, metavar=("SAMPLE", "SCHEMA"), default=default)
    args = parser.parse_args()
    print(f"{args.records:,} records, medians of {args.rounds}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print(f"{'':22}{'s':>7}{'CPU s':>7}{'rec/s':>9}{'MiB':>5}{'x reference':>12}{'(clock)':>8}"
          f"{'/ orjson':>9}{'/ bytes':>8}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").mkdir()
        for task in ("RE", "EE"):
            sample, schema = getattr(args, task.lower())
            build(Path(sample), Path(folder) / "in" / f"{task}.json", args.records)
            build_hard(schema, task, Path(folder) / "in" / f"{task}-hard.json")
            for mode in args.modes:
                measure(task, mode, folder, schema, args)


def measure(task: str, mode: str, folder: str, schema: str, args: argparse.Namespace) -> None:
    """The lines of one mode."""
    kinds = [("convert", "1"), *([("convert", str(args.workers))] if args.workers > 1 else [])]
    if args.peers and mode in ("train", "test"):
        kinds += [("orjson", "1"), ("bytes", "1")]
    # One after the other, so that what the machine does meanwhile meets all of them alike.
    rounds = [{k: run(k[0], task, mode, folder, schema, k[1]) for k in kinds} for _ in range(args.rounds)]
    of = (task, "test" if mode == "test" else "train")
    for kind in kinds:
        seconds, cpu, peak = (median(r[kind][n] for r in rounds) for n in range(3))
        line = f"{f'{task} {mode}, {kind[1]} worker(s)' if kind[0] == 'convert' else f'{task} {mode}, {kind[0]}':22}"
        line = f"{line}{seconds:7.2f}{cpu:7.2f}{args.records / seconds:9,.0f}{peak:5.0f}"
        if kind[0] == "convert":
            share = args.records / 20_000
            line += f"{REFERENCE[of] * share / cpu:12.1f}{CLOCK[of] * share / seconds:8.1f}"
            for peer, width in (("orjson", 9), ("bytes", 8)):
                if (peer, "1") in kinds:
                    line += f"{median(r[kind][1] / r[peer, '1'][1] for r in rounds):{width}.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(*sys.argv[2:])
    else:
        main()
