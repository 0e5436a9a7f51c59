"""Conversion of every task with every option: right answers, same bytes anywhere, errors that help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.convert import ConvertConfig, ConvertSummary, convert
from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows, write_rows
from iepile.tasks import get_task, task_names
from iepile.unified import document_from_row

TASKS = ["NER", "RE", "SPO", "KG", "EE", "EET", "EEA"]
SCHEMA = """
entities: {person: a human being, place: where, thing: '', year: ''}
relations:
  born in: {pairs: [[person, place], [person, year]], description: place or time of birth}
  likes: {domain: [person], range: [person, thing], description: is fond of}
  near: {domain: [place], range: [place]}
events:
  meeting: {roles: {host: who invites, guest: who comes, place: where, time: when, cost: ''}, description: to meet}
  fire: [place]
  birth:
"""
RECORD: dict[str, Any] = {
    "text": "Ada, born in Rome in 1912, met Bob. Ada met him again. She likes tea.",
    "entity": [{"entity": "Ada", "entity_type": "person"}, {"entity": "Rome", "entity_type": "place"}],
    "relation": [
        {"head": "Ada", "head_type": "person", "relation": "born in", "tail": "1912", "tail_type": "year"},
        {"head": "Ada", "head_type": "person", "relation": "born in", "tail": "Rome", "tail_type": "place"},
        {"head": "Ada", "head_type": "person", "relation": "likes", "tail": "tea", "tail_type": "thing"},
    ],
    "event": [
        {"event_trigger": "met", "event_type": "meeting", "arguments": [
            {"argument": "Ada", "role": "host"}, {"argument": "Bob", "role": "guest"}]},
        {"event_trigger": "met", "event_type": "meeting", "arguments": [{"argument": "Ada", "role": "host"}]},
    ],
}
EMPTY: dict[str, Any] = {"text": "Nothing.", "entity": [], "relation": [], "event": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    put(tmp_path, [RECORD, EMPTY])
    return tmp_path


def put(folder: Path, records: list[dict[str, Any]]) -> None:
    write_rows(folder / "mine" / "sample.json", records)


def config(folder: Path, **more: Any) -> ConvertConfig:
    return ConvertConfig(**({
        "src_path": str(folder / "mine" / "sample.json"), "tgt_path": str(folder / "out.json"),
        "schema_path": str(folder / "schema.yaml"), "language": "en",
    } | more))


def rows(folder: Path, **more: Any) -> list[dict[str, Any]]:
    c = config(folder, **more)
    summary = convert(c)
    found = [row for _, row in read_rows(c.tgt_path)] if summary.rows else []
    assert len(found) == summary.rows
    return found


def asked(row: dict[str, Any]) -> Any:
    return json.loads(row["instruction"])["schema"]


def answers(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [json.loads(r["output"]) for r in found]


# Each task


def test_spo_asks_one_predicate_once(folder: Path) -> None:
    put(folder, [RECORD])
    got = rows(folder, task="SPO", split_num=8)
    assert [[tuple(q.values()) for q in asked(r)] for r in got] == [
        [("person", "born in", "place"), ("person", "likes", "person"), ("place", "near", "place")],
        [("person", "born in", "year"), ("person", "likes", "thing")],
    ]
    assert answers(got) == [
        {"born in": [{"subject": "Ada", "object": "Rome"}], "likes": [], "near": []},
        {"born in": [{"subject": "Ada", "object": "1912"}], "likes": [{"subject": "Ada", "object": "tea"}]},
    ]
    label = json.loads(rows(folder, task="SPO", split="test")[0]["label"])
    assert label == RECORD["relation"]


def test_spo_needs_types(folder: Path) -> None:
    put(folder, [EMPTY, {"text": "x", "relation": [{"head": "x", "relation": "likes", "tail": "x"}]}])
    for split in ("train", "test"):
        with pytest.raises(InputError, match="has no head_type") as e:
            convert(config(folder, task="SPO", split=split))
        assert (e.value.line, e.value.field) == (2, "relation.head_type")


def test_kg_asks_every_type_with_its_own_attributes(folder: Path) -> None:
    put(folder, [RECORD])
    got = rows(folder, task="KG", split_num=1)
    assert [asked(r) for r in got] == [
        [{"entity_type": "person", "attributes": ["born in", "likes"]}],
        [{"entity_type": "place", "attributes": ["near"]}]]
    assert answers(got) == [{"person": {"Ada": {"born in": ["Rome", "1912"], "likes": "tea"}}}, {"place": {}}]


def test_kg_counts_what_the_schema_has_not(folder: Path) -> None:
    put(folder, [{"text": "x", "relation": [{"head": "x", "relation": r, "tail": "y"} for r in ("near", "hates")]}])
    c = config(folder, task="KG")
    summary = convert(c)
    assert summary == ConvertSummary(1, 1, left_out={"relations that no type of the schema has": 1},
                                     target=c.tgt_path)
    assert answers([row for _, row in read_rows(c.tgt_path)])[0]["place"] == {"x": {"near": "y"}}


def test_eet(folder: Path) -> None:
    assert answers(rows(folder, task="EET")) == [{"birth": [], "fire": [], "meeting": ["met"]},
                                                 {"birth": [], "fire": [], "meeting": []}]


def test_eea_asks_only_what_is_there(folder: Path) -> None:
    c = config(folder, task="EEA")
    assert convert(c).skipped == {"no labels to ask": 1}
    for split in ("train", "test"):
        (row,) = rows(folder, task="EEA", split=split)
        assert asked(row) == [{"event_type": "meeting", "trigger": ["met"],
                               "arguments": ["host", "guest", "place", "time", "cost"]}]
    put(folder, [{"text": "x"}])
    (row,) = rows(folder, task="EEA", split="test")
    assert asked(row)[0] == {"event_type": "meeting", "arguments": ["host", "guest", "place", "time", "cost"]}
    assert "label" not in row


# Options that all tasks take

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {}, "dev": {"split": "dev"}, "few": {"neg_schema": 0.3, "random_sort": True}, "none": {"neg_schema": 0},
    "strict": {"strict": True, "split_num": 2}, "hard": {"cluster_mode": True, "split_num": 2},
    "hard shuffled": {"cluster_mode": True, "random_sort": True, "strict": True, "split_num": 2},
    "thin": {"negative_ratio": 1.0, "split_num": 1}, "positions": {"positions": True},
}
HARD = {"person": ["place", "gone"], "born in": ["likes"], "person_likes_thing": ["person_likes_person", "gone"],
        "meeting": ["fire", "gone"], "gone": []}


def with_dictionary(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    (folder / "hard.json").write_text(json.dumps(HARD))
    return options | ({"hard_negative_path": str(folder / "hard.json")} if "cluster_mode" in options else {})


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("task", TASKS)
def test_answers_are_right(folder: Path, task: str, options: dict[str, Any]) -> None:
    put(folder, [RECORD | {"text": f"{RECORD['text']} {n}"} for n in range(12)])
    t = get_task(task)
    options = with_dictionary(folder, options)
    got = rows(folder, task=task, **options)
    truth = t.canonical(document_from_row(RECORD).facts)
    by_text: dict[str, list[Any]] = {}
    for row in got:
        items = t.read_items(read_instruction(row["instruction"]).schema)
        read = t.parse(row["output"], items)
        assert read.valid
        assert len({t.key(i) for i in items}) == len(items)
        if options.get("strict"):
            assert len(items) <= 2 and all(len(i.roles) <= 2 for i in items)
        want = t.keys(t.about(truth, items))
        assert {g: Counter(k) for g, k in t.keys(read.facts).items()} == {g: Counter(k) for g, k in want.items()}
        by_text.setdefault(read_instruction(row["instruction"]).input, []).append(read.facts)
    assert len(by_text) == 12
    if options.get("neg_schema", 1) == 1 and task != "KG":  # every positive is asked
        for parts in by_text.values():
            assert {g: Counter(k) for g, k in t.keys(t.join(parts)).items()} == {
                g: Counter(k) for g, k in t.keys(truth).items()}


@pytest.mark.parametrize("task", [*TASKS, ",".join(TASKS)])
def test_a_test_split_needs_no_annotation(folder: Path, task: str) -> None:
    put(folder, [{"text": "Ada."}])
    got = rows(folder, task=task, split="test")
    assert {r["task"] for r in got} == set(task.split(","))
    assert all("label" not in r for r in got)


def test_a_task_that_comes_new_is_tried_here() -> None:
    assert set(TASKS) == {n for n in task_names() if n != "TRIPLES"}  # test_worded.py


def test_dev_rows_are_training_rows(folder: Path) -> None:
    assert rows(folder, task="NER", split="dev") == rows(folder, task="NER", split="train")


def test_hard_negatives_choose_attributes_of_a_type(folder: Path) -> None:
    (folder / "schema.yaml").write_text("relations: {born in: {domain: p}, a: {domain: p}, b: {domain: p}, "
                                        "c: {domain: p}, d: {domain: p}}")
    (folder / "hard.json").write_text(json.dumps({"born in": ["d"]}))
    put(folder, [{"text": f"x {n}", "relation": [{"head": "x", "relation": "born in", "tail": "x"}]}
                 for n in range(30)])
    got = rows(folder, task="KG", split_num=1, cluster_mode=True, hard_negative_path=str(folder / "hard.json"))
    sets = {tuple(asked(r)[0]["attributes"]) for r in got}
    assert sets == {(x, "born in", "d") for x in "a"} | {("b", "born in", "d"), ("born in", "c", "d")}


# The ratio of rows without an answer


@pytest.mark.parametrize("ratio", [0.0, 0.5, 2.0, 100.0])
def test_negative_ratio(folder: Path, ratio: float) -> None:
    put(folder, [(RECORD if n % 5 == 0 else EMPTY) | {"text": f"{RECORD['text']} {n}"} for n in range(500)])
    options: dict[str, Any] = {"task": "NER,RE", "split_num": 1}
    everything = rows(folder, **options)
    c = config(folder, **options, negative_ratio=ratio)
    summary = convert(c)
    kept = [row for _, row in read_rows(c.tgt_path)]
    for task in ("NER", "RE"):
        full, empty = ([r for r in found if r["task"] == task and any(json.loads(r["output"]).values()) == answered]
                       for found, answered in ((kept, True), (kept, False)))
        assert full == [r for r in everything if r["task"] == task and any(json.loads(r["output"]).values())]
        there = sum(r["task"] == task for r in everything) - len(full)
        assert abs(len(empty) - min(there, ratio * len(full))) <= 4 * (ratio * len(full)) ** 0.5
    assert summary.left_out.get("rows without an answer", 0) == len(everything) - len(kept)
    remaining = iter(everything)
    assert all(row in remaining for row in kept)  # their order stays


def test_rows_are_drawn_one_by_one(folder: Path) -> None:
    """Which rows of a record stay does not hang on where the record stands; no label is favoured."""
    records = [(RECORD if n % 3 == 0 else EMPTY) | {"text": f"text {n}"} for n in range(600)]
    put(folder, records)
    options: dict[str, Any] = {"task": "NER", "split_num": 1, "negative_ratio": 1.0}
    one = rows(folder, **options)
    put(folder, records[::-1])
    assert Counter(r["instruction"] for r in rows(folder, **options)) == Counter(r["instruction"] for r in one)
    names = Counter(asked(r)[0] for r in one if not any(json.loads(r["output"]).values()))
    # person and place are negative in 400 records, thing and year in all 600.
    assert len(names) == 4
    assert abs(names["thing"] - names["year"]) < 60
    assert 0.5 < names["person"] / names["thing"] < 0.85
    assert rows(folder, **options, seed=7) != rows(folder, **options)


def test_the_same_rows_on_two_workers(folder: Path) -> None:
    put(folder, [(RECORD if n % 3 == 0 else EMPTY) | {"text": f"text {n}"} for n in range(600)])
    got = []
    for workers in (1, 2):
        c = config(folder, task=",".join(TASKS), negative_ratio=1.5, random_sort=True, neg_schema=0.7, workers=workers)
        got.append((convert(c), Path(c.tgt_path).read_bytes()))
    assert got[0] == got[1]


def test_the_same_bytes_for_any_hash_seed(folder: Path) -> None:
    put(folder, [(RECORD if n % 3 == 0 else EMPTY) | {"text": f"text {n}"} for n in range(40)])
    (folder / "hard.json").write_text(json.dumps(HARD))
    common = ["--src_path", f"{folder}/mine/sample.json", "--schema_path", f"{folder}/schema.yaml", "--language", "en",
              "--task", ",".join(TASKS)]
    seen = []
    for seed in ("0", "1", "7"):
        got, env = [], os.environ | {"PYTHONHASHSEED": seed}
        for more in (["--split", "test"], ["--neg_schema", "0.5", "--random_sort", "--negative_ratio", "1"],
                     ["--cluster_mode", "--hard_negative_path", f"{folder}/hard.json", "--strict", "--split_num", "2"]):
            command = [sys.executable, "-m", "iepile", "convert", *common, "--tgt_path", f"{folder}/o.json", *more]
            subprocess.run(command, check=True, capture_output=True, env=env, timeout=60)
            got.append((folder / "o.json").read_bytes())
        seen.append(got)
    assert seen[0] == seen[1] == seen[2]
    assert all(seen[0])


# Descriptions and wording


def test_descriptions_in_questions_read_back(folder: Path) -> None:
    put(folder, [RECORD])
    plain = {t: rows(folder, task=t, split_num=-1) for t in TASKS}
    for task in TASKS:
        t = get_task(task)
        if task == "SPO":
            with pytest.raises(InputError, match="no place for descriptions"):
                convert(config(folder, task=task, descriptions=True))
            continue
        (got,), (bare,) = rows(folder, task=task, split_num=-1, descriptions=True), plain[task]
        assert got["output"] == bare["output"]
        assert got["instruction"] != bare["instruction"]
        items = [t.read_items(read_instruction(r["instruction"]).schema) for r in (got, bare)]
        assert items[0] == items[1]
    assert asked(rows(folder, task="NER", split_num=-1, descriptions=True)[0]) == {
        "person": "a human being", "place": "where", "thing": "", "year": ""}
    assert asked(rows(folder, task="EE", descriptions=True)[0])[2] == {
        "event_type": "meeting", "trigger": True,
        "arguments": {"host": "who invites", "guest": "who comes", "place": "where", "time": "when", "cost": ""}}
    test = rows(folder, task="KG", split="test", descriptions=True)
    assert asked(test[0])[0]["attributes"]["likes"] == "is fond of"


def test_descriptions_need_a_schema_that_has_some(folder: Path) -> None:
    (folder / "schema.yaml").write_text("entities: [person, place]")
    with pytest.raises(InputError, match="no descriptions") as e:
        convert(config(folder, task="NER", descriptions=True))
    assert e.value.file == str(folder / "schema.yaml")


def test_wording_of_ones_own(folder: Path) -> None:
    own = folder / "own.toml"
    own.write_text('[en]\nNER = "Find these."\n[de]\nNER = "Finde diese."\n')
    for language, want in (("en", "Find these."), ("de", "Finde diese.")):
        got = rows(folder, task="NER", wording=str(own), language=language)
        assert {read_instruction(r["instruction"]).prompt for r in got} == {want}
    assert rows(folder, task="RE", wording=str(own)) == rows(folder, task="RE")
    with pytest.raises(InputError, match="no de prompt for task RE"):
        convert(config(folder, task="RE", wording=str(own), language="de"))
    with pytest.raises(InputError, match="no wording for language 'fr'"):
        convert(config(folder, wording=str(own), language="fr"))


@pytest.mark.parametrize(("more", "words"), [
    ({"negative_ratio": -1.0}, "negative_ratio is -1.0"),
    ({"negative_ratio": 2.0, "split": "test"}, "for split test"),
    ({"negative_ratio": float("nan")}, "negative_ratio is nan"),
    ({"wording": "/none.toml"}, "no such file"),
    ({"task": "SPO", "schema_path": "plain"}, "nothing that SPO can ask"),
])
def test_bad_usage(folder: Path, more: dict[str, Any], words: str) -> None:
    if "schema_path" in more:
        (folder / "plain.yaml").write_text("relations: [likes]")
        more = more | {"schema_path": str(folder / "plain.yaml")}
    with pytest.raises(InputError, match=words):
        convert(config(folder, **more))
    assert not (folder / "out.json").exists()
