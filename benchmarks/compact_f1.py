"""F1 of the compact model with its default settings on three data sets, trained from scratch.

    python benchmarks/compact_f1.py ../shared/data --seeds 0 1

One line of JSON per data set and seed: wall and CPU seconds of training, steps, and F1 on dev and test.
`entity`, `relation` (relation and both mentions) and `trigger_offsets` compare offsets; `trigger` and `argument`
compare sets of strings per sentence: (event type, trigger) and (event type, role, argument).
resume_ner and conll04 have their own splits; of DuEE 1.0 only the dev file is used, whose 1,492 sentences are
sorted by type: shuffled with seed 13 they are cut into 1,080, 120 and 292.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from iepile.corpus.formats.duee import read_event_schema
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.models.compact.example import NOWHERE, Example, Label, Offsets, Prediction
from iepile.models.compact.model import CompactModel
from iepile.records import Document, Span
from iepile.training.compact import CompactTrainConfig, fit
from iepile.training.compact_tuning import questions

RESUME = {
    "CONT": "国籍", "EDU": "学历", "LOC": "籍贯", "NAME": "人名",
    "ORG": "组织机构", "PRO": "专业", "RACE": "民族", "TITLE": "职称",
}
CONLL04 = {
    "Peop": "person", "Org": "organization", "Loc": "location", "Other": "other", "Located_In": "located in",
    "Work_For": "work for", "OrgBased_In": "organization based in", "Live_In": "live in", "Kill": "kill",
}
RECIPES: dict[str, dict[str, Any]] = {
    "resume_ner": {}, "conll04": {"tokens": 800_000}, "duee": {"tokens": 700_000, "rare_features": 0.25},
}
"""What the recipes in examples/ set, but for the number of members."""
Splits = tuple[list[Example], list[Example], list[Example]]


def offsets(span: Span | None) -> Offsets:
    if span is None:
        return NOWHERE
    assert span.start is not None
    assert span.end is not None
    return span.start, span.end


def example(doc: Document, asked_spans: Sequence[Label], asked_pairs: Sequence[Label]) -> Example:
    spans: dict[Label, list[Offsets]] = {}
    pairs: dict[Label, list[tuple[Offsets, Offsets]]] = {}
    for e in doc.entities:
        spans.setdefault(Label("entity", e.type), []).append(offsets(e.span))
    for r in doc.relations:
        pairs.setdefault(Label("relation", r.type), []).append((offsets(r.head), offsets(r.tail)))
    for ev in doc.events:
        trigger = offsets(ev.trigger)
        spans.setdefault(Label("trigger", ev.type), []).append(trigger)
        for a in ev.arguments:
            pairs.setdefault(Label("argument", a.role, of=ev.type), []).append((trigger, offsets(a.span)))
    return Example(doc.text, spans, pairs, tuple(asked_spans), tuple(asked_pairs))


def resume_ner(data: Path) -> Splits:
    labels = [Label("entity", name) for name in RESUME.values()]

    def split(name: str) -> list[Example]:
        options = ReadOptions(labels=RESUME)
        return [example(d, labels, []) for d in read_documents(data / f"resume_ner/{name}.char.bmes", "bmes", options)]

    return split("train"), split("dev"), split("test")


def conll04(data: Path) -> Splits:
    names = list(CONLL04.values())
    spans, pairs = [Label("entity", n) for n in names[:4]], [Label("relation", n) for n in names[4:]]

    def split(name: str) -> list[Example]:
        file = data / f"conll04/conll04_{name}.json"
        return [example(d, spans, pairs) for d in read_documents(file, "conll04", ReadOptions(labels=CONLL04))]

    return split("train"), split("dev"), split("test")


def duee(data: Path) -> Splits:
    schema = read_event_schema(str(data / "DuEE1.0/duee_event_schema.json"))
    spans = [Label("trigger", name) for name in schema]
    pairs = [Label("argument", role, of=name) for name, roles in schema.items() for role in roles]
    docs = list(read_documents(data / "DuEE1.0/duee_dev.json", "duee"))
    random.Random(13).shuffle(docs)
    found = [example(d, spans, pairs) for d in docs]
    return found[:1080], found[1080:1200], found[1200:]


DATA: dict[str, Callable[[Path], Splits]] = {"resume_ner": resume_ner, "conll04": conll04, "duee": duee}


def facts(text: str, answer: Example | Prediction) -> dict[str, set[object]]:
    out: dict[str, set[object]] = {}
    for name, spans in answer.spans.items():
        for start, end, *_ in spans:
            kind = "trigger_offsets" if name.kind == "trigger" else name.kind
            out.setdefault(kind, set()).add((name, start, end))
            if name.kind == "trigger":
                out.setdefault("trigger", set()).add((name, text[start:end]))
    for name, pairs in answer.pairs.items():
        for first, second, *_ in pairs:
            key = (name, text[slice(*second)]) if name.kind == "argument" else (name, first, second)
            out.setdefault(name.kind, set()).add(key)
    return out


def score(model: CompactModel, examples: Sequence[Example]) -> dict[str, dict[str, float]]:
    counts: dict[str, list[int]] = {}
    for x, p in zip(examples, model.predict([x.text for x in examples], questions(examples)), strict=True):
        gold, found = facts(x.text, x), facts(x.text, p)
        for kind in sorted({*gold, *found}):
            g, f = gold.get(kind, set()), found.get(kind, set())
            row = counts.setdefault(kind, [0, 0, 0])
            for k, n in enumerate((len(g & f), len(f), len(g))):
                row[k] += n
    return {
        kind: {"f1": round(2 * a / (b + c), 4), "p": round(a / max(1, b), 4), "r": round(a / max(1, c), 4)}
        for kind, (a, b, c) in sorted(counts.items())
    }


def measure(name: str, splits: Splits, seed: int, config: CompactTrainConfig) -> dict[str, object]:
    train, dev, test = splits
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.monotonic(), cpu_seconds()
        done = fit(train, dev, replace(config, seed=seed), folder)
        wall, cpu = time.monotonic() - wall, cpu_seconds() - cpu
        model = CompactModel.load(done.folder)
        began = time.monotonic()
        scores = {"dev": score(model, dev), "test": score(model, test)}
        speed = (len(dev) + len(test)) / (time.monotonic() - began)
        size = (done.folder / "model.safetensors").stat().st_size
    return {
        "data": name, "seed": seed, "wall_s": round(wall), "cpu_s": round(cpu), "steps": done.steps,
        "sentences_per_s": round(speed), "mb": round(size / 1e6, 1), "left_out": done.left_out,
        "thresholds": model.config.thresholds, **scores,
    }


def trained(name: str, splits: Splits, seed: int, run: Path, max_steps: int | None = None) -> CompactModel:
    """The model in the folder `run`, trained with the settings of the recipe of `name` unless it is there."""
    if not (run / "model").exists():
        config = CompactTrainConfig(seed=seed, max_steps=max_steps, **RECIPES[name])
        fit(splits[0], splits[1], config, run)
    return CompactModel.load(run / "model")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with resume_ner/, conll04/ and DuEE1.0/")
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--threads", type=int, default=CompactTrainConfig.threads)
    parser.add_argument("--max_steps", type=int, help="shorter runs, to try the script")
    args = parser.parse_args(None if arguments is None else list(arguments))
    config = CompactTrainConfig(threads=args.threads, max_steps=args.max_steps)
    for name in args.data:
        splits = DATA[name](args.folder)
        for seed in args.seeds:
            print(json.dumps(measure(name, splits, seed, config), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
