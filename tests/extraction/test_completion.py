"""Completed triples from the documents to the graph: asked, answered, kept without a place, scored, drawn as edges."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.completion import CompletionConfig, completion
from iepile.corpus.convert import ConvertConfig, convert
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.engines.engine import Completion, Request, open_engine
from iepile.extraction.predict import PredictConfig, predict
from iepile.graph.build import KgConfig, build
from iepile.jsonl import read_rows, write_rows
from iepile.schema import Schema
from iepile.tasks.triple_text import write_triples
from tiny_models import byte_level_tokenizer, make_model

TEXT = "2006年，弗雷泽出战女子水球世界杯，协助国家队夺得冠军。2008年，弗雷泽参加北京奥运会，赢得铜牌。"
TRIPLES = [("弗雷泽", "参加", "北京奥运会"), ("弗雷泽", "获奖", "铜牌"), ("弗雷泽", "属于", "国家队"),
           ("国家队", "夺得", "冠军"), ("弗雷泽", "参加", "女子水球世界杯")]
ASKED = "关系类型为{'参加','获奖','属于','夺得'},以(头实体,关系,尾实体)的形式回答"
REQUEST = "请把缺失的三元组也补全。"


class KnowsAll:
    """Remembers the triples of whole texts, whatever is left of them."""

    name = "knows all"

    def __init__(self, known: dict[str, list[tuple[str, str, str]]]) -> None:
        self.known = known

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for request in requests:
            triples = next(t for start, t in self.known.items() if request.input.startswith(start))
            yield Completion(request.key, write_triples(triples))

    def close(self) -> None:
        pass


def answered(tmp_path: Path, rows: list[dict[str, Any]], known: dict[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    write_rows(tmp_path / "in.json", rows)
    summary = predict(PredictConfig(str(tmp_path / "in.json"), str(tmp_path / "pred.json"), overwrite=True),
                      KnowsAll(known))
    return [r for _, r in read_rows(tmp_path / "pred.json")], summary


def row(asked: str, text: str) -> dict[str, Any]:
    return {"id": "1", "task": "TRIPLES", "source": "s", "instruction": asked, "input": text}


def test_from_documents_to_the_graph(tmp_path: Path) -> None:
    docs = [{"text": f"{n}：{TEXT}", "id": str(n),
             "relation": [{"head": h, "relation": r, "tail": t} for h, r, t in TRIPLES]} for n in range(5)]
    write_rows(tmp_path / "docs.json", docs)
    Schema.of_relations("参加", "获奖", "属于", "夺得").write(tmp_path / "schema.json")
    completion(CompletionConfig(src_path=str(tmp_path / "docs.json"), tgt_path=str(tmp_path / "less.json"), variants=2))
    convert(ConvertConfig(src_path=str(tmp_path / "less.json"), tgt_path=str(tmp_path / "test.json"), task="TRIPLES",
                          schema_path=str(tmp_path / "schema.json"), split="test", split_num=-1))
    rows, summary = answered(tmp_path, [r for _, r in read_rows(tmp_path / "test.json")], {"": TRIPLES})
    assert len(rows) == 10
    lost = 0
    for r in rows:
        assert "problems" not in r
        for fact in r["facts"]["relations"]:
            ends = [fact["head"], fact["tail"]]
            for end in ends:
                assert ("start" in end) == (end["text"] in r["input"])
                assert "start" not in end or r["input"][end["start"] : end["end"]] == end["text"]
            gone = [fact["head"]["text"], fact["type"], fact["tail"]["text"]] in r["completed"]
            assert gone == any("start" not in end for end in ends)
            lost += gone
    assert lost == summary.completed > 10 and summary.ungrounded == 0 and summary.relations == 50
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
    assert report.score("TRIPLES", "completed").f1 == report.score("TRIPLES", "supported").f1 == 100
    assert report.score("TRIPLES", "completed").gold == lost
    assert evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), match="normalised")).score(
        "TRIPLES", "completed").f1 == 100
    build(KgConfig(input_file=str(tmp_path / "pred.json"), output_file=str(tmp_path / "graph.jsonl")))
    edges = [json.loads(line) for line in (tmp_path / "graph.jsonl").read_text("utf-8").splitlines()]
    relations = [e for e in edges if e["kind"] == "relation"]
    assert len(relations) == 50 and sum(e.get("ungrounded", False) for e in relations) == lost


def test_without_the_request_what_is_not_in_the_text_is_a_fault(tmp_path: Path) -> None:
    text = "2008年，弗雷泽参加北京奥运会，赢得铜牌。"
    [plain], summary = answered(tmp_path, [row(ASKED, text)], {"": TRIPLES})
    assert [p["kind"] for p in plain["problems"]] == ["ungrounded"] * 3
    assert (summary.completed, summary.ungrounded) == (0, 4)
    [asked], summary = answered(tmp_path, [row(REQUEST + ASKED, text)], {"": TRIPLES})
    assert "problems" not in asked and asked["facts"] == plain["facts"]
    assert (summary.completed, summary.ungrounded, summary.mentions) == (3, 0, 10)


@pytest.mark.parametrize(("said", "placed"), [
    ("Charles Babbagge", None),  # as good as the name in the text; but who knows what was completed
    ("CHARLES BABBAGE", "Charles Babbage"),
])
def test_what_is_only_like_a_name_in_the_text_is_not_taken_for_it(
    said: str, placed: str | None, tmp_path: Path
) -> None:
    asked = "relation types: ['knows'] as (Subject,Relation,Object)\n"
    text = "She met Charles Babbage, an inventor."
    known = {"": [(said, "knows", "Ada")]}
    [free], _ = answered(tmp_path, [row("Complete the missing triples. " + asked, text)], known)
    [held], _ = answered(tmp_path, [row(asked, text)], known)
    head = free["facts"]["relations"][0]["head"]
    assert head["text"] == (placed or said) and ("start" in head) == (placed is not None)
    assert held["facts"]["relations"][0]["head"]["text"] == "Charles Babbage"


def test_a_language_model_may_leave_the_text_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Weights that know nothing never end a mention by themselves.
    monkeypatch.setattr("iepile.tasks.triple_shape.LONGEST", 5)
    folder = make_model(tmp_path / "model", byte_level_tokenizer(), width=40)
    rows = [row(asked, f"{n}弗雷泽参加北京奥运会。") | {"id": f"{n}{asked}"}
            for asked in (ASKED, REQUEST + ASKED) for n in range(2)]
    write_rows(tmp_path / "in.json", rows)
    engine = open_engine("transformers", str(folder), {"max_new_tokens": 150, "max_items": 2})
    summary = predict(PredictConfig(str(tmp_path / "in.json"), str(tmp_path / "pred.json")), engine)
    found = [r for _, r in read_rows(tmp_path / "pred.json")]
    held, free = ([f for r in part for f in r["facts"].get("relations", ())] for part in (found[:2], found[2:]))
    assert held and all("start" in f[end] for f in held for end in ("head", "tail"))
    assert free and not all("start" in f[end] for f in free for end in ("head", "tail"))
    assert all(f["type"] in ("参加", "获奖", "属于", "夺得") for f in (*held, *free))
    assert summary.completed > 0 and (summary.ungrounded, summary.errors, summary.invalid) == (0, 0, 0)
