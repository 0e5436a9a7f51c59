"""What the baselines reach, beside the compact model trained on the same rows with its default settings.

    python benchmarks/baselines.py ../shared/data [--data resume_ner conll04] [--models crf dictionary] [--write]

Every model is trained and asked through rows with places, as `iepile train` and `iepile predict` do, and scored as
`iepile evaluate --match offset` and `--match string` do. Printed for each data set and model: CPU-seconds of training,
test texts a second, F1 by task and group, and what the share of the compact model's F1 is. Data sets that ship no
split are shuffled with seed 13 and cut. The compact model takes minutes a data set; what is not run keeps the figures
that `--write` recorded before.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from compact_f1 import CONLL04, RESUME
from results import FOLDER, record

from iepile.corpus.convert import ConvertConfig
from iepile.corpus.converter import Converter
from iepile.corpus.formats.duee import read_event_schema
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.importing import observed
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.predict import PredictConfig, predict
from iepile.jsonl import write_rows
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import get_task
from iepile.training.baselines import CrfJob, DictionaryJob, train_baseline
from iepile.training.compact_rows import CompactJob, train_compact

MATCHES = ("offset", "string")
GROUPS = {"NER": ("entity",), "RE": ("relation",), "EE": ("trigger-class", "argument-class+")}


class Data(NamedTuple):
    tasks: tuple[str, ...]
    train: Sequence[Document]
    dev: Sequence[Document]
    """For the thresholds of the compact model; the baselines do not see it."""
    test: Sequence[Document]
    schema: Schema | None = None
    compact: dict[str, Any] | None = None
    """Settings of the compact model's recipe; None: it is not trained on this."""


def read(folder: Path, name: str, labels: dict[str, str] | None = None) -> list[Document]:
    return list(read_documents(folder / name, options=ReadOptions(labels=labels or {})))


def cut(docs: list[Document], train: int, dev: int) -> tuple[list[Document], list[Document], list[Document]]:
    random.Random(13).shuffle(docs)
    return docs[:train], docs[train : train + dev], docs[train + dev :]


def resume_ner(f: Path) -> Data:
    return Data(("NER",), *(read(f, f"resume_ner/{s}.char.bmes", RESUME) for s in ("train", "dev", "test")), compact={})


def conll04(f: Path) -> Data:
    splits = (read(f, f"conll04/conll04_{s}.json", CONLL04) for s in ("train", "dev", "test"))
    return Data(("NER", "RE"), *splits, compact={"tokens": 800_000})


def crossner_ai(f: Path) -> Data:
    return Data(("NER",), *(read(f, f"CrossNER_AI/{s}.txt") for s in ("train", "dev", "test")), compact={})


def msra(f: Path) -> Data:
    return Data(("NER",), *cut(read(f, "MSRA/msra_test_bio.txt"), 2800, 0))


def nyt(f: Path) -> Data:
    train, test = (read(f, f"New-York-Times-RE/{s}_triples.json") for s in ("val", "test"))
    return Data(("RE",), train, [], test)


def duie(f: Path) -> Data:
    return Data(("RE",), *cut(read(f, "DuIE2.0/train_data_5000.json"), 4000, 0))


def duee(f: Path) -> Data:
    roles = read_event_schema(str(f / "DuEE1.0/duee_event_schema.json"))
    schema = Schema.of_events({kind: list(names) for kind, names in roles.items()})
    return Data(("EE",), *cut(list(read_documents(f / "DuEE1.0/duee_dev.json", "duee")), 1080, 120), schema,
                {"tokens": 700_000, "rare_features": 0.25})


DATA: dict[str, Callable[[Path], Data]] = {
    "resume_ner": resume_ner, "conll04": conll04, "CrossNER_AI": crossner_ai, "MSRA": msra, "NYT": nyt, "DuIE2.0": duie,
    "DuEE1.0": duee,
}


def rows(docs: Iterable[Document], data: Data, split: str, path: Path) -> list[str]:
    """A file of rows for each task."""
    schema = data.schema
    if schema is None:
        schema = Schema()
        for doc in (*data.train, *data.test):
            schema = schema + observed(doc)
    docs, files = list(docs), []
    for task in data.tasks:
        config = ConvertConfig(src_path="", tgt_path="", schema_path="", task=task, positions=True, split=split)
        converter = Converter(get_task(task), schema, config)
        target = path.with_suffix(f".{task}.jsonl")
        write_rows(target, (json.loads(line) for doc in docs for line in converter.rows(doc)))
        files.append(str(target))
    return files


def trained(model: str, data: Data, folder: Path, seed: int) -> tuple[str, float]:
    """(Folder of the model, CPU-seconds of training)."""
    files = rows(data.train, data, "train", folder / "train")
    if model == "crf":
        files = [f for f in files if f.endswith(".NER.jsonl")]
    began, output = cpu_seconds(), str(folder / model)
    if model == "compact":
        dev = rows(data.dev, data, "train", folder / "dev")
        job = CompactJob(train_file=files, valid_file=dev, output_dir=output, seed=seed, **(data.compact or {}))
        return train_compact(job).model, cpu_seconds() - began
    kind = CrfJob if model == "crf" else DictionaryJob
    return train_baseline(kind(train_file=files, output_dir=output)).model, cpu_seconds() - began


def measure(model: str, data: Data, folder: Path, seed: int) -> dict[str, Any]:
    place, seconds = trained(model, data, folder, seed)
    out: dict[str, Any] = {"training_cpu_s": round(seconds, 1)}
    began = time.process_time()
    for file in rows(data.test, data, "test", folder / "test"):
        task = Path(file).suffixes[-2][1:]
        if model == "crf" and task != "NER":
            continue
        answers = str(folder / f"{model}.{task}.answers.jsonl")
        predict(PredictConfig(input_file=file, output_file=answers, model=place, overwrite=True))
        for match in MATCHES:
            report = evaluate(EvaluateConfig(path1=answers, match=match))
            for group in GROUPS[task]:
                out.setdefault(f"{task} {group}", {})[match] = round(report.score(task, group).f1, 2)
    out["test_texts_per_cpu_s"] = round(len(data.test) / (time.process_time() - began))
    return out


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def models_of(data: Data, wanted: Sequence[str]) -> list[str]:
    able = ["dictionary", *(["crf"] if "NER" in data.tasks else []), *(["compact"] if data.compact is not None else [])]
    return [m for m in wanted if m in able]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the data sets")
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--models", nargs="+", choices=["dictionary", "crf", "compact"],
                        default=["dictionary", "crf", "compact"])
    parser.add_argument("--seed", type=int, default=0, help="of the compact model")
    parser.add_argument("--write", action="store_true", help="record in benchmarks/results/baselines.json")
    args = parser.parse_args()
    recorded = FOLDER / "baselines.json"
    figures: dict[str, Any] = json.loads(recorded.read_text("utf-8"))["data"] if recorded.exists() else {}
    for name in args.data:
        data = DATA[name](args.folder)
        about = figures[name] = figures.get(name, {}) | {"train": len(data.train), "test": len(data.test)}
        with tempfile.TemporaryDirectory() as scratch:
            for model in models_of(data, args.models):
                about[model] = measure(model, data, Path(scratch), args.seed)
                print(name, model, json.dumps(about[model]), flush=True)
        for key, best in about.get("compact", {}).items():
            for model in ("dictionary", "crf"):
                if isinstance(best, dict) and key in about.get(model, {}) and best["offset"]:
                    share = about[model][key]["offset"] / best["offset"]
                    about[model][key]["share_of_compact"] = round(share, 2)
    record("baselines", args.write, {"seed": args.seed, "data": figures})


if __name__ == "__main__":
    main()
