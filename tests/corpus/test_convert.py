"""Conversion as a whole: same bytes on any machine, every error by file and line, nothing half-written."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iepile.corpus.convert import ConvertConfig, ConvertSummary, convert
from iepile.corpus.converter import Converter
from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows, write_rows
from iepile.records import Facts
from iepile.schema import Schema
from iepile.tasks import Item, get_task
from iepile.unified import document_from_row

SCHEMA = """
entities: {person: a human being, place: where, thing: '', animal: '', year: ''}
relations: [likes, knows, born in]
events:
  meeting: {roles: {host: who invites, guest: who comes, place: where, time: when, topic: '', cost: ''}}
  fire: [place]
  birth:
"""
TEXT = 'Ada "met" Bob in Rome.'
RECORD = {
    "text": TEXT,
    "entity": [
        {"entity": "Bob", "entity_type": "person", "pos": [10, 13]},
        {"entity": "Ada", "entity_type": "person", "pos": [0, 3]},
        {"entity": "Rome", "entity_type": "place"},
    ],
    "relation": [{"head": "Ada", "relation": "knows", "tail": "Bob"}],
    "event": [
        {"event_trigger": '"met"', "event_type": "meeting", "trigger_pos": [4, 9],
         "arguments": [{"argument": "Ada", "role": "host"}, {"argument": "Bob", "role": "guest"},
                       {"argument": "Rome", "role": "place"}, {"argument": "Bob", "role": "topic"}]},
    ],
}


def records(n: int) -> list[dict[str, Any]]:
    return [RECORD | {"text": f"{TEXT} 第{i}"} for i in range(n)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    write_rows(tmp_path / "mine" / "sample.json", [RECORD])
    return tmp_path


def config(folder: Path, **more: Any) -> ConvertConfig:
    return ConvertConfig(**({
        "src_path": str(folder / "mine" / "sample.json"), "tgt_path": str(folder / "out.json"),
        "schema_path": str(folder / "schema.yaml"), "language": "en",
    } | more))


def rows(folder: Path, **more: Any) -> list[dict[str, Any]]:
    c = config(folder, **more)
    summary = convert(c)
    with Path(c.tgt_path).open(encoding="utf-8") as f:
        out = [json.loads(line) for line in f]
    assert summary.rows == len(out)
    return out


def asked(row: dict[str, Any]) -> list[Any]:
    return read_instruction(row["instruction"]).schema


def put(folder: Path, *lines: str) -> None:
    (folder / "mine" / "sample.json").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


# Form of the rows


def test_train_rows(folder: Path) -> None:
    got = rows(folder, task="NER", split_num=3)
    assert [list(r) for r in got] == [["task", "source", "instruction", "output"]] * 2
    assert [asked(r) for r in got] == [["animal", "person", "place"], ["thing", "year"]]
    assert json.loads(got[0]["output"]) == {"animal": [], "person": ["Ada", "Bob"], "place": ["Rome"]}
    assert {(r["task"], r["source"]) for r in got} == {("NER", "mine")}
    assert read_instruction(got[0]["instruction"]).input == TEXT


def test_test_rows(folder: Path) -> None:
    got = rows(folder, task="RE", split="test", split_num=2)
    assert [list(r) for r in got] == [["id", "task", "source", "instruction", "label"]] * 2
    assert [asked(r) for r in got] == [["likes", "knows"], ["born in"]]
    assert {r["label"] for r in got} == {'[{"head": "Ada", "relation": "knows", "tail": "Bob"}]'}
    assert {r["id"] for r in got} == {document_from_row(RECORD).key}


@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_rows_are_what_the_json_module_writes(folder: Path, task: str, split: str) -> None:
    strange = 'a"b\\c\nd\te\x01\x7f\u2028🙂{}'
    put(folder, json.dumps({"text": strange, "source": strange, "id": strange, "entity": [
        {"entity": 'b\\c\nd', "entity_type": "person"}], "relation": [], "event": []}))
    rows(folder, task=task, split=split, positions=True)
    for line in (folder / "out.json").read_text("utf-8").split("\n")[:-1]:
        row = json.loads(line)
        assert json.dumps(row, ensure_ascii=False) == line
        inner = json.loads(row["instruction"])
        assert json.dumps(inner, ensure_ascii=False) == row["instruction"]
        assert (inner["input"], row["source"]) == (strange, strange)
        for key in ("output", "label"):
            assert key not in row or json.dumps(json.loads(row[key]), ensure_ascii=False) == row[key]


def test_rows_of_one_document_are_the_same_lines(folder: Path) -> None:
    for task in ("NER", "RE", "EE"):
        c = config(folder, task=task, source="mine")
        convert(c)
        converter = Converter(get_task(task), Schema.read(c.schema_path), c)
        doc = msgspec.structs.replace(document_from_row(RECORD), source="mine")
        assert "".join(converter.rows(doc)).encode() == (folder / "out.json").read_bytes()


def test_several_tasks_of_one_schema(folder: Path) -> None:
    got = rows(folder, task="NER, RE,EE", split_num=-1)
    assert [r["task"] for r in got] == ["NER", "RE", "EE"]
    assert json.loads(got[1]["output"]) == {"born in": [], "knows": [{"subject": "Ada", "object": "Bob"}], "likes": []}
    test = rows(folder, task="NER,RE,EE", split="test", split_num=-1)
    assert [r["task"] for r in test] == ["NER", "RE", "EE"]
    assert len({r["id"] for r in test}) == 1
    assert asked(test[2])[1] == {"event_type": "fire", "trigger": True, "arguments": ["place"]}
    assert asked(test[2])[2] == {"event_type": "birth", "trigger": True, "arguments": []}


def test_positions(folder: Path) -> None:
    got = rows(folder, task="NER,EE", positions=True, split_num=-1)
    facts = [msgspec.convert(r["facts"], Facts) for r in got]
    assert [(e.span.text, e.span.offsets) for e in facts[0].entities] == [
        ("Bob", (10, 13)), ("Ada", (0, 3)), ("Rome", None)]
    assert facts[1].events[0].trigger is not None
    assert facts[1].events[0].trigger.offsets == (4, 9)
    test = rows(folder, task="NER", positions=True, split="test")
    assert json.loads(test[0]["label"])[0] == {"entity": "Bob", "entity_type": "person", "pos": [10, 13]}
    few = rows(folder, task="NER", positions=True, split_num=2)
    assert [len(r["facts"].get("entities", ())) for r in few] == [2, 1, 0]


def test_names_of_relation_ends(folder: Path) -> None:
    [row] = rows(folder, task="RE", re_keys="head_tail")
    assert json.loads(row["output"])["knows"] == [{"head": "Ada", "tail": "Bob"}]
    with pytest.raises(InputError, match="re_keys is for task RE"):
        convert(config(folder, task="NER", re_keys="head_tail"))


def test_strict_gives_each_part_of_a_big_type_its_own_answer(folder: Path) -> None:
    task = get_task("EE")
    got = rows(folder, task="EE", split_num=2, strict=True)
    mine = [r for r in got if asked(r)[-1]["event_type"] == "meeting" or asked(r)[0]["event_type"] == "meeting"]
    parts = []
    for row in mine:
        items = task.read_items(asked(row))
        assert len(items) <= 2
        assert all(len(i.roles) <= 2 for i in items)
        [event] = task.parse(row["output"], items).facts.events
        assert {a.role for a in event.arguments} <= {r for i in items for r in i.roles}
        parts.append(task.parse(row["output"], items).facts)
    assert len(parts) == 3
    whole = task.join(parts)
    assert whole.events[0].trigger is not None
    want = {(a.role, a.span.text) for a in document_from_row(RECORD).events[0].arguments}
    assert (len(whole.events), {(a.role, a.span.text) for a in whole.events[0].arguments}) == (1, want)


# Sources and ids


def test_source_of_a_row(folder: Path) -> None:
    put(folder, json.dumps(RECORD | {"source": "own"}), json.dumps(RECORD))
    assert [r["source"] for r in rows(folder, split_num=-1)] == ["own", "mine"]
    assert [r["source"] for r in rows(folder, split_num=-1, source="flag")] == ["flag", "flag"]
    (folder / "linked").symlink_to(folder / "mine")
    linked = str(folder / "linked" / "sample.json")
    assert [r["source"] for r in rows(folder, split_num=-1, src_path=linked)] == ["own", "linked"]


def test_source_of_a_bare_file_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "mine")
    assert rows(folder, split_num=-1, src_path="sample.json")[0]["source"] == "mine"


def test_equal_texts_stay_two_records(folder: Path) -> None:
    bare = {"text": TEXT}
    put(folder, *map(json.dumps, [bare, bare, bare | {"id": "x"}, bare | {"id": "x-2"}, bare | {"id": "x"},
                                  bare | {"id": "x-2"}, bare]))
    key = document_from_row(bare).key
    got = rows(folder, task="NER", split="test", split_num=2)
    ids = [k for k, _ in itertools.groupby(r["id"] for r in got)]
    assert ids == [key, f"{key}-2", "x", "x-2", "x-3", "x-2-2", f"{key}-3"]
    assert set(Counter(r["id"] for r in got).values()) == {3}
    assert all(read_instruction(r["instruction"]).input == TEXT for r in got)


@pytest.mark.parametrize("task", ["NER", "RE", "EE", "NER,RE,EE"])
def test_a_test_split_needs_no_annotation(folder: Path, task: str) -> None:
    put(folder, json.dumps({"text": TEXT}))
    got = rows(folder, task=task, split="test")
    assert got
    assert all("label" not in r for r in got)
    put(folder, json.dumps({"text": TEXT, "entity": [], "relation": [], "event": []}))
    assert all(r["label"] == "[]" for r in rows(folder, task=task, split="test"))


# What is asked


def test_no_negatives(folder: Path) -> None:
    put(folder, json.dumps(RECORD), json.dumps({"text": "x", "entity": []}))
    c = config(folder, task="NER", neg_schema=0)
    summary = convert(c)
    assert summary == ConvertSummary(2, 1, {"no labels to ask": 1}, {}, 0, c.tgt_path)
    assert asked(rows(folder, task="NER", neg_schema=0)[0]) == ["person", "place"]


def test_draws_do_not_hang_on_the_order_of_the_file(folder: Path) -> None:
    options: dict[str, Any] = {"task": "EE", "neg_schema": 0.4, "random_sort": True, "split_num": 2}
    write_rows(folder / "mine" / "sample.json", records(30))
    forward = Counter(r["instruction"] for r in rows(folder, **options))
    write_rows(folder / "mine" / "sample.json", records(30)[::-1])
    assert Counter(r["instruction"] for r in rows(folder, **options)) == forward
    assert Counter(r["instruction"] for r in rows(folder, **options, seed=1)) != forward


def test_hard_negatives(folder: Path) -> None:
    hard = folder / "hard.json"
    hard.write_text(json.dumps({"NER": {"one": {"person": ["animal", "gone"], "place": ["thing"]}}}))
    options: dict[str, Any] = {"cluster_mode": True, "hard_negative_path": str(hard), "split_num": 1}
    c = config(folder, **options, hard_negative_dataset="one")
    assert convert(c).hard_labels_dropped == 1
    names = [name for r in rows(folder, **options, hard_negative_dataset="one") for name in asked(r)]
    assert names == ["animal", "person", "place", "thing", "year"]
    for wrong, words in (
        ({}, "which data set"), ({"split": "test"}, "for training rows"), ({"hard_negative_path": None}, "dictionary"),
    ):
        with pytest.raises(InputError, match=words):
            convert(config(folder, **(options | wrong)))


@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
def test_sampled_labels_have_right_answers(folder: Path, task: str) -> None:
    write_rows(folder / "mine" / "sample.json", records(25))
    t = get_task(task)
    truth = t.canonical(document_from_row(RECORD).facts)
    for row in rows(folder, task=task, neg_schema=0.3, random_sort=True, split_num=2):
        items = t.read_items(asked(row))
        read = t.parse(row["output"], items)
        assert read.valid
        want = t.keys(t.about(truth, items))
        assert {g: Counter(k) for g, k in t.keys(read.facts).items()} == {g: Counter(k) for g, k in want.items()}


# The same bytes anywhere

SCRIPT = """
import itertools, sys
from iepile.corpus.convert import ConvertConfig, convert
if __name__ == "__main__":
    folder = sys.argv[1]
    jobs = [("a", dict(task="NER,RE,EE", split="test")),
            ("b", dict(task="NER,RE,EE", neg_schema=0.5, random_sort=True, positions=True)),
            ("c", dict(task="EE", strict=True, split_num=2)),
            ("d", dict(task="NER", cluster_mode=True, hard_negative_path=folder + "/hard.json"))]
    for name, more in jobs:
        convert(ConvertConfig(src_path=folder + "/mine/sample.json", schema_path=folder + "/schema.yaml",
                              tgt_path=f"{folder}/{sys.argv[2]}/{name}.json",
                              workers=int(sys.argv[3]) if name in "ab" else 1, **more))
"""


def test_same_bytes_for_any_hash_seed_and_any_number_of_workers(folder: Path) -> None:
    write_rows(folder / "mine" / "sample.json", records(600))
    (folder / "hard.json").write_text(json.dumps({"person": ["animal", "thing"], "place": ["year"]}))
    (folder / "job.py").write_text(SCRIPT)
    seen = []
    for seed, workers in ((0, 1), (1, 2), (7, 3)):
        subprocess.run([sys.executable, str(folder / "job.py"), str(folder), f"o{seed}", str(workers)], check=True,
                       env=os.environ | {"PYTHONHASHSEED": str(seed)}, timeout=120)
        seen.append({p.name: p.read_bytes() for p in sorted((folder / f"o{seed}").iterdir())})
    assert list(seen[0]) == ["a.json", "b.json", "c.json", "d.json"]
    assert seen[0] == seen[1] == seen[2]


# Errors


@pytest.mark.parametrize(
    ("line", "task", "field", "words"),
    [
        ({"text": "x", "entity": [{"entity": "x", "entity_type": "ghost"}]}, "NER", "entity", "no NER label 'ghost'"),
        ({"text": "x", "relation": [{"head": "x", "relation": "q", "tail": "x"}]}, "RE", "relation", "RE label 'q'"),
        ({"text": "x", "event": [{"event_type": "fire", "event_trigger": "x", "arguments": [
            {"argument": "x", "role": "cause"}]}]}, "EE", "event.arguments.role", "gives 'fire' no role 'cause'"),
        ({"entity": []}, "NER", "text", "no `text`"),
        ({"text": 5, "entity": []}, "NER", "text", "a number"),
        ({"text": "x", "entity": []}, "RE", "relation", "no RE annotation"),
        ({"text": "x", "relation": [{"head": "x", "relation": "likes"}]}, "RE", "relation[0].tail", "no `tail`"),
    ],
)
def test_a_bad_record_is_named_and_nothing_is_written(
    folder: Path, line: dict[str, Any], task: str, field: str, words: str, workers: int = 1
) -> None:
    put(folder, json.dumps(RECORD), "", json.dumps(line))
    (folder / "out.json").write_text("before")
    c = config(folder, task=task, workers=workers)
    with pytest.raises(InputError, match=words) as e:
        convert(c)
    assert (e.value.file, e.value.line, e.value.field) == (c.src_path, 3, field)
    assert (folder / "out.json").read_text() == "before"
    assert sorted(p.name for p in folder.iterdir()) == ["mine", "out.json", "schema.yaml"]


def test_a_bad_record_in_a_worker(folder: Path) -> None:
    test_a_bad_record_is_named_and_nothing_is_written(
        folder, {"text": 5, "entity": []}, "NER", "text", "a number", workers=2)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"task": "XYZ"}, "unknown task"),
        ({"language": "fr"}, "no wording"),
        ({"split": "valid"}, "split is 'valid'"),
        ({"split_num": 0}, "split_num is 0"),
        ({"neg_schema": 1.5}, "neg_schema is 1.5"),
        ({"workers": 0}, "workers is 0"),
        ({"src_path": "/none/x.json"}, "no such file"),
        ({"schema_path": "/none/x.json"}, "no such file"),
        ({"tgt_path": "/proc/none/x.json"}, "cannot be written"),
        ({"cluster_mode": True}, "needs a dictionary"),
    ],
)
def test_bad_usage(folder: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        convert(config(folder, **more))
    assert not (folder / "out.json").exists()


def test_a_schema_without_labels_for_the_task(folder: Path) -> None:
    (folder / "schema.yaml").write_text("relations: [likes]")
    with pytest.raises(InputError, match="nothing that NER can ask") as e:
        convert(config(folder))
    assert e.value.file == str(folder / "schema.yaml")


@pytest.mark.parametrize("data", ["", "\n\n", "[]"])
def test_an_empty_file(folder: Path, data: str) -> None:
    (folder / "mine" / "sample.json").write_text(data)
    with pytest.raises(InputError, match="the file is empty"):
        convert(config(folder))
    assert not (folder / "out.json").exists()


def test_compressed_in_and_out(folder: Path) -> None:
    plain = rows(folder)
    write_rows(folder / "mine" / "sample.json.zst", [RECORD])
    c = config(folder, src_path=str(folder / "mine" / "sample.json.zst"), tgt_path=str(folder / "out.json.gz"))
    convert(c)
    assert [row for _, row in read_rows(c.tgt_path)] == plain


def test_items_sort_by_name_then_roles() -> None:
    assert sorted([Item("b"), Item("a", ("s",)), Item("a", ("r", "s")), Item("a")]) == [
        Item("a"), Item("a", ("r", "s")), Item("a", ("s",)), Item("b")]
