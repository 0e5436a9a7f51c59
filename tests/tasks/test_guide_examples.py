"""Every example of the guide and of the goldens in words: the question is read, the answer is read, and scores 100."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import read_rows, write_rows
from iepile.records import Facts, Relation, Span
from iepile.tasks import get_task
from iepile.tasks.triple_shape import entities_of, relations_of
from iepile.tasks.triple_text import read_triples

TASK = get_task("TRIPLES")
_GIVEN = re.compile(r'^(instruction|input|miss_input|output)="(.*?)"。?$', re.M)
MARKS = {"zh": "(头实体,关系,尾实体)", "en": "(Subject,Relation,Object)"}


def examples(shared: Path) -> list[dict[str, str]]:
    """The Python blocks of the guide that hold a question, a text and an answer."""
    blocks = re.findall(r"```python\n(.*?)```", (shared / "guides/instructkgc.md").read_text("utf-8"), re.S)
    return [{k.removeprefix("miss_"): v for k, v in _GIVEN.findall(block)} for block in blocks]


def scored(tmp_path: Path, rows: list[dict[str, Any]]) -> float:
    """F1 of the answers against the triples of `kg`."""
    write_rows(tmp_path / "pred.json", [
        {"task": "TRIPLES", **row, "id": str(n), "label": json.dumps(TASK.label_rows(Facts(relations=tuple(
            Relation(r, Span(h), Span(t)) for h, r, t in row["kg"]))))} for n, row in enumerate(rows)])
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), match_mode="set"))
    [score] = report.scores
    assert score.score.gold == score.score.pred == score.score.tp
    counts = report.counts
    assert counts.invalid == counts.wrong_form == counts.not_asked == counts.unreadable_rows == 0
    return score.score.f1


def test_the_examples_of_the_guide(shared: Path, tmp_path: Path) -> None:
    found = examples(shared)
    assert [sorted(e) for e in found] == [["input", "instruction", "output"]] * 2
    assert found[0]["input"] != found[1]["input"] and found[0]["output"] == found[1]["output"]
    for e in found:
        assert entities_of(e["instruction"]) == ("专业", "时间", "人类", "组织", "地理地区", "事件")
        assert relations_of(e["instruction"]) == (
            "体育运动", "包含行政领土", "参加", "国家", "邦交国", "夺得", "举办地点", "属于", "获奖")
        reading = read_triples(e["output"])
        assert len(reading.triples) == 10 and reading.problems == []
        assert reading.triples[0] == ["弗雷泽", "获奖", "铜牌"] and reading.triples[-1] == ["国家队", "夺得", "冠军"]
        assert {r for _, r, _ in reading.triples} == set(relations_of(e["instruction"]) or ())
        answer = TASK.parse(e["output"], TASK.read_words(e["instruction"]), e["input"])
        assert answer.problems == () and len(answer.facts.relations) == 10
    assert scored(tmp_path, [e | {"kg": read_triples(e["output"]).triples} for e in found]) == 100.0
    # The second text lost a clause: two triples of its answer name what it does not.
    lost = [t for t in read_triples(found[1]["output"]).triples if t[0] not in found[1]["input"]]
    assert lost == [["弗雷泽", "属于", "国家队"], ["国家队", "夺得", "冠军"]][1:]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("layout", range(4))
def test_the_rows_of_kg2instruction(shared: Path, tmp_path: Path, language: str, layout: int) -> None:
    folder = shared / "golden/kg2instruction/expected"
    rows = [row for _, row in read_rows(folder / f"RE_{language}_format{layout}.json")]
    plain = [row for _, row in read_rows(folder / f"RE_{language}_format0.json")]
    for row, first in zip(rows, plain, strict=True):
        assert MARKS[language] in first["instruction"]
        asked = relations_of(row["instruction"])
        assert asked == relations_of(first["instruction"]) and entities_of(row["instruction"]) is None
        row["kg"] = read_triples(first["output"]).triples
        assert {r for _, r, _ in row["kg"]} <= set(asked or ())
        assert bool(row["kg"]) != (row["output"] == "NAN")
    assert sum(bool(row["kg"]) for row in rows) > 1
    assert scored(tmp_path, rows) == 100.0


def test_the_rows_of_the_contest(shared: Path, tmp_path: Path) -> None:
    """What the guide's own conversion keeps undamaged is read as it reads it; every row is read as it was meant."""
    folder = shared / "golden/ccks2023"
    kept = [row for _, row in read_rows(folder / "expected.json")]
    rows = [row for _, row in read_rows(folder / "pred.json")]
    for row, old in zip(rows, kept, strict=True):
        reading = read_triples(row["output"])
        row["kg"] = reading.triples
        if row["id"] not in (3, 4, 5, 7, 11):  # blanks, a number, brackets inside, Chinese ones, four parts
            assert reading.triples == old["kg"]
    good = [row for row in rows if row["id"] not in (6, 10, 11)]  # no triples: the score tells them as faults
    assert [len(row["kg"]) for row in good] == [2, 2, 2, 1, 1, 1, 0, 2, 1, 1, 1]
    assert scored(tmp_path, good) == 100.0
