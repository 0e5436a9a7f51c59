"""Training rows for tests: a question about a text, and files of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from iepile.instruction import Instruction

NAMES = ["Ada", "Bob", "Eve", "张三", "李四"]


def write(path: Path, *rows: object) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: Iterable[dict[str, Any]], group: int = 10) -> Path:
    """The same as Parquet, in row groups of some size."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=group)
    return path


def ask(text: str, schema: list[Any]) -> str:
    """A question."""
    return Instruction("Find.", schema, text).render()


def row(query: str, answer: str, **more: Any) -> dict[str, Any]:
    """A row of any question."""
    return {"instruction": query, "output": answer, **more}


def ner_row(n: int, source: str = "s", words: int = 4) -> dict[str, Any]:
    """The n-th of some NER rows: every third one states nothing."""
    name = NAMES[n % len(NAMES)]
    found = [] if n % 3 == 2 else [name]
    text = " ".join([f"Text {n}:", *([f"{name} came."] if found else []), *["word"] * words])
    return {"task": "NER", "source": source, "instruction": ask(text, ["person"]),
            "output": json.dumps({"person": found}, ensure_ascii=False)}
