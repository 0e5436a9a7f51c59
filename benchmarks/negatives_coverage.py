"""What share of the confusions of a trained model the mined hard negatives cover, against random choice.

    python benchmarks/negatives_coverage.py ../shared/data --work runs/negatives \\
        --output benchmarks/results/negatives_coverage.json

For each data set the compact model is trained from scratch on the training part (one thread, under two CPU-minutes)
and answers dev and test. A confusion is a wrong label on a gold mention (pair, trigger) of test, or on one that holds
it or lies in it; each counts as often as it happens. A method gives every label its k best; it covers a confusion of
gold A answered B if B is among the k of A. Documents of the methods are those of the training part, and method
`confusions` sees the answers on dev only. For comparison: `random` is the expected share of k labels drawn from the
others, k / (n - 1); `frequent` the k labels most frequent in training; `best` the k best for each label in hindsight.
Models and answers found in --work are used again.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.formats.duee import read_event_schema
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.importing import observed
from iepile.corpus.mining.confusions import Confusions
from iepile.corpus.mining.labels import labels_of, mentions
from iepile.corpus.mining.mine import DEFAULT_WEIGHTS, MiningOptions, mine
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.predict import PredictConfig, predict
from iepile.jsonl import write_rows
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import get_task
from iepile.training.compact_rows import CompactJob, train_compact
from iepile.unified import document_to_row

Table = Mapping[str, Sequence[str]]
PARTS = ("train", "dev", "test")
DATA_METHODS = ("text", "mentions", "contexts", "fillers")
KS = (1, 3, 5)


@dataclass
class DataSet:
    """Where the parts are, and how they are read."""

    files: tuple[str, ...]
    """Train, dev, test; where a file is missing, its part is cut from the shuffled first file."""
    format: str
    task: str
    language: Literal["zh", "en"]
    labels: dict[str, str] = field(default_factory=dict)
    trained: str = ""
    """Tasks of training, where they are more than the one that is scored."""
    cut: tuple[int, ...] = ()
    """Sizes of the parts that are cut."""
    schema: str = ""
    tokens: int = 300_000
    rare_features: float = 4.0


DATA = {
    "CrossNER_AI": DataSet(
        ("CrossNER_AI/train.txt", "CrossNER_AI/dev.txt", "CrossNER_AI/test.txt"), "bmes", "NER", "en",
        {"programlang": "programming language", "metrics": "metric", "misc": "other"}),
    "CrossNER_politics": DataSet(
        ("CrossNER_politics/train.txt", "CrossNER_politics/dev.txt", "CrossNER_politics/test.txt"), "bmes", "NER", "en",
        {"politicalparty": "political party", "misc": "other"}),
    "clue": DataSet(
        ("clue/train.json", "clue/test.json"), "cluener", "NER", "zh",
        {"name": "人名", "organization": "组织机构", "position": "职位", "company": "公司", "address": "地址",
         "game": "游戏", "government": "政府", "scene": "景点", "book": "书名", "movie": "电影"}, cut=(4000, 1300)),
    "SciERC": DataSet(
        ("SciERC/train.json", "SciERC/dev.json", "SciERC/test.json"), "dygie", "RE", "en",
        {n: n.lower().replace("-", " ") for n in ("USED-FOR", "FEATURE-OF", "HYPONYM-OF", "EVALUATE-FOR", "PART-OF",
                                                  "COMPARE", "CONJUNCTION")}, trained="NER,RE"),
    "semval-RE": DataSet(
        ("semval-RE/TRAIN_FILE.TXT", "semval-RE/TEST_FILE_FULL.TXT"), "semeval", "RE", "en", cut=(6500, 1500)),
    "DuEE1.0": DataSet(
        ("DuEE1.0/duee_dev.json",), "duee", "EE", "zh", cut=(500, 450, 542), schema="DuEE1.0/duee_event_schema.json",
        tokens=200_000, rare_features=0.25),
}


def read(root: Path, data: DataSet) -> tuple[list[list[Document]], Schema]:
    """The three parts and the labels."""
    files = [list(read_documents(root / f, data.format, ReadOptions(labels=data.labels))) for f in data.files]
    # SemEval's Other says that none of the relations holds.
    files = [[msgspec.structs.replace(d, relations=tuple(r for r in d.relations if r.type != "Other")) for d in part]
             for part in files]
    if data.cut:
        random.Random(13).shuffle(files[0])
        borders = [sum(data.cut[:n]) for n in range(len(data.cut) + 1)]
        cut = [files[0][a:b] for a, b in pairwise(borders)]
        files = [*cut, *files[1:]]
    if data.schema:
        return files, Schema.of_events(read_event_schema(str(root / data.schema)))
    return files, sum((observed(d) for part in files for d in part), Schema())


def train_and_predict(folder: Path, parts: Sequence[Sequence[Document]], schema: Schema, data: DataSet,
                      seed: int) -> float:
    """Leave `dev.pred.json` and `test.pred.json` in the folder; CPU-seconds of training."""
    folder.mkdir(parents=True, exist_ok=True)
    schema.write(folder / "schema.json")
    for name, documents in zip(PARTS, parts, strict=True):
        write_rows(folder / f"{name}.jsonl", map(document_to_row, documents))

    def rows(part: str, split: Literal["train", "test"], task: str) -> str:
        target = f"{folder}/{part}.{split}.json"
        convert(ConvertConfig(src_path=f"{folder}/{part}.jsonl", tgt_path=target, schema_path=f"{folder}/schema.json",
                              task=task, language=data.language, split=split, split_num=-1, positions=True))
        return target

    trained = data.trained or data.task
    began = time.process_time()
    done = train_compact(CompactJob(
        train_file=[rows("train", "train", trained)], valid_file=[rows("dev", "train", trained)], seed=seed,
        output_dir=f"{folder}/run", overwrite_output_dir=True, tokens=data.tokens, rare_features=data.rare_features,
        checkpoint_steps=0, threads=1,
    ))
    spent = time.process_time() - began
    for part in ("dev", "test"):
        predict(PredictConfig(input_file=rows(part, "test", data.task), model=done.model,
                              output_file=f"{folder}/{part}.pred.json", overwrite=True))
    return spent


def coverage(table: Table, counts: Mapping[str, Counter[str]], k: int) -> float:
    """Share of the confusions whose wrong label is among the k of the gold label, in percent."""
    every = sum(sum(row.values()) for row in counts.values())
    return 100 * sum(counts[a][b] for a, row in table.items() for b in row[:k]) / every


def measure(root: Path, name: str, work: Path, seed: int, embedding_model: str | None) -> dict[str, object]:
    data, folder = DATA[name], work / f"{name}-{seed}"
    task = get_task(data.task)
    parts, schema = read(root, data)
    cpu = None if (folder / "test.pred.json").exists() else train_and_predict(folder, parts, schema, data, seed)
    report = evaluate(EvaluateConfig(path1=f"{folder}/test.pred.json", match_mode="set"))
    labels = labels_of(schema, task)
    names = [x.name for x in labels]
    counts = Confusions(task, labels).add([folder / "test.pred.json"]).same
    seen = Counter(m.label for d in parts[0] for m in mentions(task, d.facts))
    dev = [folder / "dev.pred.json"]

    def mined(methods: Sequence[str] = ()) -> Table:
        weights = dict.fromkeys(methods, 1.0) if len(methods) == 1 else {m: DEFAULT_WEIGHTS[m] for m in methods}
        options = MiningOptions(methods=weights, top_k=max(KS), embedding_model=embedding_model)
        return mine(schema, task, options, parts[0], dev).table()

    tables: dict[str, Table] = {"frequent": {a: [b for b, _ in seen.most_common() if b != a] for a in names}}
    tables |= {m: mined([m]) for m in DATA_METHODS}
    if embedding_model:
        tables["embedding"] = mined(["embedding"])
    tables |= {"without a model": mined(DATA_METHODS), "confusions": mined(["confusions"]), "all": mined()}
    tables["best"] = {a: [b for b, _ in counts[a].most_common()] for a in names}
    shares = {
        k: {"random": 100 * min(1.0, k / (len(names) - 1))} | {m: coverage(t, counts, k) for m, t in tables.items()}
        for k in KS
    }
    return {
        "data": name, "task": data.task, "labels": len(names), "train": len(parts[0]), "seed": seed,
        "train_cpu_s": None if cpu is None else round(cpu),
        "test_f1": {s.group: round(s.score.f1, 1) for s in report.scores},
        "confusions": sum(sum(row.values()) for row in counts.values()),
        "labels_a_list": {m: round(sum(len(t[a][:3]) for a in names) / len(names), 1) for m, t in tables.items()},
        "covered": {str(k): {m: round(s, 1) for m, s in row.items()} for k, row in shares.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the data sets")
    parser.add_argument("--data", nargs="*", default=list(DATA), choices=list(DATA))
    parser.add_argument("--work", type=Path, default=Path("runs/negatives"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--embedding_model")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    results = []
    for name in args.data:
        for seed in args.seeds:
            row = measure(args.folder, name, args.work, seed, args.embedding_model)
            results.append(row)
            print(f"{name} ({row['task']}, {row['labels']} labels, seed {seed}): F1 {row['test_f1']}, "
                  f"{row['confusions']} confusions, {row['train_cpu_s']} CPU-seconds", flush=True)
            for k, shares in row["covered"].items():  # type: ignore[attr-defined]
                print(f"  k={k}  " + "  ".join(f"{m} {s:.0f}" for m, s in shares.items()), flush=True)
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
