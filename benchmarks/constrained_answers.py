"""Answers under the grammar, drawn at temperature 1 from models of random weights: how many are not what was asked.

    python benchmarks/constrained_answers.py ../shared/data [--answers 100000] [--jobs 2] [--folder DIR] [--write]

All seven tasks and triples asked for in words, Chinese and English, real texts with labels of their data sets; Llamas
with a byte-level and a SentencePiece tokenizer, through the engine as `iepile predict` uses it. Lists hold two
elements at most, so that answers end; those that reach the token limit are closed by the engine and counted as well.
The checks here know nothing of the grammar: the JSON is parsed, keys are held against the instruction, strings
against the text. Parts that are done stay in `--folder`, so a run that was stopped goes on. Exit code 1 for a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from results import record

from iepile.corpus.formats.format import read_documents
from iepile.corpus.importing import observed
from iepile.extraction.engines.engine import Request
from iepile.extraction.engines.transformers import TransformersEngine, TransformersOptions
from iepile.instruction import Instruction
from iepile.instructions.wording import prompt
from iepile.models.load import load_model
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks import get_task
from tiny_models import byte_level_tokenizer, make_model, sentencepiece_tokenizer

DATA = {("zh", "NER"): "resume_ner/train.char.bmes", ("zh", "RE"): "DuIE2.0/train_data_5000.json",
        ("zh", "EE"): "DuEE1.0/duee_dev.json", ("en", "NER"): "conll04/train.txt", ("en", "RE"): "conll04/train.txt",
        ("en", "EE"): "PHEE/train.json"}
LIKE = {"SPO": "RE", "KG": "RE", "TRIPLES": "RE", "EET": "EE", "EEA": "EE"}
"""Tasks that take the data of another."""
TASKS = ("NER", "RE", "SPO", "KG", "EE", "EET", "EEA", "TRIPLES")
LONGEST = {"zh": 60, "en": 150}
"""Characters of a text at most."""
PART = 2_500
IN_WORDS = {"zh": "已知下列句子,请从句子中抽取出可能的实体、关系,关系类型为{},以(头实体,关系,尾实体)的形式回答",
            "en": "With the relation list: {}, please extract triples from the input in the (Subject,Relation,Object)\n"
                  " format."}
_TRIPLE = re.compile(r"\(([^(),\n]+),([^,()]+),([^(),\n]+)\)")


class Asked(NamedTuple):
    """A request, and what its answer may say."""

    task: str
    language: str
    text: str
    schema: list[Any]
    request: Request


def documents(folder: Path, language: str, task: str) -> list[Document]:
    """Short documents that have something annotated."""
    kind = LIKE.get(task, task)
    found = [d for d in read_documents(folder / DATA[language, kind]) if len(d.text) <= LONGEST[language]]
    return [d for d in found if {"NER": d.entities, "RE": d.relations, "EE": d.events}[kind]][:400]


def question(task: str, language: str, docs: list[Document], schema: Schema, rng: random.Random, key: str) -> Asked:
    """One question about a text drawn at random, with labels drawn at random."""
    doc = rng.choice(docs)
    if task == "TRIPLES":
        labels = rng.sample([r.name for r in schema.relations], 3)
        asked = IN_WORDS[language].format(labels if language == "en" else str(labels).replace("[", "{").replace(
            "]", "}"))
        return Asked(task, language, doc.text, labels, Request(key, "", asked, doc.text, sample=1))
    of = get_task(task)
    items = list(of.items(schema))
    if task == "EEA":
        items = list(of.posed(items, doc.facts, doc.text))
    drawn = rng.sample(items, min(len(items), {"KG": 1, "EE": 2}.get(task, 3)))
    if task == "SPO":
        drawn = list({i.about[1]: i for i in drawn}.values())
    questions: list[Any] = []
    for item in drawn:
        entry = of.question(item)
        roles = "attributes" if task == "KG" else "arguments"
        if isinstance(entry, dict) and roles in entry:
            entry[roles] = rng.sample(entry[roles], min(len(entry[roles]), 3))
        questions.append(entry)
    instruction = Instruction(prompt(task, language), questions, doc.text).render()
    return Asked(task, language, doc.text, questions, Request(key, task, instruction, sample=1))


def faults(asked: Asked, answer: str) -> Iterator[str]:
    """What is wrong with an answer: invalid, key, span."""
    if asked.task == "TRIPLES":
        yield from _faults_of_triples(asked, answer)
        return
    try:
        value: Any = json.loads(answer, object_pairs_hook=_Members)
    except ValueError:
        yield "invalid"
        return
    for kind, string in _strings(asked.task, asked.schema, value):
        if kind != "span":
            yield kind
        elif not string or string not in asked.text:
            yield "span"


class _Members(list[tuple[str, Any]]):
    """An object of JSON as it was written."""

    def keys(self) -> list[str]:
        return [k for k, _ in self]


def _strings(task: str, schema: list[Any], value: Any) -> Iterator[tuple[str, str]]:
    """("span", string) for each mention that an answer names, ("key", ...) for each fault of its form."""
    names = [q if isinstance(q, str) else q.get("event_type") or q.get("entity_type") or q["predicate"] for q in schema]
    if not isinstance(value, _Members) or value.keys() != names:
        yield "key", "labels"
        return
    for entry, (_, part) in zip(schema, value, strict=True):
        if task == "KG":
            if not isinstance(part, _Members):
                yield "key", "no object"
                continue
            for entity, attributes in part:
                yield "span", entity
                for name, filler in attributes:
                    if name not in entry["attributes"]:
                        yield "key", name
                    yield from (("span", s) for s in (filler if isinstance(filler, list) else [filler]))
            continue
        for one in part:
            if task in ("NER", "EET"):
                yield "span", one
            elif task in ("RE", "SPO"):
                if one.keys() != ["subject", "object"]:
                    yield "key", str(one.keys())
                yield from (("span", s) for _, s in one)
            else:
                yield from _event(task, entry, one)


def _event(task: str, entry: Any, event: Any) -> Iterator[tuple[str, str]]:
    if event.keys() != ["trigger", "arguments"]:
        yield "key", str(event.keys())
        return
    (_, trigger), (_, arguments) = event
    if task == "EEA":
        if trigger not in [t or "NAN" for t in entry["trigger"]]:
            yield "key", trigger
    elif trigger != "NAN":
        yield "span", trigger
    if arguments and arguments.keys() != entry["arguments"]:
        yield "key", str(arguments.keys())
    for _, filler in arguments:
        if filler != "NAN":
            yield from (("span", s) for s in (filler if isinstance(filler, list) else [filler]))


def _faults_of_triples(asked: Asked, answer: str) -> Iterator[str]:
    if answer == "NAN":
        return
    at = 0
    for m in _TRIPLE.finditer(answer):
        if answer[at : m.start()] not in ("", "\n"):
            yield "invalid"
        at = m.end()
        if m[2] not in asked.schema:
            yield "key"
        if m[1] not in asked.text or m[3] not in asked.text:
            yield "span"
    if at != len(answer):
        yield "invalid"


def part(folder: Path, data: Path, number: int, size: int) -> dict[str, Any]:
    """Draw `size` answers from one model; what came of them."""
    done = folder / f"part-{number}-{size}.json"
    if done.is_file():
        return dict(json.loads(done.read_text("utf-8")))
    rng = random.Random(number)
    pools = {(language, task): documents(data, language, task) for language in ("zh", "en") for task in TASKS}
    schemas = {}
    for key, docs in pools.items():
        schemas[key] = sum(map(observed, docs[:150]), Schema())
    texts = [d.text for docs in pools.values() for d in docs]
    asked = []
    for n in range(size):
        task, language = TASKS[n % len(TASKS)], ("zh", "en")[n // len(TASKS) % 2]
        asked.append(question(task, language, pools[language, task], schemas[language, task], rng, str(n)))
    by_key = {a.request.key: a for a in asked}
    counts: Counter[str] = Counter()
    examples: list[str] = []
    started = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        make = byte_level_tokenizer if number % 2 else sentencepiece_tokenizer
        model = make_model(Path(scratch) / "model", make(texts, 2_000), seed=number, layers=1, context=2048)
        engine = TransformersEngine(load_model(str(model)), TransformersOptions(
            batch_size=64, max_new_tokens=160, max_items=2, temperature=1.0, seed=number, threads=1))
        for c in engine.generate(a.request for a in asked):
            a = by_key[c.key]
            counts.update(("answers", f"{a.task} {a.language}", f"ended: {c.finish}"))
            counts["characters"] += len(c.text)
            counts["tokens"] += c.tokens
            counts["empty"] += '"' not in c.text.replace('": ', "") and a.task != "TRIPLES"
            found = ["no answer"] if c.finish == "error" else list(faults(a, c.text))
            counts.update(set(found))
            if found and len(examples) < 5:
                examples.append(f"{found} {a.request.instruction[-200:]!r} {c.text[:300]!r} {c.error}")
        engine.close()
    made = {"counts": dict(counts), "seconds": round(time.process_time() - started, 1), "faults": examples}
    done.write_text(json.dumps(made, ensure_ascii=False), "utf-8")
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "constrained_answers")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    args.folder.mkdir(parents=True, exist_ok=True)
    sizes = [min(PART, args.answers - at) for at in range(0, args.answers, PART)]
    total: Counter[str] = Counter()
    seconds, examples = 0.0, []
    with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool:
        for made in [pool.submit(part, args.folder, args.data, n, size) for n, size in enumerate(sizes)]:
            found = made.result()
            total.update(found["counts"])
            seconds += found["seconds"]
            examples += found["faults"]
            print(total["answers"], "answers,", round(seconds), "CPU seconds", flush=True)
    for line in examples:
        print("FAULT", line)
    wrong = {what: total[what] for what in ("no answer", "invalid", "key", "span")}
    record("constrained_answers", args.write, {
        "answers": total["answers"], "not_as_asked": wrong, "cpu_seconds": round(seconds),
        "counts": {k: v for k, v in sorted(total.items()) if k not in wrong and k != "answers"}})
    return 1 if any(wrong.values()) or total["answers"] < args.answers else 0


if __name__ == "__main__":
    sys.exit(main())
