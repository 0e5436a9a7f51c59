"""Triples that the text supports and triples that were completed, scored apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.evaluation.report import Report, Score
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.evaluation.tables import tables
from iepile.instruction import Instruction
from iepile.jsonl import dumps, write_rows

ASKED = "关系类型为{'爱','友'},以(头实体,关系,尾实体)的形式回答"
TEXT = "甲爱乙，乙走了。"
GOLD = [("甲", "爱", "乙"), ("丙", "爱", "丁"), ("甲", "友", "丁")]
COMPLETED = [["丙", "爱", "丁"], ["甲", "友", "丁"]]


def row(output: str, **more: Any) -> dict[str, Any]:
    label = dumps([{"head": h, "relation": r, "tail": t} for h, r, t in GOLD])
    return {"id": "1", "task": "TRIPLES", "source": "s", "instruction": ASKED, "input": TEXT, "label": label,
            "completed": COMPLETED, "output": output} | more


def score(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Report:
    write_rows(tmp_path / "pred.json", rows)
    return evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), **options))


def parts(report: Report, task: str = "TRIPLES") -> dict[str, tuple[int, int, int]]:
    found = {r.group: (r.score.tp, r.score.pred, r.score.gold) for r in report.completion}
    whole = report.score(task, "relation")
    if all(r.label is None for r in report.completion) and len(report.scores) == 1:
        # Every triple is of one part.
        assert tuple(map(sum, zip(*found.values(), strict=True))) == (whole.tp, whole.pred, whole.gold)
    return found


@pytest.mark.parametrize(("output", "supported", "completed"), [
    ("".join(f"({h},{r},{t})" for h, r, t in GOLD), (1, 1, 1), (2, 2, 2)),
    ("NAN", (0, 0, 1), (0, 0, 2)),
    # Wrong ones: by whether both ends are in the text.
    ("(乙,爱,甲)(甲,爱,丁)(戊,友,乙)", (0, 1, 1), (0, 2, 2)),
    ("(甲,爱,乙)(丙,爱,丁)(乙,友,甲)", (1, 2, 1), (1, 1, 2)),
    # Of a triple that is said twice, the second is wrong, of the same part.
    ("(丙,爱,丁)(丙,爱,丁)(甲,爱,乙)(甲,爱,乙)", (1, 2, 1), (1, 2, 2)),
    ("(丙,恨,丁)", (0, 0, 1), (0, 0, 2)),  # not asked
])
def test_each_triple_is_of_one_part(
    output: str, supported: tuple[int, ...], completed: tuple[int, ...], tmp_path: Path
) -> None:
    assert parts(score(tmp_path, [row(output)])) == {"supported": supported, "completed": completed}


def test_repeats_count_once_where_they_do_so_elsewhere(tmp_path: Path) -> None:
    report = score(tmp_path, [row("(丙,爱,丁)(丙,爱,丁)(甲,爱,乙)(甲,爱,乙)")], match_mode="set")
    assert parts(report) == {"supported": (1, 1, 1), "completed": (1, 1, 2)}


@pytest.mark.parametrize("match", ["normalised", "head", "offset", "overlap"])
def test_other_ways_to_compare_mentions(match: str, tmp_path: Path) -> None:
    label = dumps([{"head": "甲", "relation": "爱", "tail": "乙", "head_pos": [0, 1], "tail_pos": [2, 3]},
                   {"head": "丙", "relation": "爱", "tail": "丁", "head_pos": [], "tail_pos": []},
                   {"head": "甲", "relation": "友", "tail": "丁", "head_pos": [0, 1], "tail_pos": []}])
    facts = {"relations": [
        {"type": "爱", "head": {"text": "甲", "start": 0, "end": 1}, "tail": {"text": "乙", "start": 2, "end": 3}},
        {"type": "爱", "head": {"text": "丙"}, "tail": {"text": "丁"}},
        {"type": "友", "head": {"text": "甲", "start": 0, "end": 1}, "tail": {"text": "戊"}}]}
    report = score(tmp_path, [row("(甲,爱,乙)(丙,爱,丁)(甲,友,戊)", label=label, facts=facts)], match=match)
    assert parts(report) == {"supported": (1, 1, 1), "completed": (1, 2, 2)}


def test_only_rows_that_say_so_are_counted(tmp_path: Path) -> None:
    plain = row("(甲,爱,乙)", id="2")
    del plain["completed"]
    write_rows(tmp_path / "pred.json", [plain])
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
    assert report.completion == [] and "completed" not in report.to_json().decode()
    write_rows(tmp_path / "pred.json", [plain, row("(丙,爱,丁)", completed=[]), row("(丙,爱,丁)", id="3")])
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
    # Empty: all that the label holds is in the text. An answer out of nowhere still counts as completed.
    assert report.score("TRIPLES", "completed") == Score.of(1, 1, 2)
    assert report.score("TRIPLES", "supported") == Score.of(1, 1, 4)
    assert report.score("TRIPLES", "relation").gold == 9


def test_rows_of_several_questions_are_one_text(tmp_path: Path) -> None:
    first = ASKED.replace(",'友'", "")
    rows = [row("(丙,爱,丁)", instruction=first), row("(甲,友,丁)(甲,友,戊)", instruction=ASKED.replace("'爱',", ""))]
    assert parts(score(tmp_path, rows)) == {"supported": (0, 0, 1), "completed": (2, 3, 2)}
    # The same from rows that stand apart.
    other = row("(甲,爱,乙)", id="2")
    assert parts(score(tmp_path, [rows[0], other, rows[1]])) == {"supported": (1, 1, 2), "completed": (2, 3, 4)}


def test_rows_of_re(tmp_path: Path) -> None:
    one = row('{"爱": [{"subject": "丙", "object": "丁"}], "友": []}', task="RE",
              instruction=Instruction("?", ["爱", "友"], TEXT).render())
    assert parts(score(tmp_path, [one]), "RE") == {"supported": (0, 0, 1), "completed": (1, 1, 2)}


@pytest.mark.parametrize("bad", ["x", [["甲", "爱"]], [["甲", "爱", 1]], {"a": 1}, [1], 7])
def test_a_bad_list_is_told_and_the_text_is_scored_all_the_same(bad: object, tmp_path: Path) -> None:
    report = score(tmp_path, [row("(甲,爱,乙)", completed=bad)])
    assert report.completion == [] and report.counts.unreadable_labels == 1 and report.counts.records == 1
    assert "completed" in report.notes[0].problem
    assert report.score("TRIPLES", "relation").tp == 1


def test_other_tasks_have_no_such_parts(tmp_path: Path) -> None:
    ner = {"id": "1", "task": "NER", "source": "s", "instruction": Instruction("?", ["p"], "甲").render(),
           "label": dumps([{"entity": "甲", "entity_type": "p"}]), "output": '{"p": ["甲"]}', "completed": [["a"]]}
    report = score(tmp_path, [ner])
    assert report.completion == [] and report.score("NER", "entity").f1 == 100 and not report.notes


def test_the_report_shows_them(tmp_path: Path) -> None:
    report = score(tmp_path, [row("(甲,爱,乙)(丙,爱,丁)", id=str(n)) for n in range(5)], draws=100,
                   output=str(tmp_path / "report.json"), tables=str(tmp_path / "tables.md"))
    [table] = [t for t in tables(report) if t.title == "in the text, and completed"]
    assert [r[:5] for r in table.rows] == [("TRIPLES", "supported", "100.00", "100.00", "100.00"),
                                           ("TRIPLES", "completed", "100.00", "50.00", "66.67")]
    for r in report.completion:
        assert r.interval is not None and r.interval.f1 == pytest.approx((r.score.f1, r.score.f1))
    said = json.loads((tmp_path / "report.json").read_text())["completion"]
    assert [r["group"] for r in said] == ["supported", "completed"]
    assert "in the text, and completed" in (tmp_path / "tables.md").read_text()
