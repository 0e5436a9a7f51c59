"""Texts from files of every kind, with ids that tell where they came from."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.reading.made import SHEET, excel, word

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
        (2, {"text": 'two\nlines "q"', "id": "7", "meta": {"places": [
            {"start": 0, "end": 13, "row": 2, "column": "body"}]}}),
        (5, {"text": "中文，x", "id": "8", "meta": {"places": [{"start": 0, "end": 4, "row": 5, "column": "body"}]}})]


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


def short(row: dict[str, Any]) -> tuple[str, str, list[dict[str, Any]]]:
    return row["id"], row["text"], row["meta"]["places"]


def test_a_text_file_is_one_text_or_a_text_a_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "\ufeffOne.\r\n\nTwo.\n")
    assert rows(file) == [(1, {"id": "a.txt", "text": "One.\r\n\nTwo.\n", "meta": {"media": "text/plain", "places": [
        {"start": 0, "end": 4, "paragraph": 1}, {"start": 7, "end": 11, "paragraph": 2}]}})]
    assert rows(file, each_line=True) == [
        (1, {"id": "a.txt:1", "text": "One."}), (3, {"id": "a.txt:3", "text": "Two."})]
    packed = write(tmp_path / "b.txt.gz", gzip.compress(b"Ada"))
    assert rows(packed)[0][1]["id"] == "b.txt.gz"
    with pytest.raises(InputError, match="no encoding") as e:
        rows(write(tmp_path / "b.md", b"one\ntw\x81\xff\xfe\x00\x81 \x9d\n".replace(b"\x00", b"\x8f")))
    assert e.value.line == 2


def test_what_was_assumed_of_a_text_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write(tmp_path / "a.txt", "阿达·洛夫莱斯是英国数学家，出生于伦敦。".encode("gb18030"))
    for _ in range(2):
        (_, row), = rows(file)
    assert row["text"].startswith("阿达") and row["meta"]["notes"] == ["read as GB18030: a guess"]
    assert [r.getMessage() for r in caplog.records] == [f"{file}: read as GB18030: a guess"]


def test_a_folder_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.txt", "a/y.TXT", ".hidden/x.txt", "a/.x.txt", "n.json", "n.csv"):
        write(tmp_path / "in" / name, name)
    one = [{"start": 0, "end": 7, "paragraph": 1}]
    assert [(n, *short(row)) for n, row in rows(tmp_path / "in")] == [
        (1, "a/y.TXT", "a/y.TXT", one), (2, "a/z.txt", "a/z.txt", one),
        (3, "b.md", "b.md", [{"start": 0, "end": 4, "paragraph": 1}])]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no text"):
        rows(tmp_path / "none")
    with pytest.raises(InputError, match="no such file"):
        rows(tmp_path / "missing.txt")


def test_a_folder_of_all_forms_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write(folder / "a.html", "<p>Ada")
    write(folder / "b.docx", word("Bob", "Cleo"))
    write(folder / "c.pdf", b"%PDF-1.4 cut off")
    write(folder / "d.txt", "")
    with pytest.raises(InputError, match=r"c\.pdf: is damaged") as e:
        rows(folder)
    assert e.value.file == folder / "c.pdf"
    skipped: dict[str, InputError] = {}
    found = rows(folder, skipped=skipped)
    assert [(n, row["id"], row["text"]) for n, row in found] == [
        (1, "a.html", "Ada"), (2, "b.docx", "Bob\n\nCleo"), (4, "d.txt", "")]
    assert list(skipped) == ["c.pdf"] and "damaged" in skipped["c.pdf"].problem
    assert rows(folder, each_line=True, skipped={})[0][1]["text"] == "Ada"
    for name in ("a.html", "b.docx", "d.txt"):
        (folder / name).unlink()
    with pytest.raises(InputError, match="is damaged"):
        rows(folder, skipped={})


def test_lines_of_a_form_that_has_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no texts of their own"):
        rows(write(tmp_path / "a.docx", word("Ada")), each_line=True)


def test_a_sheet_is_a_text_a_row(tmp_path: Path) -> None:
    file = write(tmp_path / "a.xlsx", excel([["n", "body"], [1, "Ada"], [None, None], [2, "Bob"]]))
    assert rows(file, text_field="body") == [
        (2, {"id": "a.xlsx:Sheet:2", "text": "Ada", "n": "1", "meta": {
            "media": SHEET, "places": [{"start": 0, "end": 3, "sheet": "Sheet", "row": 2, "column": "body"}]}}),
        (4, {"id": "a.xlsx:Sheet:4", "text": "Bob", "n": "2", "meta": {
            "media": SHEET, "places": [{"start": 0, "end": 3, "sheet": "Sheet", "row": 4, "column": "body"}]}})]
    with pytest.raises(InputError, match="no column 'text'") as e:
        rows(file)
    assert e.value.expected == "n, body" and e.value.file == file


def test_content_of_a_folder_is_of_all_that_is_read_in_it(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.pdf", "x")
    before = list(content(tmp_path / "in"))
    write(tmp_path / "in" / "a.pdf", "y")
    assert list(content(tmp_path / "in")) != before


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
    (b'\xef\xbb\xbf {"text": 1}', ".jsonl"), (b"[]", ".jsonl"), ("中".encode(), ".txt"), (b"%PDF-1.7 x", ".pdf")])
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
