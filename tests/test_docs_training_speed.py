"""The code on the pages on fast training works, and is the same in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from iepile.training.layouts.batch import Batch
from toy_families import texts, toy

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(?:\w+)\n(.*?)^```$", re.M | re.S)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def test_both_languages_show_the_same_code() -> None:
    english, chinese = (BLOCK.findall((DOCS / lang / "training_speed.md").read_text("utf-8")) for lang in ("en", "zh"))
    assert english == chinese and len(english) == 4


def test_the_python_gives_batches() -> None:
    names: dict[str, Any] = {}
    exec(PYTHON.findall((DOCS / "en/training_speed.md").read_text("utf-8"))[0], names)
    examples = texts(5, 3)
    made = list(names["batches"](toy("llama"), examples, 0, 1))
    assert all(isinstance(b, Batch) for b in made) and [len(b.inputs["input_ids"]) for b in made] in ([4, 1], [1, 4])
    assert sum(b.targets for b in made) == sum(len(e.ids) - e.prompt for e in examples)


def test_every_benchmark_it_names_is_there() -> None:
    page = (DOCS / "en/training_speed.md").read_text("utf-8")
    named = set(re.findall(r"benchmarks/\w+\.py", page))
    assert len(named) == 5 and all((DOCS.parent / n).is_file() for n in named)
