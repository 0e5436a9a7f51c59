"""Texts from files of every kind, with ids that tell where they came from."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.sources import content, kept_stdin, read_inputs


def rows(path: Path, **more: Any) -> list[tuple[int, dict[str, Any]]]:
    return list(read_inputs(path, **more))


def write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_json_lines_as_they_are(tmp_path: Path) -> None:
    lines = ('{"text": "x", "n": 1}', "", '{"body": "y", "text": "old", "k": 2}', '{"instruction": "i"}')
    file = write(tmp_path / "a.jsonl", "\n".join(lines))
    assert rows(file) == [
        (1, {"text": "x", "n": 1}), (3, {"body": "y", "text": "old", "k": 2}), (4, {"instruction": "i"})]
    assert rows(file, text_field="body")[1] == (3, {"text": "y", "k": 2})


@pytest.mark.parametrize(("name", "comma"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ",")])
def test_tables_with_a_text_column(tmp_path: Path, name: str, comma: str) -> None:
    text = comma.join(("id", "body", "text")) + "\r\n" + comma.join(("7", '"two\nlines ""q"""', "t")) + "\r\n\r\n"
    text += comma.join(("8", "中文，x", "")) + "\r\n"
    data = b"\xef\xbb\xbf" + text.encode()
    file = write(tmp_path / name, gzip.compress(data) if name.endswith("gz") else data)
    assert rows(file, text_field="body") == [
        (2, {"text": 'two\nlines "q"', "id": "7"}), (5, {"text": "中文，x", "id": "8"})]


@pytest.mark.parametrize(("data", "message", "line"), [
    ("", "is empty", None), ("a,b\n1,2\n", "no column 'text'", 1), ("text,b\n1,2,3\n", "has 3 values", 2),
    ("text,b\n1,2\n3\n", "has 1 values", 3), ("text,text\n", "one name", 1), ('text\n"open\nx\n', "not a table", 3),
    (b"text\n\xff\n", "not UTF-8", None),
])
def test_bad_tables(tmp_path: Path, data: str | bytes, message: str, line: int | None) -> None:
    file = write(tmp_path / "a.csv", data)
    with pytest.raises(InputError, match=message) as e:
        rows(file)
    assert e.value.line == line and str(e.value.file).endswith("a.csv")


def test_a_text_file_is_one_text_or_a_text_a_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "\ufeffOne.\r\n\nTwo.\n")
    assert rows(file) == [(1, {"id": "a.txt", "text": "One.\r\n\nTwo.\n"})]
    assert rows(file, each_line=True) == [
        (1, {"id": "a.txt:1", "text": "One."}), (3, {"id": "a.txt:3", "text": "Two."})]
    with pytest.raises(InputError, match="not UTF-8") as e:
        rows(write(tmp_path / "b.md", b"one\ntw\xe9\n"))
    assert e.value.line == 2


def test_a_folder_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.txt", "a/y.TXT", ".hidden/x.txt", "a/.x.txt", "n.json"):
        write(tmp_path / "in" / name, name)
    assert rows(tmp_path / "in") == [
        (1, {"id": "a/y.TXT", "text": "a/y.TXT"}), (2, {"id": "a/z.txt", "text": "a/z.txt"}),
        (3, {"id": "b.md", "text": "b.md"})]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no text"):
        rows(tmp_path / "none")
    with pytest.raises(InputError, match="no such file"):
        rows(tmp_path / "missing.txt")


def test_content_tells_inputs_apart(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.txt", "x")
    before = list(content(tmp_path / "in"))
    assert before == list(content(tmp_path / "in"))
    write(tmp_path / "in" / "a.txt", "y")
    changed = list(content(tmp_path / "in"))
    (tmp_path / "in" / "a.txt").rename(tmp_path / "in" / "b.txt")
    assert len({tuple(x) for x in (before, changed, content(tmp_path / "in"))}) == 3


class Pipe(io.TextIOWrapper):
    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(("data", "ending"), [
    (b'\xef\xbb\xbf {"text": 1}', ".jsonl"), (b"[]", ".jsonl"), ("中".encode(), ".txt")])
def test_standard_input_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, ending: str) -> None:
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(data)))
    kept = kept_stdin(tmp_path / "deep" / "out.stdin")
    assert kept.name == f"out.stdin{ending}" and kept.read_bytes() == data


def test_standard_input_that_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(b" \n")))
    with pytest.raises(InputError, match="is empty"):
        kept_stdin(tmp_path / "o")
    monkeypatch.setattr(Pipe, "terminal", True)
    with pytest.raises(InputError, match="nothing comes in"):
        kept_stdin(tmp_path / "o")
