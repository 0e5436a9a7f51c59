"""Rows of texts that lack a piece: the answer keeps all triples, and scoring takes apart what was completed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.completion import CompletionConfig, completion
from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.errors import InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.instructions.completion_question import completing
from iepile.jsonl import read_rows, write_rows
from iepile.schema import Schema
from iepile.tasks import get_task

TASK = get_task("TRIPLES")
TEXT = "2006年，弗雷泽出战女子水球世界杯，协助国家队夺得冠军。2008年，弗雷泽参加北京奥运会，赢得铜牌。"
TRIPLES = [("弗雷泽", "参加", "北京奥运会"), ("弗雷泽", "获奖", "铜牌"), ("弗雷泽", "属于", "国家队"),
           ("国家队", "夺得", "冠军"), ("弗雷泽", "参加", "女子水球世界杯")]
EN = ("Ada Byron, who lived in London, was a writer. She met Charles Babbage, an inventor of Cambridge.",
      [("Ada Byron", "lives in", "London"), ("Charles Babbage", "lives in", "Cambridge"),
       ("Ada Byron", "knows", "Charles Babbage")])
RELATIONS = ("参加", "获奖", "属于", "夺得", "lives in", "knows")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Schema.of_relations(*RELATIONS).write(tmp_path / "schema.json")
    docs = [{"text": f"{n} {text}", "id": f"{lang}{n}",
             "relation": [{"head": h, "relation": r, "tail": t} for h, r, t in triples]}
            for lang, text, triples in (("zh", TEXT, TRIPLES), ("en", *EN)) for n in range(10)]
    write_rows(tmp_path / "docs.json", docs)
    completion(CompletionConfig(src_path=str(tmp_path / "docs.json"), tgt_path=str(tmp_path / "less.json"),
                                variants=3, originals=True))
    return tmp_path


def rows(folder: Path, **options: Any) -> list[dict[str, Any]]:
    target = folder / "out.json"
    settings: dict[str, Any] = {"task": "TRIPLES", "split_num": -1} | options
    convert(ConvertConfig(src_path=str(folder / "less.json"), tgt_path=str(target),
                          schema_path=str(folder / "schema.json"), **settings))
    return [r for _, r in read_rows(target)]


def test_the_answer_keeps_what_is_to_be_completed(folder: Path) -> None:
    made = rows(folder)
    assert len(made) > 40
    marked = [r for r in made if "completed" in r]
    assert len(marked) == len(made) - 20 and all("~" in r["id"] for r in marked)
    for row in marked:
        assert list(row) == ["id", "task", "source", "instruction", "input", "output", "kg", "completed"]
        full = TRIPLES if row["id"].startswith("zh") else EN[1]
        assert sorted(map(tuple, row["kg"])) == sorted(full)
        assert [tuple(t) for t in TASK_triples(row["output"])] == [tuple(t) for t in row["kg"]]
        assert row["completed"] and all(t in row["kg"] for t in row["completed"])
        for triple in row["kg"]:
            assert (triple in row["completed"]) == (triple[0] not in row["input"] or triple[2] not in row["input"])
        assert row["instruction"].startswith("下面的文本缺少了一段文字,因此缺失的三元组也请补全。")
    assert not any("缺失" in r["instruction"] for r in made if "completed" not in r)
    silent = rows(folder, completion="silent")
    assert len({r["instruction"] for r in silent}) == 1
    assert [{k: v for k, v in r.items() if k != "instruction"} for r in silent] == [
        {k: v for k, v in r.items() if k != "instruction"} for r in made]


def TASK_triples(output: str) -> list[tuple[str, str, str]]:
    return [(r.head.text, r.type, r.tail.text) for r in TASK.parse(output, []).facts.relations]


def test_a_batch_tells_its_own_triples(folder: Path) -> None:
    for row in rows(folder, split_num=2):
        for head, relation, tail in row.get("completed", []):
            assert [head, relation, tail] in row["kg"]
    assert any(r["completed"] == [] for r in rows(folder, split_num=2) if "completed" in r)


def perfect(folder: Path, **options: Any) -> Path:
    """Test rows, each with the answer of the training row that asks the same."""
    trained = rows(folder, neg_schema=1.0, **options)
    tests = rows(folder, split="test", **options)
    assert len(trained) == len(tests)
    assert all("completed" in t for t in tests if "~" in t["id"])
    write_rows(folder / "pred.json", [t | {k: r[k] for k in ("instruction", "output")}
                                      for t, r in zip(tests, trained, strict=True)])
    return folder / "pred.json"


@pytest.mark.parametrize("options", [
    {"language": language, "words": words, "completion": said}
    for language in ("zh", "en") for words in ("guide", "varied") for said in ("said", "silent")
] + [{"task": "RE"}], ids=str)
def test_the_oracle_scores_100_in_both_parts(folder: Path, options: dict[str, str]) -> None:
    report = evaluate(EvaluateConfig(path1=str(perfect(folder, **options))))
    task = options.get("task", "TRIPLES")
    by_part = {r.group: r.score for r in report.completion}
    assert list(by_part) == ["supported", "completed"]
    assert all(s.f1 == 100 and s.gold >= 40 for s in by_part.values())
    assert report.score(task, "relation").f1 == 100
    marked = [r for _, r in read_rows(folder / "pred.json") if "completed" in r]
    assert by_part["completed"].gold == sum(len(r["completed"]) for r in marked)
    assert by_part["supported"].gold == sum(len(json.loads(r["label"])) for r in marked) - by_part["completed"].gold
    assert report.counts.invalid == report.counts.wrong_form == report.counts.not_asked == 0
    assert report.counts.unreadable_labels == 0


def test_who_completes_nothing_has_no_recall_there(folder: Path) -> None:
    path = perfect(folder)
    told = []
    for _, row in read_rows(path):
        kept = [t for t in TASK_triples(row["output"]) if list(t) not in row.get("completed", [])]
        told.append(row | {"output": "".join(f"({','.join(t)})" for t in kept) or "NAN"})
    write_rows(path, told)
    report = evaluate(EvaluateConfig(path1=str(path)))
    assert report.score("TRIPLES", "supported").f1 == 100
    assert (report.score("TRIPLES", "completed").tp, report.score("TRIPLES", "completed").pred) == (0, 0)


def test_rows_of_other_documents_stay_as_they_were(folder: Path) -> None:
    write_rows(folder / "less.json", [r for _, r in read_rows(folder / "docs.json")])
    for options in ({}, {"split": "test"}, {"task": "RE", "split": "test"}):
        assert not any("completed" in r for r in rows(folder, **options))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_request_leaves_the_question_as_it_is(language: str) -> None:
    asked = "relations: ['a', 'b'] as (Subject,Relation,Object)\n"
    assert completing(asked, language).endswith(asked)
    assert TASK.read_words(completing(asked, language)) == TASK.read_words(asked)


def test_a_language_without_words_for_it() -> None:
    with pytest.raises(InputError, match="silent"):
        completing("?", "de")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_real_texts(language: str, shared: Path, tmp_path: Path) -> None:
    raw = {"zh": "DuIE2.0/train_data_5000.json", "en": "conll04/conll04_train.json"}[language]
    import_documents(ImportConfig(src_path=str(shared / "data" / raw), tgt_path=str(tmp_path / "docs.json"),
                                  schema_path=str(tmp_path / "schema.json")))
    less = completion(CompletionConfig(src_path=str(tmp_path / "docs.json"), tgt_path=str(tmp_path / "less.json")))
    report = evaluate(EvaluateConfig(path1=str(perfect(tmp_path, language=language))))
    by_part = {r.group: r.score for r in report.completion}
    assert all(s.tp == s.pred == s.gold > 0 for s in by_part.values())
    assert report.counts.records == less.variants and by_part["completed"].gold <= less.lost
