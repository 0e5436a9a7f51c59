"""Rows of training files: every form is read alike, and what cannot be trained on is named."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from iepile.errors import InputError, MissingDependency
from iepile.training.rows import Row, data_files, key_of, read_training_rows
from training_rows import ask, ner_row, row, write, write_parquet

ROWS = [ner_row(n, "MSRA") for n in range(25)]


def read(names: object) -> list[Row]:
    return list(read_training_rows(str(names)))


def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.json", *ROWS)
    array = tmp_path / "b.json"
    array.write_text(json.dumps(ROWS), encoding="utf-8")
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "d.json.zst").write_bytes(zstandard.compress(plain.read_bytes()))
    write_parquet(tmp_path / "e.parquet", ROWS)
    expected = [(r.query, r.answer, r.task, r.source, r.line, r.key) for r in read(plain)]
    assert len(expected) == 25 and expected[3][:4] == (ROWS[3]["instruction"], ROWS[3]["output"], "NER", "MSRA")
    for name in ("b.json", "c.json.gz", "d.json.zst", "e.parquet"):
        assert [(r.query, r.answer, r.task, r.source, r.line, r.key) for r in read(tmp_path / name)] == expected


def test_several_files_are_read_in_order(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.json", *ROWS[:2]), write_parquet(tmp_path / "b.parquet", ROWS[2:4])
    assert [r.query for r in read(f"{one}, {two}")] == [r["instruction"] for r in ROWS[:4]]
    comma = write(tmp_path / "a,b.json", *ROWS[:3])
    assert data_files(str(comma)) == [comma]


@pytest.mark.parametrize("names, problem", [
    ("{a},{a}", "named twice"), ("{a},,{a}", "empty name"), ("{a},nowhere.json", "no such file"), (".", "is a folder"),
])
def test_names_that_are_wrong(tmp_path: Path, names: str, problem: str) -> None:
    a = write(tmp_path / "a.json", *ROWS[:1])
    with pytest.raises(InputError, match=problem) as e:
        read(names.format(a=a))
    assert e.value.field == "train_file"


def test_a_row_without_source_has_the_name_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "MSRA.train.json", row("Q", "A"), row("Q", "A", source="other", task="ner"))
    assert [(r.source, r.task) for r in read(path)] == [("MSRA", ""), ("other", "NER")]


def test_older_forms_and_chats(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", row("Q", "A", input="text"), row("Q\ntext", "A"), {"messages": [
        {"role": "user", "content": "Q\ntext"}, {"role": "assistant", "content": "A"}]})
    rows = read(path)
    assert {(r.query, r.answer) for r in rows} == {("Q\ntext", "A")}
    assert [r.text for r in rows] == ["text", "", ""]


GOOD = {"role": "user", "content": "Q"}
BAD: list[tuple[Any, str, str]] = [
    ({"output": "A"}, "instruction", "has no instruction"),
    ({"text": "Ada came.", "entity": []}, "instruction", "a record, not yet a question"),
    ({"instruction": {"instruction": "p"}, "output": "A"}, "instruction", "is an object"),
    ({"instruction": 3, "output": "A"}, "instruction", "is int, not text"),
    ({"instruction": "Q", "output": "A", "input": 3}, "input", "is not text"),
    ({"instruction": "Q"}, "output", "has no answer"),
    ({"instruction": "Q", "id": "1", "label": "[]"}, "output", "test row: it has label and id"),
    ({"instruction": "Q", "output": "  "}, "output", "the answer is empty"),
    ({"instruction": "Q", "output": {"a": []}}, "output", "the answer is an object"),
    ({"messages": "hello"}, "messages", "no messages"),
    ({"messages": [GOOD]}, "messages", "has the turns user"),
    ({"messages": [{"role": "system", "content": "s"}, GOOD, {"role": "assistant", "content": "A"}]}, "messages",
     "system sentence"),
    ({"messages": [GOOD, {"role": "assistant", "content": ""}]}, "messages", "is empty"),
]


@pytest.mark.parametrize("bad, field, problem", BAD)
def test_rows_that_cannot_be_trained_on(tmp_path: Path, bad: Any, field: str, problem: str) -> None:
    path = write(tmp_path / "t.json", row("Q", "A"), bad)
    with pytest.raises(InputError, match=problem) as e:
        read(path)
    assert (e.value.file, e.value.line, e.value.field) == (path, 2, field)
    assert e.value.expected


def test_parquet_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("{}")
    with pytest.raises(InputError, match="not Parquet"):
        read(path)
    path.write_bytes(write_parquet(tmp_path / "u.parquet", ROWS).read_bytes()[:-200])
    with pytest.raises(InputError, match="not Parquet, or damaged"):
        read(path)
    with pytest.raises(InputError, match="test row") as e:
        read(write_parquet(tmp_path / "v.parquet", [{"instruction": ask("t", []), "id": "1"}] * 3))
    assert e.value.line == 1


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "t.parquet", ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=r"iepile\[formats\]"):
        read(path)


def test_keys_tell_contents_apart() -> None:
    assert key_of("ab", "c") != key_of("a", "bc") != key_of("a", "bc", "")
    assert key_of("a", "b") == key_of("a", "b") < 2**64
