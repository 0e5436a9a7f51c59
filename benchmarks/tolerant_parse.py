"""What share of answers is read strictly, after repair, or not at all, and F1 before and after.

    python benchmarks/tolerant_parse.py [--write]

Real: the shared predictions of a fine-tuned 7B model and the answers of the scoring tests. Bent: gold answers of two
data sets as models write them (each operator of tests/tasks/bent_answers.py in turn). Peer: strict `json.loads` and
the form that was asked for, as the reference reads answers; an answer that is no JSON object states nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from results import record

from iepile.corpus.formats.format import read_documents
from iepile.records import Facts
from iepile.tasks.task import Item, Task, get_task

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("IEPILE_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "tests"))
from tasks.bent_answers import LOSING, WHOLE  # noqa: E402

Row = tuple[Task, tuple[Item, ...], str, str, Facts | None]
"""Task, items, text, answer, gold."""


def strictly(task: Task, answer: str, items: tuple[Item, ...]) -> Facts:
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return Facts()
    asked = {task.key(i): i for i in items}
    found = value.items() if isinstance(value, dict) else ()
    return sum((task.read_value(v, asked[k]).facts for k, v in found if k in asked), Facts())


def measure(rows: Iterator[Row]) -> dict[str, Any]:
    how: Counter[str] = Counter()
    tallies = {"strict": Counter[str](), "tolerant": Counter[str]()}
    for task, items, text, answer, gold in rows:
        got = task.parse(answer, items, text)
        kinds = {p.kind for p in got.problems}
        repaired = kinds & {"salvaged", "rewritten"}
        how["not at all" if "invalid" in kinds else "after repair" if repaired else "strictly"] += 1
        for name, facts in (("strict", strictly(task, answer, items)), ("tolerant", got.facts)):
            if gold is not None:
                tallies[name] += tally(task, facts, gold)
    total = sum(how.values())
    out: dict[str, Any] = {"answers": total} | {f"{k}, %": round(100 * n / total, 2) for k, n in sorted(how.items())}
    return out | {f"F1 {k}": f1(t) for k, t in tallies.items() if t["gold"]}


def tally(task: Task, facts: Facts, gold: Facts) -> Counter[str]:
    found, want = (Counter(k for keys in task.keys(f).values() for k in keys) for f in (facts, gold))
    return Counter(right=(found & want).total(), found=found.total(), gold=want.total())


def f1(t: Counter[str]) -> float:
    return round(200 * t["right"] / (t["found"] + t["gold"]), 2) if t["found"] + t["gold"] else 0.0


def real(path: Path, name: str | None = None) -> Iterator[Row]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        task, asked = get_task(name or row["task"]), json.loads(row["instruction"])
        items = task.read_items(asked["schema"])
        gold = row.get("label")
        facts = None if gold is None else task.about(task.canonical(task.read_label_rows(json.loads(gold))), items)
        yield task, items, asked["input"], row["output"], facts


def bent(file: str, name: str, bends: dict[str, Any]) -> Iterator[Row]:
    rng, task = random.Random(1), get_task(name)
    for n, doc in enumerate(read_documents(SHARED / "data" / file)):
        if n == 300:
            break
        facts = task.canonical(doc.facts)
        items = tuple(Item(label, roles) for label, roles in task.positives(facts).items())
        bend = bends[sorted(bends)[n % len(bends)]]
        yield task, items, doc.text, bend(task.answer_text(facts, items, doc.text), rng), facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    predictions = SHARED / "data/IEPile_format_predictions/spo_llm_ori__Baichuan2-7B-SPO-4_7_output.json"
    golden = SHARED / "golden" / "eval"
    figures: dict[str, Any] = {"predictions of a 7B model": measure(real(predictions))}
    for file, name in (("ner_mixed", "NER"), ("re_mixed_subject_object", "RE"), ("re_mixed_head_tail", "RE"),
                       ("ee_mixed", "EE"), ("kg_mixed", "KG")):
        figures[f"scoring tests, {file}"] = measure(real(golden / f"{file}.json", name))
    for file, name in (("resume_ner/test.char.bmes", "NER"), ("conll04/conll04_test.json", "RE"),
                       ("DuEE1.0/duee_dev.json", "EE")):
        figures[f"bent, nothing cut, {name}"] = measure(bent(file, name, WHOLE))
        figures[f"bent and cut, {name}"] = measure(bent(file, name, LOSING))
    record("tolerant_parse", args.write, figures)


if __name__ == "__main__":
    main()
