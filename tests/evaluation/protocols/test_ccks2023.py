"""`--protocol ccks2023`: F1 of the triples, ROUGE-2 of the text, and their weighted sum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.evaluation.protocols.rouge import rouge_of
from iepile.evaluation.report import Score
from iepile.evaluation.score import EvaluateConfig, evaluate

GOLD = [
    {"id": 1, "instruction": "关系类型为{'国籍','人口'}", "input": "t1", "output": "(甲,国籍,乙)(丙,人口,2,424人)",
     "kg": [["甲", "国籍", "乙"], ["丙", "人口", "2,424人"]]},
    {"id": 2, "instruction": "关系类型为{'国籍'}", "input": "t2", "output": "(丁,国籍,戊)",
     "kg": [["丁", "国籍", "戊"]]},
]
SAID = [
    {"id": 2, "instruction": "关系类型为{'国籍'}", "input": "t2", "output": "(丁,国籍,己)(丁,国籍,己)"},
    {"id": 1, "instruction": "关系类型为{'国籍','人口'}", "input": "t1",
     "output": "输入中包含的关系三元组是：\n(甲,国籍,乙)(丙,人口,2,424人)"},
]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def without(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in names} for row in rows]


Rows = list[dict[str, Any]]


def run(tmp_path: Path, said: Rows, gold: Rows | None, **options: Any) -> dict[str, Any]:
    standard = "" if gold is None else write(tmp_path / "gold.json", gold)
    path = write(tmp_path / "said.json", said)
    return evaluate(EvaluateConfig(protocol="ccks2023", path1=path, standard_path=standard, **options)).printed


@pytest.mark.parametrize(("mode", "counts"), [("normal", (2, 4, 3)), ("set", (2, 3, 3))])
def test_both_figures_and_their_sum(mode: str, counts: tuple[int, int, int], tmp_path: Path) -> None:
    printed = run(tmp_path, SAID, GOLD, match_mode=mode)
    f1 = Score.of(*counts)
    rouge = 50 * (rouge_of("(丁,国籍,己)(丁,国籍,己)", "(丁,国籍,戊)", "zh").rouge_2 + rouge_of(
        GOLD[0]["output"], GOLD[0]["output"], "zh").rouge_2)
    assert 50 < rouge < 100
    assert printed == pytest.approx({"P": f1.precision, "R": f1.recall, "f1": f1.f1, "rouge-2": rouge,
                                     "score": (f1.f1 + rouge) / 2})
    weighted = run(tmp_path, SAID, GOLD, match_mode=mode, weights="0.7,0.3")
    assert weighted["score"] == pytest.approx(0.7 * f1.f1 + 0.3 * rouge) and weighted["f1"] == printed["f1"]


def test_either_field_is_enough(tmp_path: Path) -> None:
    full = run(tmp_path, SAID, GOLD)
    assert run(tmp_path, SAID, without(GOLD, "kg")) == full
    assert run(tmp_path, SAID, without(GOLD, "output"), rouge_tokens="characters")["f1"] == full["f1"]
    lists = [{"id": 1, "kg": GOLD[0]["kg"]}, {"id": 2, "kg": [["丁", "国籍", "己"]] * 2}]
    assert run(tmp_path, lists, GOLD)["f1"] == full["f1"]
    # Without ids, rows meet by their input.
    assert run(tmp_path, without(SAID, "id"), without(GOLD, "id")) == full


def test_gold_in_the_rows_themselves(tmp_path: Path) -> None:
    rows = [{**gold, "output": said["output"]} for gold, said in zip(GOLD, SAID[::-1], strict=True)]
    printed = run(tmp_path, rows, None)
    assert printed["f1"] == run(tmp_path, SAID, GOLD)["f1"]
    with pytest.raises(InputError, match="no prediction and gold") as e:
        run(tmp_path, SAID, None)
    assert e.value.line == 1


def test_the_gold_against_itself_is_whole(tmp_path: Path) -> None:
    printed = run(tmp_path, GOLD, GOLD)
    assert printed["f1"] == 100 and printed["score"] == pytest.approx(100, abs=1e-5)


def test_tokens(tmp_path: Path) -> None:
    words, characters = (run(tmp_path, SAID, GOLD, rouge_tokens=t)["rouge-2"] for t in ("words", "characters"))
    by_hand = [rouge_of(s, g, "zh", list).rouge_2 for s, g in (
        ("(丁,国籍,己)(丁,国籍,己)", "(丁,国籍,戊)"), (GOLD[0]["output"], GOLD[0]["output"]))]
    assert characters == pytest.approx(50 * sum(by_hand)) != words


def test_nothing_is_left_out_in_silence(tmp_path: Path) -> None:
    said = [{"id": 1, "output": "(甲,国籍)(甲,国籍,乙)", "kg": [["丙", "人口", "2,424人"]]}]
    report = evaluate(EvaluateConfig(protocol="ccks2023", path1=write(tmp_path / "said.json", said),
                                     standard_path=write(tmp_path / "gold.json", GOLD)))
    score = report.score("RE", "relation")
    assert (score.tp, score.pred, score.gold) == (1, 1, 3)
    assert [note.problem for note in report.notes] == [
        "1 rows of the gold without a prediction",
        "1 predictions whose `kg` is not what their `output` states; `kg` is scored"]
    report = evaluate(EvaluateConfig(protocol="ccks2023", path1=write(tmp_path / "said.json", without(said, "kg")),
                                     standard_path=write(tmp_path / "gold.json", GOLD)))
    assert report.counts.wrong_form == 1 and report.score("RE", "relation").tp == 1


@pytest.mark.parametrize(("said", "field", "line"), [
    ([{"id": 9, "output": "(a,b,c)"}], "id", 1),
    ([{"id": 1, "output": "(a,b,c)"}, {"id": 1, "output": ""}], "id", 2),
    ([{"output": "(a,b,c)"}], "input", 1),
    ([{"id": 1, "output": 5}], "output", 1),
    ([{"id": 1}], "output", 1),
    ([{"id": 1, "kg": [["a", "b"]]}], "kg", 1),
])
def test_bad_rows_are_named(said: list[dict[str, Any]], field: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(InputError) as e:
        run(tmp_path, said, GOLD)
    assert (e.value.field, e.value.line) == (field, line)


@pytest.mark.parametrize(("options", "field"), [
    ({"weights": "1"}, "weights"), ({"weights": "1,-1"}, "weights"), ({"weights": "nan,1"}, "weights"),
    ({"rouge_tokens": "bytes"}, "rouge_tokens"), ({"metrics_list": "rouge"}, "metrics_list"),
])
def test_settings(options: dict[str, str], field: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as e:
        run(tmp_path, SAID, GOLD, **options)
    assert e.value.field == field


def test_the_golden_answers_of_the_contest(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "ccks2023"
    report = evaluate(EvaluateConfig(protocol="ccks2023", path1=str(golden / "pred.json"),
                                     standard_path=str(golden / "expected.json")))
    found = report.score("RE", "relation")
    # The gold here is what the guide's script reads. It misreads rows 3, 4 and 11, and loses those of 5 and 7; row 14
    # has triples of its own in `kg`, which are not what its text states.
    assert (found.tp, found.pred, found.gold) == (13 - 4, 14, 13)
    assert report.notes[-1].problem.startswith("1 predictions whose `kg` is not what")
