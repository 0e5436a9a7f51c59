"""Texts whose rows stand apart are noticed, and gathered."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import iepile.evaluation.grouping as grouping
from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.grouping import Keys, Parts
from iepile.evaluation.score import evaluate
from iepile.jsonl import dumps, write_rows
from mutated_predictions import good_rows

KEY = st.tuples(st.sampled_from(["NER", "RE"]), st.sampled_from("ab"), st.text("01", max_size=3))


@settings(deadline=None)
@given(st.lists(KEY, max_size=30), st.integers(1, 12))
def test_keys_are_exact(keys: list[tuple[str, str, str]], held: int) -> None:
    ended = Keys()
    kept, grouping._HELD = grouping._HELD, held
    try:
        for key in keys:
            ended.add(key)
            ended.twice_so_far()
    finally:
        grouping._HELD = kept
    assert ended.twice() == (len(set(keys)) < len(keys))


def test_repeats_are_noticed_early() -> None:
    ended = Keys()
    for n in range(grouping._EARLY):
        ended.add(("NER", "s", str(n // 2)))
    assert ended.twice_so_far()


@pytest.mark.parametrize("size", [0, 1 << 26])
def test_all_rows_of_a_key_are_in_one_part(size: int) -> None:
    rng = random.Random(2)
    rows = [(("NER", "s", str(rng.randint(0, 99))), n, str(n).encode() * rng.randint(0, 3)) for n in range(1000)]
    with Parts(size) as parts:
        for key, line, raw in rows:
            parts.add(key, line, raw)
        read = [list(part) for part in parts]
    assert len(read) == (1 if not size else 5)
    assert sorted(x for part in read for x in part) == sorted((line, raw) for _, line, raw in rows)
    where = {line: n for n, part in enumerate(read) for line, _ in part}
    assert len({(key, where[line]) for key, line, _ in rows}) == len({key for key, _, _ in rows})
    assert all(part == sorted(part, key=lambda x: x[0]) for part in read)


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    asked = (r for r in good_rows(90, random.Random(4)) if "person" in r["instruction"])
    good = [r | {"id": str(n)} for n, r in enumerate(asked)][:90]
    more = [r | {"instruction": r["instruction"].replace("person", "org").replace("地点", "where"), "output": "{}"}
            for r in good]
    together = [r for pair in zip(good, more, strict=True) for r in pair]
    found = []
    for rows in (together, good + more, good[::-1] + more):
        write_rows(tmp_path / "pred.json", rows)
        report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
        found.append((report.scores, report.by_source, report.by_label, report.sources, report.counts))
    assert found[0] == found[1] == found[2]
    assert found[0][-1].records == 90 and found[0][-1].rows == 180


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    rows = good_rows(30, random.Random(5))
    write_rows(tmp_path / "pred.json", rows)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = "\n".join(map(dumps, rows))
    writer = threading.Thread(target=lambda: pipe.write_text(data, "utf-8"))
    writer.start()
    through = evaluate(EvaluateConfig(path1=str(pipe)))
    writer.join()
    assert through.scores == evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"))).scores
