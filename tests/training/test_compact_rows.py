"""Instruction rows as examples of the compact model, and one model for a whole corpus of mixed tasks and schemas."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compact_toy import small
from iepile.corpus.build import BuildConfig, build
from iepile.errors import InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.predict import PredictConfig, predict
from iepile.jsonl import read_rows, write_rows
from iepile.models.compact.example import Label
from iepile.models.compact.model import CompactModel
from iepile.training.compact_rows import CompactJob, read_examples, train_compact

EXAMPLES = Path(__file__).parents[2] / "examples"
BUYER, BOUGHT = Label("argument", "收购方", of="收购"), Label("argument", "被收购方", of="收购")


def row(text: str, task: str, schema: Any, output: Any) -> dict[str, str]:
    instruction = {"instruction": "x", "schema": schema, "input": text}
    return {"task": task, "instruction": json.dumps(instruction, ensure_ascii=False),
            "output": json.dumps(output, ensure_ascii=False)}


def examples(tmp_path: Path, *rows: dict[str, str]) -> list[Any]:
    write_rows(tmp_path / "rows.jsonl", rows)
    return read_examples([tmp_path / "rows.jsonl"], Counter())


def test_two_events_of_one_trigger_word_get_a_place_each(tmp_path: Path) -> None:
    text = "甲公司收购乙集团，丙厂收购丁社。"
    events = [{"trigger": "收购", "arguments": {"收购方": a, "被收购方": b}}
              for a, b in (("丙厂", "丁社"), ("甲公司", "乙集团"))]
    schema = [{"event_type": "收购", "trigger": True, "arguments": ["收购方", "被收购方"]}]
    (x,) = examples(tmp_path, row(text, "EE", schema, {"收购": events}))
    assert x.spans == {Label("trigger", "收购"): [(3, 5), (11, 13)]}
    assert x.pairs[BUYER] == [((3, 5), (0, 3)), ((11, 13), (9, 11))]
    assert x.pairs[BOUGHT] == [((3, 5), (5, 8)), ((11, 13), (13, 15))]


def test_two_events_that_share_their_arguments_get_a_place_each(tmp_path: Path) -> None:
    event = {"trigger": "涨", "arguments": {"股票": "丙股"}}
    schema = [{"event_type": "涨", "trigger": True, "arguments": ["股票"]}]
    other = {"trigger": "涨", "arguments": {"股票": "NAN"}}
    (x,) = examples(tmp_path, row("丙股涨了又涨。", "EE", schema, {"涨": [event, other]}))
    assert x.spans == {Label("trigger", "涨"): [(2, 3), (5, 6)]}


def test_rows_of_a_text_are_joined_and_what_no_row_asked_stays_unasked(tmp_path: Path) -> None:
    text = "Ada works for Bolt."
    person, firm = Label("entity", "person"), Label("entity", "firm")
    one, other = examples(
        tmp_path,
        row(text, "NER", ["person"], {"person": ["Ada"]}),
        row("Cora left.", "NER", ["firm"], {"firm": []}),
        row(text, "RE", ["works for"], {"works for": [{"subject": "Ada", "object": "Bolt"}]}),
    )
    assert one.asked_spans == (person,)
    assert one.asked_pairs == (Label("relation", "works for"),)
    assert other.asked_spans == (firm,)
    assert other.spans.get(firm, []) == []


def test_questions_in_words_are_refused_with_what_to_do(tmp_path: Path) -> None:
    asked = {"task": "TRIPLES", "instruction": "关系类型为{'国籍'},以(头实体,关系,尾实体)的形式回答",
             "input": "甲是乙人。", "output": "(甲,国籍,乙)"}
    with pytest.raises(InputError, match="asks in plain words") as e:
        examples(tmp_path, asked)
    assert e.value.line == 1 and "--task RE" in str(e.value.fix)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    build(BuildConfig(corpus=str(EXAMPLES / "corpus/corpus.yaml"), root=str(EXAMPLES), output=str(folder)))
    return folder


@pytest.mark.slow
def test_one_model_learns_a_whole_corpus(corpus: Path, tmp_path: Path) -> None:
    settings = small(tokens_per_batch=512, checkpoint_steps=0, max_steps=250)
    sizes = replace(settings.model, buckets=8192, embedding_size=32, hidden_size=48, query_size=32, span_size=48)
    names = ("learning_rate", "tokens_per_batch", "max_steps", "precision", "threads")
    plain = {k: getattr(settings, k) for k in names}
    done = train_compact(CompactJob(
        train_file=[str(corpus / "train.jsonl")], valid_file=[str(corpus / "dev.jsonl")],
        output_dir=str(tmp_path / "run"), model=sizes, checkpoint_steps=0, **plain,
    ))
    assert {"entity", "relation", "trigger", "argument"} <= set(done.dev_f1)
    model = CompactModel.load(done.model)
    assert Counter(x.kind for x in model.labels).keys() == {"entity", "relation", "trigger", "argument"}
    tests = [f"{name}.jsonl" for name in ("notices_zh.NER", "staff_en.NER", "staff_en.RE", "events_zh.EE")]
    rows = [r for name in tests for _, r in read_rows(corpus / "test" / name)]
    write_rows(tmp_path / "test.jsonl", rows)
    predict(PredictConfig(input_file=str(tmp_path / "test.jsonl"), model=done.model,
                          output_file=str(tmp_path / "predictions.jsonl")))
    found = evaluate(EvaluateConfig(path1=str(tmp_path / "predictions.jsonl")))
    # Far from what longer training gives, but every task of the corpus is learned.
    least = {("NER", "entity"): 0.6, ("RE", "relation"): 0.15, ("EE", "event"): 0.5, ("EE", "argument"): 0.25}
    assert all(found.score(task, group).f1 > 100 * f1 for (task, group), f1 in least.items())
