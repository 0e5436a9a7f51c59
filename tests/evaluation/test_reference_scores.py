"""Our scores and the reference's on the same files: equal but for differences that are meant, each named.

The reference's percentages come from its own runs (golden/eval/RUNS.txt); the counts behind them are
unique up to a factor, and given here so that each difference can be stated as (right, answered, gold).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iepile.evaluation.report import Score
from iepile.evaluation.score import EvaluateConfig, evaluate

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
GOLDEN = SHARED / "golden" / "eval"
pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason=f"needs {GOLDEN}")

Delta = tuple[str, int, int, int]
CUT = "an answer cut short is read as far as it goes (B27)"
FENCED = "an answer in a code fence is read (B27)"
TWICE_IN_GOLD = "a gold fact listed twice is one: no answer can state it twice (B9, B10)"
NOT_ASKED = "a label that the row did not ask is left out, and counted"
HALF = "a pair without two texts is no relation"
NO_TEXT = "a value that is no text is no argument"
ODD_TRIGGER = "an event whose trigger is no text keeps its arguments"
NO_TRIGGER = "an event without trigger is taught as NAN and found as NAN (B9)"

# (file, mode, reference run, task, group, reference's right/answered/gold, differences)
CASES: list[tuple[str, str, str, str, str, tuple[int, int, int], list[Delta]]] = [
    ("ner_mixed", "normal", "iepile.NER", "NER", "entity", (9, 15, 19), [
        (CUT, 1, 1, 0), (FENCED, 1, 1, 0), (NOT_ASKED, 0, -1, 0), (TWICE_IN_GOLD, 0, 0, -1)]),
    ("ner_mixed", "set", "iepile.NER", "NER", "entity", (9, 13, 18), [(CUT, 1, 1, 0), (FENCED, 1, 1, 0)]),
    ("re_mixed_subject_object", "normal", "iepile.RE", "RE", "relation", (4, 8, 9), [(CUT, 1, 1, 0), (HALF, 0, -1, 0)]),
    ("re_mixed_subject_object", "set", "iepile.RE", "RE", "relation", (4, 7, 9), [(CUT, 1, 1, 0), (HALF, 0, -1, 0)]),
    ("re_mixed_head_tail", "normal", "deepke.RE", "RE", "relation", (4, 8, 9), [(CUT, 1, 1, 0), (HALF, 0, -1, 0)]),
    ("re_mixed_head_tail", "set", "deepke.RE", "RE", "relation", (4, 7, 9), [(CUT, 1, 1, 0), (HALF, 0, -1, 0)]),
    ("ee_mixed", "normal", "iepile.EE", "EE", "event", (7, 10, 12), [
        (CUT, 1, 1, 0), (NO_TRIGGER, 1, 0, 0), (ODD_TRIGGER, 0, 1, 0)]),
    ("ee_mixed", "normal", "iepile.EE", "EE", "argument", (8, 11, 16), [
        (CUT, 1, 1, 0), (NO_TEXT, 0, -1, 0), (TWICE_IN_GOLD, 0, 0, -1), (ODD_TRIGGER, 1, 1, 0)]),
    ("ee_mixed", "set", "iepile.EE", "EE", "event", (6, 9, 11), [
        (CUT, 1, 1, 0), (NO_TRIGGER, 1, 0, 0), (ODD_TRIGGER, 0, 1, 0)]),
    ("ee_mixed", "set", "iepile.EE", "EE", "argument", (8, 11, 15), [
        (CUT, 1, 1, 0), (NO_TEXT, 0, -1, 0), (ODD_TRIGGER, 1, 1, 0)]),
]


@pytest.mark.parametrize(("file", "mode", "run", "task", "group", "counts", "differences"), CASES)
def test_differences_from_the_reference_are_the_ones_we_mean(
    file: str, mode: str, run: str, task: str, group: str, counts: tuple[int, int, int], differences: list[Delta]
) -> None:
    printed = json.loads((GOLDEN / "expected" / f"{file}.{run}_match_mode_{mode}.json").read_text("utf-8"))["total"]
    prefix = f"{group}_" if task == "EE" else ""
    reference = Score.of(*counts)
    assert (round(reference.precision, 2), round(reference.recall, 2)) == (printed[prefix + "P"], printed[prefix + "R"])
    # The reference makes F1 from the rounded P and R, which costs up to 0.01 (B26).
    assert abs(round(reference.f1, 2) - printed[prefix + "F1"]) < 0.011
    ours = evaluate(EvaluateConfig(path1=str(GOLDEN / f"{file}.json"), task=task, match_mode=mode))
    expected = [n + sum(d[k] for d in differences) for k, n in enumerate(counts, 1)]
    got = ours.score(task, group)
    assert [got.tp, got.pred, got.gold] == expected
    assert ours.counts.records == printed["总样本数"]
    # What the reference counts as an error is here unreadable, or was read after repair.
    assert ours.counts.invalid + ours.counts.salvaged == printed["错误数"]


def test_scores_by_source_agree_in_their_sum() -> None:
    report = evaluate(EvaluateConfig(path1=str(GOLDEN / "ner_mixed.json"), task="NER", sort_by="source"))
    printed = json.loads(
        (GOLDEN / "expected" / "ner_mixed.iepile.NER_match_mode_normal_sort_by_source.json").read_text("utf-8"))
    assert {s.source: s.records for s in report.sources} == {
        k: v["总样本数"] for k, v in printed.items() if k != "total"}


@pytest.mark.parametrize(("file", "task", "score"), [
    ("ner_round", "NER", (1, 3, 7)), ("ner_errors_exceed", "NER", (0, 0, 0)),
    # Two texts that are equal: merged by the reference (P 50.0, B20), two records here.
    ("ner_same_text_two_records", "NER", (2, 2, 2)),
    # These end the reference with a traceback (B21, B22).
    ("crash_no_id", "NER", (0, 0, 0)), ("crash_output_null", "NER", (0, 0, 0)),
])
def test_edge_cases(file: str, task: str, score: tuple[int, int, int]) -> None:
    report = evaluate(EvaluateConfig(path1=str(GOLDEN / f"{file}.json"), task=task))
    got = report.score(task, "entity")
    assert (got.tp, got.pred, got.gold) == score


@pytest.mark.parametrize(
    "file", ["ee_crash_arguments_list", "ee_crash_unhashable_set", "ee_crash_missing_trigger_gold"]
)
@pytest.mark.parametrize("mode", ["normal", "set"])
def test_what_crashes_the_reference_is_counted(file: str, mode: str) -> None:
    report = evaluate(EvaluateConfig(path1=str(GOLDEN / f"{file}.json"), match_mode=mode))
    assert report.counts.records == 1 and report.counts.unreadable_rows == 0
    assert report.counts.wrong_form == (0 if file.endswith("gold") else 1)


@pytest.mark.parametrize(("file", "task", "group", "score"), [
    ("eet_crash", "EET", "trigger", (1, 1, 1)),  # no method of that name (B2)
    ("kg_mixed", "KG", "relation", (2, 2, 2)),  # compared with what cannot equal it, or a TypeError (B4)
    ("kg_crash_nonstring", "KG", "relation", (0, 0, 0)),
    ("eea_mixed_list", "EEA", "argument", (4, 5, 6)),  # 0 of 5 by DeepKE's rules
    ("eea_mixed_trigger", "EEA", "argument", (4, 5, 6)),  # 0 of 5, or a TypeError, by IEPile's
])
@pytest.mark.parametrize("mode", ["normal", "set"])
def test_tasks_that_the_reference_cannot_score(
    file: str, task: str, group: str, score: tuple[int, int, int], mode: str
) -> None:
    report = evaluate(EvaluateConfig(path1=str(GOLDEN / f"{file}.json"), match_mode=mode))
    got = report.score(task, group)
    assert (got.tp, got.pred, got.gold) == score
    assert report.counts.unreadable_rows == 0


def test_a_file_without_labels_cannot_be_scored() -> None:
    with pytest.raises(Exception, match="none of the 1 rows"):
        evaluate(EvaluateConfig(path1=str(GOLDEN / "crash_no_label.json")))
