"""Rows in their plain form are counted as all others are."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.count import Tally
from iepile.evaluation.counted import counted
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.plain_ner import PlainNer, _cut
from iepile.evaluation.report import VERSION
from iepile.evaluation.score import evaluate
from iepile.jsonl import dumps, write_rows
from iepile.tasks.task import Item, get_task
from mutated_predictions import good_rows, mutated


def told(reader: RecordReader, tally: Tally) -> Any:
    cells = {place: (dict(cell.by_label()), dict(cell.spread)) for place, cell in tally.cells.items()}
    return reader.counts, reader.notes, {k: v for k, v in cells.items() if v[1]}, tally.texts


def general(path: Path, task: str, mode: str) -> Any:
    reader = RecordReader(task)
    tally = Tally(mode, "string", reader.counts)
    for record in reader.read(str(path)):
        tally.take(record)
    return told(reader, tally)


def both(path: Path, task: str, mode: str) -> tuple[Any, Any]:
    """What the two roads tell of a file: figures, or why it cannot be scored."""
    out = []
    for road in (lambda: told(*counted(EvaluateConfig(path1=str(path), task=task, match_mode=mode), "string")),
                 lambda: general(path, task, mode)):
        try:
            out.append(road())
        except InputError as e:
            out.append(str(e))
    return out[0], out[1]


def fast_and_general_agree(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path.write_bytes(mutated(rng))
    fast, slow = both(path, rng.choice(("", "NER", "RE")), rng.choice(("normal", "set")))
    assert fast == slow, seed


@pytest.mark.parametrize("part", range(5))
def test_both_roads_agree_on_mutated_rows(tmp_path: Path, part: int) -> None:
    for seed in range(part * 100, part * 100 + 100):
        fast_and_general_agree(tmp_path / "pred.json", seed)


@pytest.mark.slow
def test_both_roads_agree_on_many_mutated_rows(tmp_path: Path) -> None:
    for seed in range(1000, 11_000):
        fast_and_general_agree(tmp_path / "pred.json", seed)


NAME = st.text(st.sampled_from("ab,: []{}<“”'/#.\\\u3000语\n"), max_size=4)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c, d", ": "]), st.lists(NAME, max_size=3)), max_size=4),
       st.integers(0, 80))
@example([("a", ["b"]), ("b", ["a", ","])], 21)
def test_answers_cut_short_are_read_as_the_task_reads_them(members: list[tuple[str, list[str]]], kept: int) -> None:
    text = ("{" + ", ".join(f"{dumps(k)}: {dumps(v)}" for k, v in members) + "}")[:kept]
    if (closed := _cut(text)) is None:
        return
    items = tuple(map(Item, ("a", "b", "c, d", ": ")))
    read = get_task("NER").parse(text, items)
    whole = json.loads(closed[0])
    if len(whole) == closed[1]:
        assert read.facts == get_task("NER").parse(closed[0], items).facts
        assert [p.kind for p in read.problems] == ["salvaged"] + ["missing"] * (4 - len(whole))


def test_plain_rows_do_go_the_short_road(tmp_path: Path) -> None:
    path = tmp_path / "pred.json"
    good = (r for r in good_rows(300, random.Random(1)) if "person" in r["instruction"])
    rows = [r | {"id": str(n)} for n, r in enumerate(good)]
    write_rows(path, rows)
    reader = RecordReader("NER")
    plain = PlainNer(reader, Tally("normal", "string", reader.counts))
    assert plain.suits() and plain.count(str(path))
    counted_so = sum(sum(cell.spread.values()) for asked in plain._asked.values() for cell in asked.cells.values())
    assert counted_so == reader.counts.records - 1 == len(rows) - 1  # the last text ends with the file


def test_many_questions_and_sources(tmp_path: Path) -> None:
    rng = random.Random(3)
    path = tmp_path / "pred.json"
    write_rows(path, [
        row | {"id": f"{n}-{i}", "source": f"s{n % 50}"}
        for n in range(400) for i, row in enumerate(good_rows(2, rng, (f"type {n}", "person")))
    ])
    fast, slow = both(path, "NER", "normal")
    assert fast == slow and fast[0].records > 800 and len(fast[3]) == 50


def test_scores_of_the_short_road_are_named_as_before(tmp_path: Path) -> None:
    write_rows(tmp_path / "pred.json", good_rows(20, random.Random(2)))
    assert evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"))).setting == f"micro-string-normal/{VERSION}"
