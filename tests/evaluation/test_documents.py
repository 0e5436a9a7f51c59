"""Documents scored as rows are: the same figures, whatever the order of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from iepile.corpus.synthetic import generate
from iepile.errors import InputError
from iepile.evaluation.documents import prediction_rows
from iepile.evaluation.report import Report
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from iepile.records import Document
from iepile.unified import document_to_row


def score(tmp_path: Path, found: list[Document], gold: list[Document], task: str = "", **options: Any) -> Report:
    paths = [tmp_path / name for name in ("found.jsonl", "gold.jsonl")]
    for path, documents in zip(paths, (found, gold), strict=True):
        write_rows(path, map(document_to_row, documents))
    with prediction_rows(str(paths[0]), str(paths[1]), task) as rows:
        return evaluate(EvaluateConfig(path1=rows, **options))


def documents(language: str = "en") -> list[Document]:
    return [replace(d, id=str(n)) for n, d in enumerate(generate(40, language, 3, "test"))]


@pytest.mark.parametrize("match", ["string", "normalised", "offset", "overlap", "head"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_gold_itself_scores_100(tmp_path: Path, language: str, match: str) -> None:
    gold = documents(language)
    report = score(tmp_path, gold[::-1], gold, match=match)
    assert {row.task for row in report.scores} == {"NER", "RE", "EE"}
    assert all(row.score.f1 == 100 for row in (*report.scores, *report.field_scores))


@pytest.mark.parametrize("task", ["NER", "RE", "SPO", "KG", "EE", "EET"])
def test_as_any_task(tmp_path: Path, task: str) -> None:
    gold = documents()
    report = score(tmp_path, gold, gold, task, match="offset")
    assert report.scores and all(row.score.f1 == 100 and row.score.gold for row in report.scores)


def test_what_is_missing_and_what_is_wrong_counts(tmp_path: Path) -> None:
    gold = [d for d in documents() if d.entities]
    first = gold[0]
    made_up = replace(first.entities[0], type="no such label")
    found = [replace(first, entities=(*first.entities[1:], made_up)), *gold[2:]]
    report = score(tmp_path, found, gold, "NER", match="offset")
    s = report.score("NER", "entity")
    assert s.gold == sum(len(d.entities) for d in gold)
    assert s.gold - s.tp == 1 + len(gold[1].entities) and s.pred - s.tp == 1
    assert report.counts.invalid == 1 and report.counts.records == len(gold)


def test_a_list_that_is_not_there_answers_nothing(tmp_path: Path) -> None:
    gold = documents()
    report = score(tmp_path, [replace(d, relations=(), annotated=("entity", "event")) for d in gold], gold)
    assert report.score("RE", "relation").pred == 0 and report.score("NER", "entity").f1 == 100
    assert report.counts.invalid == sum("relation" in d.annotated for d in gold)


def test_a_document_from_elsewhere_is_named(tmp_path: Path) -> None:
    gold = documents()
    with pytest.raises(InputError, match=r"'x' is not in the gold") as e:
        score(tmp_path, [replace(gold[0], id="x")], gold)
    assert e.value.line == 1 and e.value.file is not None
    with pytest.raises(InputError, match="another text"):
        score(tmp_path, [replace(gold[0], text=gold[0].text + " ", id="0")], gold)
    with pytest.raises(InputError, match="no document is annotated"):
        score(tmp_path, gold, [Document("bare")])
    with pytest.raises(InputError, match="EEA"):
        score(tmp_path, gold, gold, "EEA")
