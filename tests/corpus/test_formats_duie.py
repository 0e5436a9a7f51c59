"""DuIE and CMeIE: compound objects, combined triples, no offsets; their schema files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.duie import read_relation_schema
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data"
needs_data = pytest.mark.skipif(not (DATA / "DuIE2.0").is_dir(), reason="the shared real data is not here")
TEXT = "《晨光》由张三饰演李四，张三很高兴。"
PLAYS = {"predicate": "饰演", "subject": "王五", "subject_type": "演员", "object": {"@value": "李四", "inWork": "晨光"},
         "object_type": {"@value": "人物", "inWork": "作品"}}


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, "duie", options))


def test_slots_become_relations_of_their_own(tmp_path: Path) -> None:
    options = ReadOptions(labels={"饰演.inWork": "参演", "作品": "电影"})
    (doc,) = read(tmp_path, {"text": TEXT, "spo_list": [PLAYS]}, options=options)
    assert [(r.type, r.head, r.tail, r.head_type, r.tail_type) for r in doc.relations] == [
        ("饰演", Span("王五"), Span("李四", 9, 11), "演员", "人物"),
        ("参演", Span("王五"), Span("晨光", 1, 3), "演员", "电影")]
    assert (doc.language, doc.annotated) == ("zh", ("relation",))
    assert options.summary.repairs == {Repair.COMPOUND: 1, Repair.ABSENT: 2}


def test_only_unique_mentions_are_placed(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"text": TEXT, "spo_list": [{**PLAYS, "subject": "张三", "object": {"@value": "李四", "inWork": ""}}]}
    (doc,) = read(tmp_path, row, options=options)
    assert [(r.head, r.tail) for r in doc.relations] == [(Span("张三"), Span("李四", 9, 11))]
    assert options.summary.repairs == {Repair.COMPOUND: 1, Repair.AMBIGUOUS: 1, Repair.EMPTY_MENTION: 1}


def test_plain_objects_of_the_first_version(tmp_path: Path) -> None:
    triple = {"predicate": "饰演", "subject": "晨光", "object": "李四", "subject_type": "作品", "object_type": "人物"}
    (doc,) = read(tmp_path, {"text": TEXT, "postag": [], "spo_list": [triple]})
    assert [(r.type, r.tail, r.tail_type) for r in doc.relations] == [("饰演", Span("李四", 9, 11), "人物")]


def test_combined_triples_are_numbered(tmp_path: Path) -> None:
    triples = [PLAYS, {**PLAYS, "Combined": True}]
    first, second = read(tmp_path, {"text": TEXT, "spo_list": triples}, {"text": TEXT, "spo_list": [PLAYS]})
    assert (first.meta, second.meta) == ({"combined": [2, 3]}, {})


def test_unlabelled_records(tmp_path: Path) -> None:
    options = ReadOptions()
    rows = {"text": TEXT, "id": 9}, {"text": TEXT, "spo_list": []}, {"text": ""}
    unknown, none = read(tmp_path, *rows, options=options)
    assert (unknown.id, unknown.annotated, none.annotated) == ("9", (), ("relation",))
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("triple", "field"),
    [({**PLAYS, "subject": None}, "spo_list[0].subject"), ({**PLAYS, "object": {"inWork": "晨光"}}, "@value"),
     ({**PLAYS, "object": ["李四"]}, "spo_list[0].object"), ({"subject": "a"}, "spo_list[0]")],
)
def test_wrong_fields_are_named(tmp_path: Path, triple: dict, field: str) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, {"text": TEXT, "spo_list": []}, {"text": TEXT, "spo_list": [triple]})
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.json", 2, field)


def test_schema_files(tmp_path: Path) -> None:
    rows = [{"object_type": {"inWork": "作品", "@value": "人物"}, "predicate": "饰演", "subject_type": "演员"},
            {"subject_type": "疾病", "predicate": "阶段", "object_type": "其他"}]
    (tmp_path / "schema.json").write_text(json.dumps(rows), encoding="utf-8")
    assert read_relation_schema(tmp_path / "schema.json") == [
        ("演员", "饰演", "人物"), ("演员", "饰演.inWork", "作品"), ("疾病", "阶段", "其他")]


@needs_data
def test_real_duie() -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / "DuIE2.0/train_data_5000.json", options=options))
    found = [r for d in docs for r in d.relations]
    assert (options.summary.format, len(docs), len(found)) == ("duie", 5000, 9293)
    assert options.summary.repairs == {Repair.COMPOUND: 313, Repair.AMBIGUOUS: 2338}
    spans = [(d, s) for d in docs for s in d.facts.spans()]
    assert sum(s.grounded for _, s in spans) == 2 * 9293 - 2338
    assert all(d.text[s.start : s.end] == s.text for d, s in spans if s.grounded)
    schema = read_relation_schema(DATA / "DuIE2.0/duie_schema.json")
    assert {(r.head_type, r.type, r.tail_type) for r in found} <= set(schema)


@needs_data
def test_real_cmeie() -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / "CMeIE/CMeIE_dev.json", options=options))
    assert (len(docs), sum(len(d.relations) for d in docs)) == (1500, 4475)
    assert options.summary.repairs == {Repair.AMBIGUOUS: 1755}
    assert sum(len(d.meta.get("combined", ())) for d in docs) == 2760
    assert len(read_relation_schema(DATA / "CMeIE/53_schemas.json")) == 53
    unlabelled = list(read_documents(DATA / "CMeIE/CMeIE_test.json", "duie"))
    assert len(unlabelled) == 50 and not any(d.annotated for d in unlabelled)


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    path = DATA / "DuIE2.0/train_data_5000.json"
    assert check_reader("duie", head_of(path, 2000), tmp_path, n=100)["read"] > 0
