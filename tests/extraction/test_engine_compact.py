"""The compact engine: every task it can do, in one model; told triggers; what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.corpus.convert import ConvertConfig, convert
from iepile.errors import InputError
from iepile.extraction.engines.engine import Request, open_engine
from iepile.extraction.predict import guess_engine
from iepile.jsonl import read_rows, write_rows
from iepile.tasks.task import get_task
from iepile.training.compact_rows import CompactJob, train_compact

FIRMS = ["青麦食品", "白芦乳业", "远山科技", "星河医药", "临溪集团", "云栖能源", "北岸电力", "松塔软件"]
SCHEMA = '["收购", "裁员"]\n["收购方", "被收购方", "裁员方"]\n{"收购": ["收购方", "被收购方"], "裁员": ["裁员方"]}\n'


def documents() -> list[dict]:
    rows = []
    for a in FIRMS:
        for b in FIRMS:
            if a != b:
                buy = {"event_type": "收购", "event_trigger": "收购", "arguments": [
                    {"argument": a, "role": "收购方"}, {"argument": b, "role": "被收购方"}]}
                lay = {"event_type": "裁员", "event_trigger": "裁员", "arguments": [{"argument": a, "role": "裁员方"}]}
                rows.append({"text": f"{a}昨日收购{b}。", "event": [buy]})
                rows.append({"text": f"{a}今年裁员，{b}没有。", "event": [lay]})
    # Two events of one type and one trigger word: each has its own arguments.
    rows += [two_events(*(FIRMS[(k + step * n) % 8] for n in range(4))) for k in range(8) for step in (1, 3, 5)]
    return rows


def two_events(*firms: str) -> dict:
    a, b, c, d = firms
    events = [{"event_type": "收购", "event_trigger": "收购", "arguments": [
        {"argument": x, "role": "收购方"}, {"argument": y, "role": "被收购方"}]} for x, y in ((a, b), (c, d))]
    return {"text": f"{a}昨日收购{b}，{c}收购{d}。", "event": events}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compact")
    write_rows(folder / "docs.jsonl", documents())
    (folder / "schema.json").write_text(SCHEMA, encoding="utf-8")
    for split in ("train", "test"):
        convert(ConvertConfig(src_path=str(folder / "docs.jsonl"), tgt_path=str(folder / f"{split}.jsonl"), split=split,
                              schema_path=str(folder / "schema.json"), task="EE,EET,EEA"))
    train_compact(CompactJob(train_file=[str(folder / "train.jsonl")], output_dir=str(folder / "run"), tokens=30_000,
                             threads=1, seed=1))
    return folder


def test_it_answers_events_triggers_and_arguments_of_told_triggers(folder: Path) -> None:
    engine = open_engine("compact", str(folder / "run/model"), {})
    rows = [row for _, row in read_rows(folder / "test.jsonl")][:60]
    right = {"EE": 0, "EET": 0, "EEA": 0}
    for row, done in zip(rows, engine.generate(
            Request(str(n), r["task"], r["instruction"]) for n, r in enumerate(rows)), strict=True):
        task = get_task(row["task"])
        items = task.read_items(json.loads(row["instruction"])["schema"])
        answer = task.parse(done.text, items)
        assert answer.valid
        gold = task.canonical(task.read_label_rows(json.loads(row["label"])))
        right[row["task"]] += task.keys(answer.facts) == task.keys(gold)
        if task.name == "EEA":
            assert {e.trigger.text for e in done.facts.events} == {w for i in items for w in i.about}
    assert all(n >= 15 for n in right.values()), right
    engine.close()


def test_two_events_of_one_type_keep_their_own_arguments(folder: Path) -> None:
    engine = open_engine("compact", str(folder / "run/model"), {})
    schema = [{"event_type": "收购", "trigger": True, "arguments": ["收购方", "被收购方"]}]
    orders = [[FIRMS[(k + n * step) % 8] for n in range(4)] for k in range(8) for step in (7, 5)]
    assert not {two_events(*o)["text"] for o in orders[::2]} & {d["text"] for d in documents()}  # unseen in training
    right = 0
    for n, firms in enumerate(orders):
        asked = json.dumps({"instruction": "x", "schema": schema, "input": two_events(*firms)["text"]})
        (done,) = engine.generate([Request(str(n), "EE", asked)])
        mine = [{a.role: a.span.text for a in e.arguments} for e in done.facts.events]
        pairs = (firms[:2], firms[2:])
        right += mine == [{"收购方": x, "被收购方": y} for x, y in pairs]
        answered = json.loads(done.text)["收购"]
        assert len(answered) == len(done.facts.events)
    assert right >= 13, right


def test_a_told_trigger_is_answered_wherever_the_model_would_look(folder: Path) -> None:
    engine = open_engine("compact", str(folder / "run/model"), {})
    question = [{"event_type": "收购", "trigger": ["昨日", "不在"], "arguments": ["收购方"]}]
    asked = json.dumps({"instruction": "x", "schema": question, "input": "青麦食品昨日收购白芦乳业。"})
    (done,) = engine.generate([Request("a", "EEA", asked)])
    first, second = done.facts.events
    assert first.trigger.offsets == (4, 6) and second.trigger is None


def test_a_trigger_told_twice_is_that_of_two_events(folder: Path) -> None:
    engine = open_engine("compact", str(folder / "run/model"), {})
    question = [{"event_type": "收购", "trigger": ["收购", "收购"], "arguments": ["收购方", "被收购方"]}]
    text = two_events(*FIRMS[:4])["text"]
    asked = json.dumps({"instruction": "x", "schema": question, "input": text})
    (done,) = engine.generate([Request("a", "EEA", asked)])
    assert [e.trigger.offsets for e in done.facts.events] == [(6, 8), (17, 19)]
    assert [{a.span.text for a in e.arguments} for e in done.facts.events] == [set(FIRMS[:2]), set(FIRMS[2:4])]


@pytest.mark.parametrize("task", ["SPO", "KG"])
def test_relations_by_type_are_refused_with_the_line(tmp_path: Path, task: str) -> None:
    relation = {"head": "甲", "head_type": "人", "relation": "友", "tail": "乙", "tail_type": "人"}
    write_rows(tmp_path / "d.jsonl", [{"text": "甲和乙", "relation": [relation]}])
    (tmp_path / "s.yaml").write_text(
        "{entities: [人], relations: {友: {domain: [人], range: [人]}}}", encoding="utf-8")
    convert(ConvertConfig(src_path=str(tmp_path / "d.jsonl"), tgt_path=str(tmp_path / "t.jsonl"),
                          schema_path=str(tmp_path / "s.yaml"), task=task))
    with pytest.raises(InputError, match=f"does not do {task}") as info:
        train_compact(CompactJob(train_file=[str(tmp_path / "t.jsonl")], output_dir=str(tmp_path / "run")))
    assert info.value.line == 1


def test_an_exported_model_is_served_by_onnx_runtime_with_the_same_answers(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from iepile.models.compact.onnx_export import export_onnx

    exported = export_onnx(folder / "run/model", tmp_path / "onnx")
    rows = [row for _, row in read_rows(folder / "test.jsonl")][:60]
    asked = [Request(str(n), r["task"], r["instruction"]) for n, r in enumerate(rows)]
    ours = list(open_engine("compact", str(folder / "run/model"), {}).generate(asked))
    served = list(open_engine("compact", str(exported), {"threads": 1}).generate(asked))
    assert [c.text for c in served] == [c.text for c in ours]
    assert len({c.text for c in ours}) > 20
    assert [len(c.facts.events) for c in served] == [len(c.facts.events) for c in ours]
    assert guess_engine(str(exported)) == "compact"
