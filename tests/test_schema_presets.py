"""InstructIE's themes: given by name instead of a schema file, and read from the data set's own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.cli.main import main
from iepile.errors import InputError
from iepile.jsonl import read_rows, write_rows
from iepile.schema import Schema
from iepile.schema_presets import themes
from iepile.tasks.triple_shape import entities_of, relations_of

ZH = ["人物", "地理地区", "建筑", "作品", "生物", "人造物件", "自然科学", "组织", "运输", "事件", "天文对象", "医学"]
EN = ["Person", "Geographic_Location", "Building", "Works", "Creature", "Artificial_Object", "Natural_Science",
      "Organization", "Transport", "Event", "Astronomy", "Medicine"]


def test_the_twelve_themes_of_both_languages() -> None:
    assert (list(themes()["zh"]), list(themes()["en"])) == (ZH, EN)
    for language, names in (("zh", ZH), ("en", EN)):
        schema = Schema.read(f"instructie:{language}")
        assert list(schema.entity_names) == names
        assert all(r.domain for r in schema.relations)
        for theme in names:
            of = Schema.read(f"instructie:{theme}", "TRIPLES")
            assert of.entity_names == (theme,) and of.relation_names == tuple(themes()[language][theme])
            assert 5 <= len(of.relations) <= 18
    for zh, en in zip(ZH, EN, strict=True):  # the lists of the two languages differ by one or two
        assert abs(len(themes()["zh"][zh]) - len(themes()["en"][en])) < 2


@pytest.mark.parametrize("task", ["RE", "KG", "SPO", "TRIPLES", "NER"])
def test_every_task_that_asks_for_them(task: str) -> None:
    schema = Schema.read("instructie:人物,事件", task)
    assert schema.entity_names == ("人物", "事件")
    if task == "NER":
        return
    relations = {r.name: r for r in schema.relations}
    assert relations["国籍"].domain == ("人物",) and relations["国籍"].range == ("地理地区",)
    assert relations["别名"].domain == ("人物", "事件") and relations["主办方"].range == ("组织",)


def test_the_types_of_the_data_set(shared: Path) -> None:
    own = Schema.read(shared / "data/DeepKE_InstructKGC/KG/schema.json", "SPO")
    ours = Schema.read("instructie:人物")
    assert {(r.name, r.domain, r.range) for r in own.relations} == {(r.name, r.domain, r.range) for r in ours.relations}


@pytest.mark.parametrize("name", ["instructie:", "instructie:Humans", "instructie:人物,Person"])
def test_unknown_names_are_told_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match="InstructIE has no themes") as info:
        Schema.read(name)
    assert "人物" in str(info.value.expected) and "Artificial_Object" in str(info.value.expected)


def test_a_file_of_that_name_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("instructie:人物").write_text('{"relations": ["a"]}')
    assert Schema.read("instructie:人物") == Schema.of_relations("a")


def test_the_files_of_the_data_set_itself(tmp_path: Path) -> None:
    """Each theme with what are three lines elsewhere, in one indented object; a type may be one of several."""
    file = tmp_path / "schema_zh.json"
    file.write_text(json.dumps({
        "事件": [["事件_参与者_人物/组织", "事件_别名_事件"], ["参与者", "别名"], {"事件": ["参与者", "别名"]}],
        "自然科学": [["产品_别名_产品"], ["别名"]]}, ensure_ascii=False, indent=4), "utf-8")
    for task in ("KG", "RE", "SPO", "TRIPLES"):
        schema = Schema.read(file, task)
        assert schema.entity_names == ("事件", "自然科学")
        assert {r.name: r.signatures for r in schema.relations} == {
            "参与者": (("事件", "人物"), ("事件", "组织")), "别名": (("事件", "事件"), ("产品", "产品"))}
    file.write_text('{\n"事件": [\n["参与者"]\n]}', "utf-8")
    with pytest.raises(InputError, match="names no relation with its types"):
        Schema.read(file, "KG")


def test_from_the_command_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "docs.json", [{"text": "甲生于乙。", "relation": [
        {"head": "甲", "relation": "出生地点", "tail": "乙"}]}])
    assert main(["convert", "--src_path", str(tmp_path / "docs.json"), "--tgt_path", str(tmp_path / "train.json"),
                 "--schema_path", "instructie:人物", "--task", "TRIPLES", "--split_num", "-1"]) == 0
    [(_, row)] = read_rows(tmp_path / "train.json")
    assert set(relations_of(row["instruction"]) or ()) == set(themes()["zh"]["人物"])
    assert entities_of(row["instruction"]) and row["kg"] == [["甲", "出生地点", "乙"]]
