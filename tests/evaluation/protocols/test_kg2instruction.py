"""`--protocol kg2instruction`: what its program gives where it runs, the answer that ends it named where it does not,
and 100 by our own rules for every answer that is the gold."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.formats.kg2instruction import read
from iepile.corpus.formats.reading import ReadOptions, ReadSummary
from iepile.errors import InputError
from iepile.evaluation.protocols.kg2_answers import Reader
from iepile.evaluation.protocols.protocol import run_protocol
from iepile.evaluation.protocols.rouge import rouge_of
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.unified import document_to_row

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[4] / "shared"))
GOLDEN = SHARED / "golden"
needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason=f"needs {GOLDEN}")
CELL = re.compile(r"(\w+) (zh|en) sample=(\d) neg_ratio=(\d) NAN='(\w*)' self-eval: (.*)")


def cells() -> list[Any]:
    if not GOLDEN.exists():
        return []
    found = CELL.findall((GOLDEN / "bugs" / "kg2_selfeval_matrix.txt").read_text("utf-8"))
    return [pytest.param(*cell, id="-".join(cell[:5])) for cell in found]


def answers(task: str, language: str, layout: str, negatives: str, folder: Path) -> str:
    """The golden answers; with `negatives`, as the converter adds them: a NAN for each label that is not there."""
    path = GOLDEN / "kg2instruction" / "expected" / f"{task}_{language}_format{layout}.json"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    between = "\n\n" if task in ("EE", "EEA") and layout in "12" else "\n"
    for row in rows:
        # EEA asks only for the events that are there.
        if negatives == "1" and task != "EEA" and row["output"] != "NAN":
            row["output"] += f"{between}NAN{between}NAN"
    return write(folder / "gold.json", rows)


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def config(standard: str, submitted: str, task: str, **options: str) -> EvaluateConfig:
    return EvaluateConfig(protocol="kg2instruction", standard_path=standard, submit_path=submitted, task=task,
                          **options)  # type: ignore[arg-type]


@needs_golden
def test_all_cells_are_there() -> None:
    assert len(cells()) == 160
    assert sum("100.0" not in cell.values[5] for cell in cells()) == 23


@pytest.mark.parametrize(("task", "language", "layout", "negatives", "nan", "said"), cells())
def test_the_gold_against_itself(
    task: str, language: str, layout: str, negatives: str, nan: str, said: str, tmp_path: Path
) -> None:
    path = answers(task, language, layout, negatives, tmp_path)
    how = config(path, path, task, language=language, NAN=nan)
    if said.startswith("{"):
        assert evaluate(how).printed == ast.literal_eval(said)
        return
    with pytest.raises(InputError, match="program ends at this answer") as e:
        evaluate(how)
    assert said in str(e.value) and e.value.line and e.value.field == "output"


@needs_golden
@pytest.mark.parametrize("task", ["NER", "RE", "EE", "EET", "EEA"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("layout", "0123")
@pytest.mark.parametrize("negatives", "01")
def test_by_our_own_rules_the_gold_is_always_right(
    task: str, language: str, layout: str, negatives: str, tmp_path: Path
) -> None:
    path = Path(answers(task, language, layout, negatives, tmp_path))
    summary = ReadSummary()
    documents = write(tmp_path / "documents.jsonl", [
        document_to_row(doc) for doc in read(path, ReadOptions(summary=summary))])
    report = evaluate(EvaluateConfig(path1=documents, gold_path=documents, task="EE" if task == "EEA" else task))
    assert report.scores and all(row.score.f1 == 100 for row in report.scores)


def test_what_was_not_submitted_is_left_out_and_of_two_rows_the_last_counts(tmp_path: Path) -> None:
    def rows(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
        return [{"input": text, "output": output} for text, output in pairs]

    gold = write(tmp_path / "gold.json", rows(("a b", "(a,X)\n(b,Y)"), ("c", "(c,X)")))
    said = write(tmp_path / "said.json", rows(("a b", "(a,X)"), ("a b", "(b,Y)")))
    report = evaluate(config(gold, said, "NER"))
    assert report.printed == {"f1": 66.66666666666666}  # K4
    assert report.counts.unscored_records == 1 and "1 texts" in report.notes[0].problem


def test_two_events_with_one_trigger_are_half_right(tmp_path: Path) -> None:
    rows = [{"input": "再收购", "output": "(收购,收购,金额#9元)\n(收购,收购,金额#5元)"}]
    path = write(tmp_path / "gold.json", rows)
    assert str(evaluate(config(path, path, "EE")).printed) == "{'ee_f1': 50.0, 'ag_f1': 50.0}"  # K7


def test_commas_in_mentions() -> None:
    assert Reader("NER", "en").read("1,2", "(1,2,X)") == [("1", "X")]  # K5
    relation = Reader("RE", "zh").read("A, Inc.在B", "(A, Inc.,位于,B)")
    assert relation == [("a, inc.", "位于", "b")]


def test_events_are_read_with_their_arguments() -> None:
    said = "(再收购,收购,金额#9元)\n(收购,收购,金额#5元)\n(裁员,裁员,人数#20人)"
    assert Reader("EE", "zh").read("", said) == [  # K6
        ("收购", "再收购", (("9元", "金额"),)), ("收购", "收购", (("5元", "金额"),)),
        ("裁员", "裁员", (("20人", "人数"),))]


@pytest.mark.parametrize(("task", "answer"), [
    ("NER", "No entity found."), ("NER", "Sorry, there are no entities"), ("RE", "No relation found."),
    ("RE", "NAN\nNAN"), ("RE", "The text does not contain any"), ("EET", "No event found."),
    ("EEA", "No argument found."),
])
def test_sentences_that_say_nothing(task: str, answer: str) -> None:
    assert Reader(task, "en").read("", answer) == []


def test_answers_in_no_layout_are_counted(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold.json", [{"input": "a", "output": "(a,X)"}])
    said = write(tmp_path / "said.json", [{"input": "a", "output": "it is a"}])
    report = evaluate(config(gold, said, "NER"))
    assert report.printed == {"f1": 0.0} and report.counts.invalid == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_rouge_is_the_mean_over_texts(language: str, tmp_path: Path) -> None:
    texts = [("(甲,knows,乙)", "(甲,knows,丙)"), ("", ""), ("NAN", ""), ("the cat", "a cat sat")]
    gold = write(tmp_path / "gold.json", [{"input": str(n), "output": g} for n, (_, g) in enumerate(texts)])
    said = write(tmp_path / "said.json", [{"input": str(n), "output": s} for n, (s, _) in enumerate(texts)])
    printed = evaluate(config(gold, said, "RE", language=language, metrics_list="f1,rouge")).printed
    each = [rouge_of(s, g, language) for s, g in texts]
    assert list(printed) == ["f1", "rouge-1", "rouge-2", "rouge-l"]
    assert each[1] == (1, 1, 1) and each[2] == (0, 0, 0)
    assert [printed[name] for name in list(printed)[1:]] == [sum(e[n] for e in each) / 4 for n in range(3)]


MARKS = st.text("(),：\n#;{}'NA是a：实体类型头尾关系 ", max_size=40)


@given(MARKS | st.text(max_size=40), MARKS, st.sampled_from(["NER", "RE", "EE", "EET", "EEA"]),
       st.sampled_from(["zh", "en"]), st.sampled_from(["", "NAN"]))
def test_an_answer_is_read_or_ends_the_program(answer: str, text: str, task: str, language: str, nan: str) -> None:
    try:
        facts = Reader(task, language, nan).read(text, answer)
    except IndexError:
        return
    assert facts is None or all(isinstance(hash(fact), int) for fact in facts)


@pytest.mark.parametrize(("options", "field"), [
    ({"task": "KG"}, "task"), ({"task": ""}, "task"), ({"standard_path": ""}, "standard_path"),
    ({"language": "de"}, "language"), ({"metrics_list": "bleu"}, "metrics_list"), ({"sort_by": "source"}, "sort_by"),
])
def test_settings_that_do_not_go_together(options: dict[str, str], field: str, tmp_path: Path) -> None:
    path = write(tmp_path / "gold.json", [{"input": "a", "output": "(a,X)"}])
    with pytest.raises(InputError) as e:
        run_protocol(EvaluateConfig(**{  # type: ignore[arg-type]
            "protocol": "kg2instruction", "standard_path": path, "path1": path, "task": "NER", **options}))
    assert e.value.field == field


def test_rows_without_what_is_needed_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.json", [{"input": "a", "output": "(a,X)"}, {"input": "b", "output": None}])
    with pytest.raises(InputError) as e:
        evaluate(config(path, path, "NER"))
    assert (e.value.line, e.value.field) == (2, "output")
