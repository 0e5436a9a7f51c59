"""Hard negatives as a whole: what comes out, in which form, and that it is the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.mining.labels import Scored
from iepile.corpus.mining.merge import best, best_both_ways, merged
from iepile.corpus.mining.mine import METHODS, MiningOptions, mine
from iepile.corpus.negatives import NegativesConfig, negatives
from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows, write_rows
from iepile.records import Document
from iepile.schema import EntityType, EventType, RelationType, Role, Schema
from iepile.tasks.task import get_task
from iepile.unified import document_from_row

SCHEMA = Schema(
    entities=(EntityType("city", "a town"), EntityType("state", "part of a country"), EntityType("person"),
              EntityType("state capital", "the main town of a state")),
    relations=(RelationType("born in", domain=("person",), range=("city", "state")),
               RelationType("died in", domain=("person",), range=("city",)),
               RelationType("capital of", domain=("city",), range=("state",))),
    events=(EventType("hire", (Role("employer"), Role("employee"), Role("time"))),
            EventType("dismissal", (Role("employer"), Role("employee"))), EventType("flood", (Role("place"),))),
)
ROWS: list[dict[str, Any]] = [
    {"text": "Ada Vale moved to Marrow in May.", "entity": [
        {"entity": "Ada Vale", "entity_type": "person"}, {"entity": "Marrow", "entity_type": "city"}]},
    {"text": "The state of Marrow taxed Bo Lind.", "entity": [
        {"entity": "Marrow", "entity_type": "state"}, {"entity": "Bo Lind", "entity_type": "person"}]},
    {"text": "Bo Lind moved to Tarn in June.", "entity": [
        {"entity": "Bo Lind", "entity_type": "person"}, {"entity": "Tarn", "entity_type": "city"},
        {"entity": "Tarn", "entity_type": "state capital"}]},
    {"text": "Nothing here.", "entity": []},
    {"text": "Nobody looked at this one."},
    {"text": "The Oss flows.", "entity": [{"entity": "Oss", "entity_type": "river"}]},
]


def documents(rows: list[dict[str, Any]] = ROWS) -> list[Document]:
    return [document_from_row(r) for r in rows]


def prediction(text: str, gold: list[tuple[str, str]], answer: dict[str, list[str]]) -> dict[str, str]:
    label = [{"entity": m, "entity_type": t} for m, t in gold]
    question = {"instruction": "Find.", "schema": [e.name for e in SCHEMA.entities], "input": text}
    return {"id": text, "task": "NER", "source": "s", "instruction": json.dumps(question), "label": json.dumps(label),
            "output": json.dumps(answer)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    SCHEMA.write(tmp_path / "schema.json")
    write_rows(tmp_path / "docs.jsonl", ROWS)
    write_rows(tmp_path / "pred.json", [
        prediction("Marrow grew.", [("Marrow", "city")], {"state": ["Marrow"], "city": []}),
        prediction("Tarn grew.", [("Tarn", "city")], {"state": ["Tarn"], "city": ["Tarn"]}),
    ])
    return tmp_path


def config(folder: Path, **changes: Any) -> NegativesConfig:
    base = {"schema_path": f"{folder}/schema.json", "tgt_path": f"{folder}/hard.json", "task": "NER",
            "src_path": [f"{folder}/docs.jsonl"]}
    return NegativesConfig(**base | changes)


def test_every_label_gets_others_of_the_schema_best_first() -> None:
    found = mine(SCHEMA, "NER", documents=documents())
    table = found.table()
    assert list(table) == ["city", "state", "person", "state capital"]
    assert table["state"][0] in ("city", "state capital")
    for label, row in found.neighbours.items():
        assert label not in [n.label for n in row] and {n.label for n in row} < set(table)
        assert [n.score for n in row] == sorted((n.score for n in row), reverse=True)
        assert all(0 < n.score <= 1 and n.by_method and n.evidence for n in row)
    assert found.documents == 5
    assert found.skipped == {"documents without annotation": 1, "facts of labels that the schema lacks": 1}
    assert set(found.methods) == {"text", "mentions", "contexts"}  # entities have no fillers


def test_top_k_min_score_and_symmetric() -> None:
    every = mine(SCHEMA, "NER", MiningOptions(top_k=-1), documents())
    one = mine(SCHEMA, "NER", MiningOptions(top_k=1), documents())
    assert {a: row[:1] for a, row in every.table().items()} == one.table()
    floor = every.neighbours["city"][0].score
    high = mine(SCHEMA, "NER", MiningOptions(top_k=-1, min_score=floor), documents())
    assert all(n.score >= floor for row in high.neighbours.values() for n in row) and high.table()["city"]
    both = mine(SCHEMA, "NER", MiningOptions(top_k=1, symmetric=True), documents()).table()
    assert all(a in both[b] for a, row in both.items() for b in row) and any(both.values())


def test_order_of_records_and_hash_seed_change_nothing(folder: Path) -> None:
    outputs = []
    for seed, rows in (("0", ROWS), ("1", ROWS[::-1]), ("7", ROWS[3:] + ROWS[:3])):
        write_rows(folder / "docs.jsonl", rows)
        write_rows(folder / "pred.json", [r for _, r in read_rows(folder / "pred.json")][::-1])
        code = ("from iepile.corpus.negatives import *; negatives(NegativesConfig(schema_path='schema.json', "
                "src_path=['docs.jsonl'], predictions=['pred.json'], tgt_path='hard.json', scores='scores.json'))")
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        outputs.append(((folder / "hard.json").read_bytes(), (folder / "scores.json").read_bytes()))
    assert outputs[0] == outputs[1] == outputs[2]


def test_convert_reads_what_is_written(folder: Path) -> None:
    done = negatives(config(folder, top_k=1, scores=f"{folder}/scores.json"))
    assert (done.labels, done.pairs, done.without) == (4, 4, 0)
    hard = json.loads((folder / "hard.json").read_text("utf-8"))
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    assert {a: [n["label"] for n in row] for a, row in scores["neighbours"].items()} == hard
    write_rows(folder / "train.jsonl", ROWS[:1])
    convert(ConvertConfig(src_path=f"{folder}/train.jsonl", tgt_path=f"{folder}/rows.json", split_num=1,
                          schema_path=f"{folder}/schema.json", cluster_mode=True, strict=True,
                          hard_negative_path=f"{folder}/hard.json"))
    asked = [x for _, r in read_rows(folder / "rows.json") for x in read_instruction(r["instruction"]).schema]
    assert {"city", "person", *hard["city"], *hard["person"]} <= set(asked)


def test_a_three_level_file_keeps_its_other_parts(folder: Path) -> None:
    target = folder / "hard.json"
    before = {"RE": {"mine": {"x": ["y"], "y": []}}, "NER": {"other": {"a": []}, "mine": {"old": ["part"]}}}
    target.write_text(json.dumps(before), "utf-8")
    negatives(config(folder, dataset="mine"))
    after = json.loads(target.read_text("utf-8"))
    flat = mine(SCHEMA, "NER", documents=documents()).table()
    assert after == {"RE": before["RE"], "NER": {"other": {"a": []}, "mine": flat}}
    assert list(after) == ["RE", "NER"] and list(after["NER"]) == ["other", "mine"]
    negatives(config(folder, dataset="mine", task="EE", src_path=[]))
    assert list(json.loads(target.read_text("utf-8"))) == ["RE", "NER", "EE"]
    with pytest.raises(InputError, match="several data sets"):
        negatives(config(folder))
    # A dictionary in this form can be merged with what is mined.
    merged_in = negatives(config(folder, method=["dictionary"], dictionary=str(target), dictionary_dataset="mine",
                                 tgt_path=f"{folder}/again.json"))
    assert merged_in.methods == {"dictionary": 1.0}
    assert json.loads((folder / "again.json").read_text("utf-8")) == flat


def test_the_flat_form_is_replaced_and_never_mixed(folder: Path) -> None:
    target = folder / "hard.json"
    target.write_text('{"city": ["person"]}', "utf-8")
    with pytest.raises(InputError, match="three-level"):
        negatives(config(folder, dataset="mine"))
    negatives(config(folder))
    assert set(json.loads(target.read_text("utf-8"))) == {"city", "state", "person", "state capital"}
    target.write_text("not json", "utf-8")
    with pytest.raises(InputError, match="not JSON"):
        negatives(config(folder))


@pytest.mark.parametrize(("changes", "says"), [
    ({"method": ["texts"]}, "no method 'texts'"),
    ({"method": ["text=much"]}, "cannot be read"),
    ({"method": ["text=0"]}, "weighs 0"),
    ({"method": ["confusions"]}, "needs predictions"),
    ({"method": ["mentions"], "src_path": []}, "needs src_path"),
    ({"method": ["dictionary"]}, "needs dictionary"),
    ({"top_k": 0}, "top_k is 0"),
    ({"min_score": 2.0}, "min_score is 2"),
    ({"merge": "best"}, "merge is 'best'"),
    ({"task": "NERD"}, "unknown task"),
    ({"inspect": ["river"]}, "no NER label 'river'"),
    ({"tgt_path": None}, "nowhere to write"),
    ({"predictions": ["{folder}/docs.jsonl"]}, "has a NER label and an answer"),
])
def test_bad_settings_are_named_and_nothing_is_written(folder: Path, changes: dict[str, Any], says: str) -> None:
    if "predictions" in changes:
        changes = {"predictions": [f"{folder}/docs.jsonl"]}
    with pytest.raises(InputError, match=says):
        negatives(config(folder, **changes))
    assert not (folder / "hard.json").exists()


def test_a_schema_without_labels_of_the_task(folder: Path) -> None:
    (folder / "schema.json").write_text('["city"]\n[]\n{}\n', "utf-8")
    assert negatives(config(folder)).pairs == 0  # a single label has no other
    assert json.loads((folder / "hard.json").read_text("utf-8")) == {"city": []}
    with pytest.raises(InputError, match="nothing that RE can ask"):
        mine(Schema.of_entities("city"), "RE")


@pytest.mark.parametrize(("task", "labels"), [
    ("RE", ["born in", "died in", "capital of"]),
    ("EE", ["hire", "dismissal", "flood"]),
    ("EET", ["hire", "dismissal", "flood"]),
    ("EEA", ["hire", "dismissal", "flood"]),
    ("SPO", ["person_born in_city", "person_born in_state", "person_died in_city", "city_capital of_state"]),
    ("KG", ["city", "person"]),
])
def test_every_task_by_its_own_labels(task: str, labels: list[str]) -> None:
    known = [i.name for i in get_task(task).items(SCHEMA)]
    rows = [
        {"text": "Bo hired Al.", "event": [{"event_type": "hire", "event_trigger": "hired", "arguments": [
            {"argument": "Al", "role": "employee"}]}], "relation": [
            {"head": "Bo", "relation": "born in", "tail": "Tarn", "head_type": "person", "tail_type": "city"}]},
        {"text": "Bo let Al go.", "event": [{"event_type": "dismissal", "event_trigger": "let", "arguments": [
            {"argument": "Al", "role": "employee"}]}], "relation": [
            {"head": "Bo", "relation": "died in", "tail": "Tarn", "head_type": "person", "tail_type": "city"}]},
    ]
    table = mine(SCHEMA, task, documents=documents(rows)).table()
    assert list(table) == known and set(labels) <= set(known)
    assert all(set(row) <= set(known) - {a} for a, row in table.items())
    if task in ("EE", "EET", "EEA"):
        assert table["hire"][0] == "dismissal"
    if task == "RE":
        assert table["born in"][0] == "died in"
    if task == "SPO":
        assert table["person_died in_city"][0] == "person_born in_city"


SCORES = st.dictionaries(
    st.sampled_from("abcdx"), st.dictionaries(st.sampled_from("abcdx"), st.floats(0, 1), max_size=5), max_size=5
)


@given(first=SCORES, second=SCORES, how=st.sampled_from(("rank", "score")), k=st.sampled_from((-1, 1, 2)),
       floor=st.sampled_from((0.0, 0.3)), weight=st.floats(0.1, 10))
def test_merging_holds_its_promises(first: Any, second: Any, how: Any, k: int, floor: float, weight: float) -> None:
    found = {"one": (1.0, Scored(first, lambda a, b: ())), "two": (weight, Scored(second, lambda a, b: ()))}
    scores = merged(found, "abcd", how)
    for cut in (best, best_both_ways):
        table = cut(scores, k, floor)
        assert list(table) == list("abcd")
        for a, row in table.items():
            assert a not in [b for b, _ in row] and all(b in "abcd" for b, _ in row)
            assert row == sorted(row, key=lambda x: (-x[1], x[0])) and len({b for b, _ in row}) == len(row)
            assert all(floor <= s <= 1 and s > 0 for _, s in row) and (k < 0 or len(row) <= k)
            if cut is best_both_ways:
                assert all((a, s) in table[b] for b, s in row)


def test_the_command_shows_neighbours_with_their_evidence(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from iepile.cli import show
    from iepile.cli.main import main

    monkeypatch.chdir(folder)
    argv = ["negatives", "--schema_path", "schema.json", "--src_path", "docs.jsonl", "--predictions", "pred.json"]
    assert main([*argv, "--method", "mentions=1", "--method", "confusions=4", "--inspect", "city"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("city: 2 hard negatives\n  1.000  state\n") and not Path("hard.json").exists()
    assert "         confusions 1.000: answered so 2 times, of 2: marrow, tarn\n" in out
    try:
        assert main([*argv, "--method", "confusions", "--tgt_path", "hard.json", "--json"]) == 0
    finally:
        show.as_json = False
    told = json.loads(capsys.readouterr().out)
    assert told["methods"] == {"confusions": 4.0} and told["predictions"] == 2
    assert json.loads(Path("hard.json").read_text("utf-8"))["city"] == ["state"]


def test_every_method_has_a_default_weight() -> None:
    from iepile.corpus.mining.mine import DEFAULT_WEIGHTS

    assert list(DEFAULT_WEIGHTS) == list(METHODS)
