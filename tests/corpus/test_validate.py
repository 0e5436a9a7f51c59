"""What is wrong with a data file, by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.validate import ValidateConfig, ValidateSummary, validate
from iepile.errors import InputError

SCHEMA = "entities: [person]\nevents: {fire: [place]}\n"
GOOD = {"text": "Ada", "entity": [{"entity": "Ada", "entity_type": "person"}], "event": []}
ROW = {"task": "NER", "instruction": '{"instruction": "p", "schema": ["person"], "input": "Ada"}',
       "output": '{"person": ["Ada"]}'}


def check(folder: Path, *lines: dict[str, Any] | str, schema: bool = False, **more: Any) -> ValidateSummary:
    path = folder / "f.json"
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    (folder / "s.yaml").write_text(SCHEMA)
    return validate(ValidateConfig(file=str(path), schema_path=str(folder / "s.yaml") if schema else None, **more))


def test_documents(tmp_path: Path) -> None:
    summary = check(tmp_path, GOOD, "", '{"text":', {"text": 5}, "[]", GOOD)
    assert (summary.kind, summary.records, summary.bad) == ("documents", 5, 3)
    assert [p.split(":")[1] for p in summary.problems] == ["3", "4", "5"]


def test_rows_that_conversion_wrote_are_fine(tmp_path: Path) -> None:
    check(tmp_path, GOOD, schema=True)
    for split in ("train", "test"):
        convert(ConvertConfig(src_path=str(tmp_path / "f.json"), schema_path=str(tmp_path / "s.yaml"),
                              tgt_path=str(tmp_path / "out.json"), task="NER,EE", split=split))  # type: ignore[arg-type]
        summary = validate(ValidateConfig(file=str(tmp_path / "out.json"), schema_path=str(tmp_path / "s.yaml")))
        assert (summary.kind, summary.records, summary.problems) == ("instruction rows", 2, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": None}, "the row has no task"),
        ({"task": "XYZ"}, "unknown task"),
        ({"instruction": "plain"}, "not an instruction"),
        ({"instruction": '{"instruction": "p", "schema": [5], "input": "Ada"}'}, "no NER question"),
        ({"output": "I do not know"}, "invalid"),
        ({"output": '{"person": ["Ada"'}, "salvaged"),
        ({"output": "{}"}, "missing"),
        ({"output": '{"person": [], "place": []}'}, "not asked"),
        ({"output": '{"person": "Ada"}'}, "wrong form"),
        ({"output": None}, "the output is not text"),
        ({"label": "x"}, "the label is not JSON"),
        ({"label": None}, "the label is not JSON"),
        ({"label": "5"}, "not an NER annotation"),
        ({"label": '[{"entity": 5, "entity_type": "x"}]'}, "not an NER annotation"),
    ],
)
def test_rows(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    summary = check(tmp_path, ROW, ROW | change, ROW | {"label": "[]"})
    assert (summary.records, summary.bad) == (3, 1)
    assert words in summary.problems[0]
    assert "f.json:2:" in summary.problems[0]


def test_against_a_schema(tmp_path: Path) -> None:
    ghost = {"text": "x", "entity": [{"entity": "x", "entity_type": "ghost"}]}
    role = {"text": "x", "event": [{"event_type": "fire", "event_trigger": "x", "arguments": [
        {"argument": "x", "role": "cause"}]}]}
    other_kind = {"text": "x", "relation": [{"head": "x", "relation": "r", "tail": "x"}]}
    assert check(tmp_path, GOOD, ghost, role, other_kind).bad == 0
    summary = check(tmp_path, GOOD, ghost, role, other_kind, schema=True)
    assert [p.split(": ", 1)[1].split("\n")[0] for p in summary.problems] == [
        "the schema has no NER label 'ghost'", "the schema gives 'fire' no role 'cause'"]
    asked = ROW | {"instruction": ROW["instruction"].replace("person", "ghost"), "output": '{"ghost": []}'}
    assert check(tmp_path, asked).bad == 0
    assert "no NER label 'ghost'" in check(tmp_path, asked, schema=True).problems[0]


WORDS = {"task": "TRIPLES", "instruction": "关系类型为{'国籍'},以(头实体,关系,尾实体)的形式回答", "input": "甲",
         "output": "(甲,国籍,乙)", "completed": [["甲", "国籍", "乙"]],
         "label": '[{"head": "甲", "relation": "国籍", "tail": "乙"}]'}


def test_questions_in_words(tmp_path: Path) -> None:
    assert check(tmp_path, WORDS, WORDS | {"output": "NAN"}).bad == 0
    for change, words in (({"input": None}, "no input"), ({"output": "(甲,国籍)"}, "the answer: "),
                          ({"output": "(甲,配偶,乙)"}, "not asked"), ({"completed": [["甲"]]}, "no list of triples"),
                          ({"label": "[{}]"}, "not an RE annotation")):
        summary = check(tmp_path, WORDS, WORDS | change)
        assert summary.bad == 1 and words in summary.problems[0], summary.problems
    (tmp_path / "r.yaml").write_text("relations: [配偶]\n", encoding="utf-8")
    summary = validate(ValidateConfig(file=str(tmp_path / "f.json"), schema_path=str(tmp_path / "r.yaml")))
    assert "the schema has no RE label '国籍'" in summary.problems[0]


def test_all_are_counted_and_some_reported(tmp_path: Path) -> None:
    summary = check(tmp_path, GOOD, *["{"] * 30, limit=3)
    assert (summary.records, summary.bad, len(summary.problems)) == (31, 30, 3)


def test_no_file_and_empty_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        validate(ValidateConfig(file=str(tmp_path / "none.json")))
    with pytest.raises(InputError, match="empty"):
        check(tmp_path)
