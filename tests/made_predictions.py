"""Prediction rows with errors of many kinds, made from made texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from iepile.corpus.synthetic import generate
from iepile.jsonl import write_rows
from iepile.records import Facts
from iepile.tasks.task import Item, get_task


def write_predictions(path: Path, task_name: str, n: int = 60) -> Path:
    """Every third text gets the answer to another one, and in every fourth two labels change places."""
    task = get_task(task_name)
    rows: list[dict[str, Any]] = []
    documents = [d for d in generate(n, "en", seed=3) if task.settled(d.facts, ())]
    for i, doc in enumerate(documents):
        other = documents[(i * 7 + 3) % len(documents)]
        gold, told = task.canonical(doc.facts), task.canonical((doc if i % 3 else other).facts)
        items = _items(task_name, gold, told)
        output = task.answer_text(told, items, doc.text)
        if i % 4 == 0 and len(items) > 1:
            a, b = task.key(items[0]), task.key(items[1])
            output = output.replace(f'"{a}"', '"\0"').replace(f'"{b}"', f'"{a}"').replace('"\0"', f'"{b}"')
        question = {"instruction": "x", "schema": [task.question(x) for x in items], "input": doc.text}
        rows.append({"id": str(i), "task": task_name, "source": "made", "instruction": json.dumps(question),
                     "label": json.dumps(task.label_rows(gold)), "output": output})
    write_rows(path, rows)
    return path


def _items(task_name: str, *parts: Facts) -> tuple[Item, ...]:
    seen: dict[str, dict[str, None]] = {}
    for facts in parts:
        for label, roles in get_task(task_name).positives(facts).items():
            seen.setdefault(label, {}).update(dict.fromkeys(roles))
    about = {k: tuple(k.split("_")) if task_name == "SPO" else () for k in seen}
    return tuple(Item(k, () if about[k] else tuple(v), about[k]) for k, v in seen.items())
