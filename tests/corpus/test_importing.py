"""Raw files to documents, whole or in parts, with the labels they use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.importing import ImportConfig, ImportSummary, import_documents, observed
from iepile.errors import InputError
from iepile.jsonl import read_rows, write_rows
from iepile.records import Argument, Document, Entity, Event, Relation, Span
from iepile.schema import EventType, RelationType, Role, Schema

BMES = "阿 B-PER\n达 E-PER\n去 O\n罗 B-LOC\n马 E-LOC\n\n好 S-1\n\n"


def documents(n: int) -> list[dict[str, Any]]:
    return [{"text": f"Ada {i}", "id": str(i), "source": "s", "language": "en",
             "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}]} for i in range(n)]


def run(folder: Path, **more: Any) -> ImportSummary:
    return import_documents(ImportConfig(**({
        "src_path": str(folder / "raw.json"), "tgt_path": str(folder / "out.json"),
    } | more)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path / "raw.json", documents(10))
    return tmp_path


def test_whole(folder: Path) -> None:
    summary = run(folder)
    assert (summary.documents, summary.entities, summary.relations, summary.events) == (10, 10, 0, 0)
    assert summary.files == {str(folder / "out.json"): 10}
    assert [row for _, row in read_rows(folder / "out.json")] == documents(10)


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [("train=6,test=3", [6, 3]), ("train=0.8,dev=0.1,test=0.1", [8, 1, 1]), ("all=1", [10]),
     ("a=0.33,b=0.33,c=0.34", [3, 4, 3]), ("a=0,b=10", [0, 10])],
)
def test_parts(folder: Path, parts: str, sizes: list[int]) -> None:
    target = str(folder / "{x}{part}.json")
    summary = run(folder, tgt_path=target, parts=parts)
    assert list(summary.files.values()) == sizes
    ids = [row["id"] for path, n in summary.files.items() if n for _, row in read_rows(path)]
    assert len(set(ids)) == len(ids) == sum(sizes)
    assert run(folder, tgt_path=target, parts=parts).files == summary.files
    assert [row["id"] for path, n in summary.files.items() if n for _, row in read_rows(path)] == ids


def test_a_seed_shuffles(folder: Path) -> None:
    def first(seed: int) -> list[str]:
        run(folder, tgt_path=str(folder / "{part}.json"), parts="a=10", seed=seed)
        return [row["id"] for _, row in read_rows(folder / "a.json")]

    assert first(1) == first(1) != first(2)
    assert sorted(first(2), key=int) == [str(i) for i in range(10)]


@pytest.mark.parametrize(
    ("parts", "words"),
    [("train", "cannot be read"), ("a=x", "cannot be read"), ("a=-1", "cannot be read"), ("=1", "cannot be read"),
     ("a=nan", "cannot be read"), ("a=inf", "cannot be read"), ("a=5,a=5", "twice"), ("a=11", "11 of 10"),
     ("a=0.5,b=0.4", "0.9 of 10"), ("a=1.5", "1.5 of 10")],
)
def test_parts_that_cannot_be(folder: Path, parts: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as e:
        run(folder, tgt_path=str(folder / "{part}.json"), parts=parts)
    assert e.value.field == "parts"
    assert [p.name for p in folder.iterdir()] == ["raw.json"]


def test_bad_targets_are_found_before_the_work(folder: Path) -> None:
    with pytest.raises(InputError, match="place in the name"):
        run(folder, parts="a=1")
    with pytest.raises(InputError, match="cannot be written"):
        run(folder, schema_path="/proc/none/schema.json")
    assert [p.name for p in folder.iterdir()] == ["raw.json"]


def test_label_names_and_schema(folder: Path) -> None:
    (folder / "raw.bmes").write_text(BMES, encoding="utf-8")
    # Raw labels that YAML would take for a truth value or a number stay what they are.
    (folder / "names.yaml").write_text("\ufeffPER: person\nLOC: place\n1: thing\nNO: nothing\n", encoding="utf-8")
    summary = run(folder, src_path=str(folder / "raw.bmes"), label_names=str(folder / "names.yaml"),
                  schema_path=str(folder / "schema.yaml"), source="mine", language="zh")
    assert (summary.documents, summary.entities) == (2, 3)
    assert Schema.read(folder / "schema.yaml").entity_names == ("person", "place", "thing")
    got = [row for _, row in read_rows(folder / "out.json")]
    assert [e["entity_type"] for row in got for e in row["entity"]] == ["person", "place", "thing"]
    assert {(row["source"], row["language"]) for row in got} == {("mine", "zh")}


@pytest.mark.parametrize("text", ["[a]", "a: [b]", "a: [", "x"])
def test_label_names_of_a_wrong_form(folder: Path, text: str) -> None:
    (folder / "names.yaml").write_text(text)
    with pytest.raises(InputError) as e:
        run(folder, label_names=str(folder / "names.yaml"))
    assert e.value.field == "label_names"


def test_observed_labels() -> None:
    a, b = Span("a"), Span("b")
    doc = Document("a b", entities=(Entity("t", a), Entity("s", b), Entity("t", b)), relations=(
        Relation("r", a, b, "t", "s"), Relation("r", b, a, "s", "s"), Relation("q", a, b, "t")), events=(
        Event("e", a, (Argument("x", b),)), Event("e", b, (Argument("y", b), Argument("x", a))), Event("f")))
    schema = observed(doc)
    assert schema.entity_names == ("t", "s")
    assert schema.relations == (
        RelationType("r", domain=("t", "s"), range=("s",)), RelationType("q", domain=("t",)))
    assert schema.events == (EventType("e", (Role("x"), Role("y"))), EventType("f"))


def test_the_schema_of_a_file_knows_what_relations_joined(folder: Path) -> None:
    def row(head_type: str, **more: Any) -> dict[str, Any]:
        return {"text": "a b", "relation": [{"head": "a", "relation": "r", "tail": "b", "head_type": head_type,
                                             "tail_type": "x"} | more]}

    write_rows(folder / "raw.json", [row("p"), row("q"), row("p")])
    run(folder, schema_path=str(folder / "schema.json"))
    assert json.loads((folder / "schema.json").read_text()) == {
        "relations": {"r": {"domain": ["p", "q"], "range": ["x"]}}}
