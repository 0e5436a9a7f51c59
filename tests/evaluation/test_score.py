"""Scores: micro averages from unrounded values, per task, group, source and label."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.evaluation.report import Report, Score
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.evaluation.tables import tables
from iepile.instruction import Instruction
from iepile.jsonl import dumps, write_rows

Pair = tuple[str, str]


def ner(n: int, gold: list[Pair], answer: list[Pair], source: str = "s", labels: str = "pq") -> dict[str, Any]:
    found: dict[str, list[str]] = {label: [] for label in labels}
    for label, mention in answer:
        found[label].append(mention)
    return {
        "id": str(n), "task": "NER", "source": source,
        "instruction": Instruction("?", list(labels), f"text {n}").render(),
        "label": dumps([{"entity": m, "entity_type": t} for t, m in gold]), "output": dumps(found),
    }


def score(tmp_path: Path, rows: list[dict[str, Any]], **options: str) -> Report:
    write_rows(tmp_path / "pred.json", rows)
    return evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), **options))


def test_counts_and_percentages(tmp_path: Path) -> None:
    rows = [ner(1, [("p", "a"), ("p", "b"), ("q", "c")], [("p", "a"), ("q", "x"), ("q", "c"), ("q", "c")], "one"),
            ner(2, [("p", "a")], [], "two")]
    report = score(tmp_path, rows)
    assert report.score("NER", "entity") == Score(2, 4, 4, 50.0, 50.0, 50.0)
    assert [(r.source, r.score.tp, r.score.pred, r.score.gold) for r in report.by_source] == [
        ("one", 2, 4, 3), ("two", 0, 0, 1)]
    assert [(r.label, r.score.tp, r.score.pred, r.score.gold) for r in report.by_label] == [
        ("p", 1, 1, 3), ("q", 1, 3, 1)]
    assert report.setting == "micro-string-normal/1"
    as_set = score(tmp_path, rows, match_mode="set")
    assert as_set.score("NER", "entity").pred == 3 and as_set.setting == "micro-string-set/1"
    with pytest.raises(KeyError):
        report.score("RE", "relation")


def test_nothing_to_divide_by_is_zero() -> None:
    assert Score.of(0, 0, 0) == Score(0, 0, 0, 0.0, 0.0, 0.0)
    assert Score.of(1, 1, 1) == Score(1, 1, 1, 100.0, 100.0, 100.0)


def test_f1_is_not_made_from_rounded_numbers() -> None:
    # 7 of 10 and 7 of 12, as in formats.md: the reference prints 63.63.
    assert f"{Score.of(7, 10, 12).f1:.2f}" == "63.64"


def test_several_tasks_in_one_file(tmp_path: Path) -> None:
    relation = {
        "task": "RE", "instruction": Instruction("?", ["r"], "t").render(), "source": "s",
        "label": [{"head": "a", "relation": "r", "tail": "b"}], "output": '{"r": [{"head": "a", "tail": "b"}]}',
    }
    event = {
        "task": "EE", "source": "s", "output": '{"e": [{"trigger": "t", "arguments": {"x": "a", "y": "NAN"}}]}',
        "instruction": Instruction("?", [{"event_type": "e", "trigger": True, "arguments": ["x", "y"]}], "t").render(),
        "label": [{"event_type": "e", "event_trigger": "t", "arguments": [{"argument": "a", "role": "y"}]}],
    }
    report = score(tmp_path, [event, relation, ner(1, [("p", "a")], [("p", "a")])])
    assert [(r.task, r.group, r.score.tp) for r in report.scores] == [
        ("EE", "event", 1), ("EE", "argument", 0), ("NER", "entity", 1), ("RE", "relation", 1)]
    only = score(tmp_path, [event, relation], task="re")
    assert [r.task for r in only.scores] == ["RE"] and only.counts.other_task_rows == 1


def test_gold_that_nobody_asked_for_still_counts_and_is_told(tmp_path: Path) -> None:
    report = score(tmp_path, [ner(1, [("z", "a"), ("p", "b")], [("p", "b")])])
    assert report.score("NER", "entity").gold == 2 and report.counts.gold_not_asked == 1


def test_unscored_texts_are_told(tmp_path: Path) -> None:
    bare = ner(2, [], [])
    del bare["label"]
    report = score(tmp_path, [ner(1, [("p", "b")], []), bare])
    assert (report.counts.records, report.counts.unscored_records) == (1, 1)
    with pytest.raises(InputError, match="none of the 1 rows can be scored"):
        score(tmp_path, [bare])


def offsets(n: int, gold: list[int], answered: list[int | None], placed: bool = True) -> dict[str, Any]:
    row = ner(n, [], [])
    row["label"] = [{"entity": "x", "entity_type": "p"} | ({"pos": [i, i + 1]} if placed else {}) for i in gold]
    row["facts"] = {"entities": [
        {"type": "p", "span": {"text": "x"} if i is None else {"text": "x", "start": i, "end": i + 1}}
        for i in answered]}
    return row


def test_by_offset_every_place_counts(tmp_path: Path) -> None:
    report = score(tmp_path, [offsets(1, [0, 4, 8], [4, 5, None])], match="offset")
    assert report.score("NER", "entity") == Score.of(1, 3, 3)
    assert (report.counts.ungrounded, report.counts.gold_mentions, report.counts.gold_without_place) == (1, 3, 0)
    assert report.setting == "micro-offset-normal/1"


def test_by_offset_needs_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the labels hold no places"):
        score(tmp_path, [offsets(1, [0], [0], placed=False)], match="offset")
    with pytest.raises(InputError, match="no row has `facts`"):
        score(tmp_path, [ner(1, [("p", "a")], [])], match="offset")


@pytest.mark.parametrize(("options", "message"), [
    ({"match_mode": "SET"}, "normal or set"), ({"match": "words"}, "string or normalised or offset"),
    ({"sort_by": "task"}, "source, label"), ({"metrics_list": "rouge"}, "f1"), ({"task": "MRC"}, "unknown task"),
])
def test_settings_that_do_not_exist(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score(tmp_path, [ner(1, [], [])], **options)


def test_no_file() -> None:
    with pytest.raises(InputError, match="--path1"):
        evaluate(EvaluateConfig())
    with pytest.raises(InputError, match="no such file"):
        evaluate(EvaluateConfig(path1="nowhere.json"))


def test_the_report_is_written_whole(tmp_path: Path) -> None:
    report = score(tmp_path, [ner(1, [("p", "a")] , [("p", "a"), ("q", "b"), ("q", "c")])],
                   output=str(tmp_path / "deep" / "report.json"))
    data = json.loads((tmp_path / "deep" / "report.json").read_text("utf-8"))
    assert data["setting"] == report.setting
    assert data["scores"] == [{"task": "NER", "group": "entity", "score": {
        "tp": 1, "pred": 3, "gold": 1, "precision": 100 / 3, "recall": 100.0, "f1": 50.0}}]
    assert data["by_source"][0]["source"] == "s" and data["by_label"][0]["label"] == "p"
    assert data["sources"] == [{"task": "NER", "source": "s", "records": 1, "invalid": 0}]
    assert data["counts"]["rows"] == 1


def test_tables_show_what_was_asked_for(tmp_path: Path) -> None:
    report = score(tmp_path, [ner(1, [("p", "a")], [("p", "a"), ("q", "b"), ("q", "c")]),
                              ner(2, [("p", "a")], []) | {"output": "oh"}])
    shown = tables(report)
    assert [t.title for t in shown] == ["micro-string-normal/1", "rows and answers", "first faults"]
    assert shown[0].header[-6:] == ("P", "R", "F1", "right", "answered", "gold")
    assert shown[0].rows == (("NER", "entity", "33.33", "50.00", "40.00", "1", "3", "2"),)
    assert shown[2].rows == (("2", "invalid answer: no JSON object"),)
    titles = [t.title for t in tables(report, "source,label")]
    assert titles[1:3] == ["by source", "by label"]
    assert all(len(row) == len(t.header) for t in tables(report, "source,label") for row in t.rows)


PAIRS = st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from("abc")), max_size=5)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PAIRS, PAIRS, st.sampled_from("st")), min_size=1, max_size=4))
def test_scores_are_what_multisets_say(tmp_path: Path, texts: list[tuple[list[Pair], list[Pair], str]]) -> None:
    rows = [ner(n, gold, answer, source) for n, (gold, answer, source) in enumerate(texts)]
    tp = sum((Counter(set(gold)) & Counter(answer)).total() for gold, answer, _ in texts)
    expected = Score.of(tp, sum(len(a) for _, a, _ in texts), sum(len(set(g)) for g, _, _ in texts))
    report = score(tmp_path, rows)
    assert report.score("NER", "entity") == expected
    for parts in (report.by_source, report.by_label):
        assert Score.of(sum(r.score.tp for r in parts), sum(r.score.pred for r in parts),
                        sum(r.score.gold for r in parts)) == expected
    assert sum(s.records for s in report.sources) == report.counts.records == len(texts)
    shuffled = score(tmp_path, rows[::-1])
    assert (shuffled.scores, shuffled.by_source, shuffled.by_label) == (
        report.scores, report.by_source, report.by_label)


def test_the_same_bytes_for_every_hash_seed(tmp_path: Path) -> None:
    rows = [ner(n, [("p", "a"), ("q", "b")], [("q", "b"), ("p", "c")], f"s{n % 7}") for n in range(50)]
    write_rows(tmp_path / "pred.json", rows)
    code = ("import sys; from iepile.evaluation.score import *; "
            "sys.stdout.buffer.write(evaluate(EvaluateConfig(path1=sys.argv[1])).to_json())")
    found = {
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "pred.json")], capture_output=True, check=True,
                       env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}).stdout
        for seed in ("0", "1", "77")
    }
    assert len(found) == 1


def test_scoring_loads_nothing_heavy() -> None:
    code = ("import sys, iepile.evaluation.score; "
            "print([m for m in ('torch', 'transformers', 'numpy', 'networkx', 'rich') if m in sys.modules])")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env={"PYTHONPATH": ":".join(sys.path)})
    assert run.stdout.strip() == "[]"
