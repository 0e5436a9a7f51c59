"""Files made to do harm, damaged or misnamed: a message within the limits, never another exception, nothing written."""

from __future__ import annotations

import os
import random
import threading
import time
import zipfile
from pathlib import Path

import pytest
from tests.reading.made import CONTAINER, broken, epub, excel, pdf, running, word, words_of, zipped

from iepile.errors import InputError
from iepile.reading import bounded
from iepile.reading.bounded import read_bounded
from iepile.reading.limits import ReadLimits
from iepile.reading.reader import ENDINGS, read_document
from iepile.reading.sniffing import sniff

SMALL = ReadLimits(bytes_in=1 << 20, bytes_inflated=4 << 20, characters=100_000, pages=50, rows=1000, seconds=10)
WHOLE = {
    "a.docx": word("Ada met Bob.", "中文"), "a.xlsx": excel([["text"], ["Ada"]]), "a.epub": epub("<p>Ada</p>"),
    "a.pdf": pdf(running(broken("Ada met Bob in Rome and they went on to Paris. " * 5, 60))),
    "a.html": "<h1>Ada</h1><p>中文 <b>x</b><table><tr><td>1<td>2</table>".encode(),
    "a.md": "# Ada\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n> 中文\n".encode(),
    "a.csv": 'id,text\n1,"Ada, Bob"\n2,中文\n'.encode(), "a.txt": "Ada.\n\n中文".encode(),
}


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_random_damage_gives_a_text_or_a_message(name: str) -> None:
    data, chance = WHOLE[name], random.Random(name)
    assert read_document(data, name, SMALL)
    for _ in range(60):
        torn = bytearray(data)
        for _ in range(chance.choice((1, 3, 20))):
            at = chance.randrange(len(torn))
            how = chance.randrange(4)
            if how == 0:
                torn[at] = chance.randrange(256)
            elif how == 1:
                del torn[at:at + chance.randrange(1, 40)]
            elif how == 2:
                torn[at:at] = chance.choice((b"\x00", b"<", b"\xff\xfe", b"&x;", b"<!ENTITY a 'b'>", b")>>"))
            else:
                torn[at:at] = torn[at:at + chance.randrange(1, 200)]
            torn = torn or bytearray(b"x")
        try:
            documents = read_document(bytes(torn), name, SMALL)
        except InputError:
            continue
        assert all(d.text.encode() and d.text.strip() for d in documents)


BOMB = "<w:document xmlns:w='w'>" + " " * (3 << 20) + "</w:document>"
ENTITIES = ('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "]>")


@pytest.mark.parametrize(("name", "data", "problem"), [
    ("a.docx", zipped({"word/document.xml": BOMB}), "unpacks to more than 200 times"),
    ("a.xlsx", zipped({"xl/workbook.xml": "<a/>", **{f"xl/{n}.xml": " " * 900_000 for n in range(6)}}), "4,194,304"),
    ("a.docx", zipped({"word/document.xml": ENTITIES + "<x>&i;</x>"}), "declares entities"),
    ("a.docx", zipped({"word/document.xml": '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'}), "declares entities"),
    ("a.xlsx", zipped({"xl/workbook.xml": ENTITIES + "<x>&i;</x>"}), "declares a document type"),
    ("a.epub", zipped({"META-INF/container.xml": ENTITIES + CONTAINER}), "declares entities"),
    ("a.docx", zipped({"word/document.xml": "<" * 100}), "is no XML"), ("a.txt", b"x" * (1 << 21), "bytes"),
    ("a.txt", b"x" * 200_000, "more than 100,000 characters"), ("a.csv", b"text\n" + b"x\n" * 2000, "1,000 rows"),
    ("a.html", b"<p>x" * 60_000, "more than 100,000 characters"),
])
def test_what_is_made_to_burst(name: str, data: bytes, problem: str) -> None:
    start = time.monotonic()
    with pytest.raises(InputError, match=problem):
        read_document(data, name, SMALL)
    assert time.monotonic() - start < 5


def test_a_file_of_too_many_parts() -> None:
    with pytest.raises(InputError, match="has 20,002 parts"):
        read_document(zipped({"word/document.xml": "x", **{f"p{n}": "" for n in range(20_001)}}), "a.docx")


def test_entities_bring_nothing_in_from_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    head = f'<!DOCTYPE html [<!ENTITY s SYSTEM "{(tmp_path / "secret").as_uri()}">' + ENTITIES[len("<!DOCTYPE x ["):]
    page = head + '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>seen &s;&i;</p></body></html>'
    for name, data in (("a.epub", epub(page)), ("a.html", page.encode()), ("a.xhtml", page.encode())):
        (document,) = read_document(data, name, SMALL)
        assert "seen" in document.text and "SECRET" not in document.text and len(document.text) < 2000


def test_names_of_parts_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = epub("<p>x</p>", **{"..__..__evil.txt": "x", "__abs.txt": "x"})
    assert read_document(data, "../../a.epub")[0].text == "x" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "data", "problem"), [
    ("a.pdf", WHOLE["a.docx"], r"is called \.pdf but is Word"),
    ("a.docx", WHOLE["a.pdf"], r"is called \.docx but is PDF"),
    ("a.txt", WHOLE["a.pdf"], r"is called \.txt but is PDF"), ("a.docx", b"just text", "is no Word file"),
    ("a.docx", zipped({"x": "y"}), "is a zip archive"), ("a.png", b"\x89PNG\r\n\x1a\n", "is a PNG image"),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 99 + "WordDocument".encode("utf-16-le"), "before 2007"),
    ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 99 + "EncryptedPackage".encode("utf-16-le"), "password"),
    ("a.xyz", b"text", "has the ending '.xyz'"), ("a", b"text", "has no ending"), ("a.txt", b" \n", "is empty"),
    ("a.rtf", b"{\\rtf1 x}", "is an RTF text"), ("a.docx", WHOLE["a.docx"][:300], "is a damaged zip file"),
])
def test_a_file_that_is_not_what_its_name_says(name: str, data: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as e:
        read_document(data, name)
    assert e.value.file == name


def test_a_file_without_an_ending_is_told_by_its_bytes() -> None:
    assert [read_document(WHOLE[name], "upload")[0].text[:3] for name in ("a.docx", "a.pdf", "a.epub")] == ["Ada"] * 3
    assert sniff(b"MZ is how the letter begins") == "" and ".pdf" in ENDINGS


def test_a_part_with_a_password() -> None:
    data = bytearray(words_of("<w:p/>"))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the bit "encrypted" of every entry
        start = data.find(mark)
        while start >= 0:
            data[start + at] |= 1
            start = data.find(mark, start + 4)
    with pytest.raises(InputError, match="has a password"):
        read_document(bytes(data), "a.docx")


def test_the_child_reads_the_same_from_bytes_and_from_a_file(tmp_path: Path) -> None:
    for name in ("a.docx", "a.pdf", "a.xlsx"):
        (tmp_path / name).write_bytes(WHOLE[name])
        here = read_document(WHOLE[name], name)
        assert read_bounded(WHOLE[name], name) == here == read_bounded(tmp_path / name, name)
    with pytest.raises(InputError, match="is damaged") as e:
        read_bounded(b"%PDF-1.4", "x/y.pdf")
    assert e.value.file == "x/y.pdf"
    with pytest.raises(InputError, match="too long a name"):
        read_bounded(b"x", "n" * 5000 + ".txt")


def test_many_threads_may_ask_for_children_at_once() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(read_bounded(b"Ada", "a.txt")[0].text)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["Ada"] * 4


@pytest.mark.skipif(os.name != "posix", reason="the system has no such limits")
@pytest.mark.parametrize(("limits", "problem"), [
    (ReadLimits(memory=150 << 20), "memory"), (ReadLimits(seconds=0.0), "takes longer than 0 seconds"),
    (ReadLimits(bytes_in=9), "bytes")])
def test_a_child_is_held_to_its_limits(limits: ReadLimits, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_bounded(("<p>" + "x" * 90 + "<b>" * 9).encode() * 60_000, "a.html", limits)


@pytest.mark.parametrize(("code", "problem"), [
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"made its reader fail \(signal 11\)"),
    ("print('no answer'); raise SystemExit(3)", r"made its reader fail \(code 3\)"),
    ("import time; time.sleep(60)", "takes longer than")])
def test_a_child_that_crashes_or_hangs_is_told(code: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    run = subprocess.run
    monkeypatch.setattr(bounded, "START", 0.5)
    monkeypatch.setattr(bounded.subprocess, "run", lambda command, **how: run([*command[:3], code], **how))
    with pytest.raises(InputError, match=problem):
        read_bounded(b"Ada", "a.txt", ReadLimits(seconds=1))


def test_methods_of_packing_that_are_not_known() -> None:
    data = bytearray(zipped({"word/document.xml": "<x/>"}, zipfile.ZIP_STORED))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.find(mark) + at] = 77
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_document(bytes(data), "a.docx")
