"""Uploads that mean harm or are merely odd: names, sizes, forms, clients that break off or crawl."""

from __future__ import annotations

import asyncio
import io
import re
import socket
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.service.config import ServeConfig
from iepile.service.refusals import TooLarge, TooSlow
from iepile.service.uploads import NAME, Upload, UploadLimits, clean_name, file_path, receive
from service_client import BOUNDARY, Client, ServiceProcess, form, in_thread

TYPE = f"multipart/form-data; boundary={BOUNDARY}"
ASK = {"schema": "person, firm", "tasks": "NER"}


@pytest.fixture(scope="module")
def served(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    data = tmp_path_factory.mktemp("data")
    config = ServeConfig(model=str(compact), data_dir=str(data), page=False, max_files=1000, max_file=1, max_upload=4)
    with in_thread(config) as client:
        yield client, data


def left(data: Path) -> set[str]:
    return {path.name for path in (data / "jobs").iterdir()}


async def chunks(body: bytes, size: int, wait: float = 0.0) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        await asyncio.sleep(wait)
        yield body[at : at + size]


def taken(folder: Path, body: bytes, limits: UploadLimits | None = None, size: int = 1000, wait: float = 0.0,
          kind: str = TYPE) -> Upload:
    folder.mkdir(exist_ok=True)
    return asyncio.run(receive(chunks(body, size, wait), kind, folder, limits or UploadLimits()))


@pytest.mark.parametrize(("given_name", "kept"), [
    ("../../etc/passwd.txt", "passwd.txt"), ("/etc/shadow.txt", "shadow.txt"), ("C:\\a\\b.txt", "b.txt"),
    ("a\x00b.txt", "ab.txt"), ("..", "unnamed"), ("", "unnamed"), (".txt", ".txt"), ("合同 2026.txt", "合同 2026.txt"),
    ("evil\u202etxt.exe", "eviltxt.exe"), ("a\r\nb.txt", "ab.txt"), ("  x  y .txt ", "x y .txt"),
    ("e\u0301.txt", "\xe9.txt"), ("con.txt", "con.txt"), ('a "q"; b.txt', 'a "q"; b.txt'), ("a\\\"b.txt", '"b.txt'),
])
def test_names(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


@given(st.text(max_size=400) | st.text("./\\ \x00\u202e\ud800a", max_size=40))
def test_a_clean_name_is_one_that_can_be_shown(name: str) -> None:
    clean = clean_name(name)
    assert 0 < len(clean) <= NAME and "/" not in clean and "\\" not in clean
    assert clean.isprintable() and clean.encode() and clean not in (".", "..")
    assert clean_name(clean) == clean


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 60), st.text(max_size=50))
def test_files_come_in_whole_whatever_the_pieces(contents: list[bytes], size: int, value: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        value = value.encode("utf-8", "replace").decode()
        body = form([(f"f{n}.txt", data) for n, data in enumerate(contents)], schema=value)
        upload = taken(Path(made), body, size=size)
        assert [file_path(Path(made), n).read_bytes() for n in range(len(contents))] == contents
        assert [file.size for file in upload.files] == [len(data) for data in contents]
        assert upload.fields == {"schema": value}


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damaged_forms_are_refused_or_read_and_never_break(noise: bytes, at: int) -> None:
    import tempfile

    whole = form([("a.txt", b"Ada.")], schema="person")
    with tempfile.TemporaryDirectory() as made:
        try:
            taken(Path(made), whole[:at] + noise + whole[at + len(noise):], size=7)
        except InputError as e:
            assert e.problem


@pytest.mark.parametrize(("limits", "files", "fields", "problem"), [
    (UploadLimits(files=2), 3, {}, "are more than 2"),
    (UploadLimits(file_bytes=1 << 20), 1, {}, "f0.txt is more than 1 MiB"),
    (UploadLimits(total_bytes=1 << 20), 1, {}, "is more than 1 MiB"),
    (UploadLimits(field_bytes=1024), 0, {"schema": "x" * 2000}, "is more than 1 KiB"),
    (UploadLimits(fields=1), 0, {"schema": "x", "tasks": "x"}, "has more than 1 fields"),
])
def test_limits(tmp_path: Path, limits: UploadLimits, files: int, fields: dict[str, str], problem: str) -> None:
    body = form([(f"f{n}.txt", b"x" * ((1 << 20) + 1)) for n in range(files)], **fields)
    with pytest.raises(TooLarge, match=problem):
        taken(tmp_path / "in", body, limits, size=1 << 16)


def test_who_crawls_is_given_up(tmp_path: Path) -> None:
    body = form([("a.txt", b"x" * 500)])
    with pytest.raises(TooSlow):
        taken(tmp_path / "a", body, UploadLimits(idle=0.05), size=100, wait=0.2)
    began = time.monotonic()
    with pytest.raises(TooSlow):
        taken(tmp_path / "b", body, UploadLimits(idle=0.5, seconds=0.3), size=10, wait=0.02)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("kind", "body", "problem"), [
    ("text/plain", b"x", "is no form"), ("multipart/form-data", b"x", "is no form"),
    (f"multipart/form-data; boundary={'x' * 5000}", b"x", "is no form"),
    (TYPE, b"", "ends before"), (TYPE, b"nonsense", "is no form"), (TYPE, form([("a.txt", b"x")])[:-8], "ends before"),
    (TYPE, f"--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(), "a part has no name"),
    (TYPE, form([], schema="a")[:-len(BOUNDARY) - 6] + form([], schema="b"), "is there twice"),
    (TYPE, form([("a.txt", b"x")]).replace(b'name="files"', b'name="other"'), "is a file"),
    (TYPE, form([], schema="a").replace(b"\r\na\r\n", b"\r\n\xff\r\n"), "is not UTF-8"),
    (TYPE, form([("a.txt", b"x")]).replace(b"Content-Type", b"X" * 70_000), "is no form"),
])
def test_forms_that_are_none(tmp_path: Path, kind: str, body: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        taken(tmp_path / "in", body, kind=kind)


# Over HTTP.


def test_names_become_ids_and_never_paths(served: tuple[Client, Path], tmp_path: Path) -> None:
    client, data = served
    names = ["../../etc/passwd.txt", "a\u202eb.txt", "x" * 10_000 + ".txt", "same.txt", "same.txt", "same.txt",
             "/abs/\u5408\u540c.txt", "nul\x00.txt", ""]
    before = {path for path in tmp_path.parent.rglob("*") if "passwd" in path.name}
    answer = client.upload([(name, b"Ada works for Bolt now.") for name in names], **ASK)
    assert answer.status == 202, answer.body
    job = client.ended(answer.json()["id"])
    shown = [file["name"] for file in job["files"]]
    assert shown == ["passwd.txt", "ab.txt", "x" * (NAME - 4) + ".txt", "same.txt", "same (2).txt", "same (3).txt",
                     "合同.txt", "nul.txt", "unnamed"]
    assert [file.get("problem", "")[:14] for file in job["files"]] == [""] * 8 + ["has no ending;"]
    rows = client.get(f"/v1/documents/{job['id']}/result").rows()
    assert [row["id"] for row in rows] == shown[:-1]
    assert all(row["meta"]["places"] for row in rows)
    assert {path for path in tmp_path.parent.rglob("*") if "passwd" in path.name} == before
    assert sorted(path.name for path in (data / "jobs" / job["id"]).iterdir()) == [
        "input.jsonl", "result.jsonl", "schema.json"]


@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_very_many_tiny_files(served: tuple[Client, Path], count: int) -> None:
    client, _ = served
    answer = client.upload([(f"{n}.txt", f"Ada works for Bolt {n}.".encode()) for n in range(count)], **ASK)
    job = client.ended(answer.json()["id"])
    assert (job["state"], job["total"], job["file_count"]) == ("done", count, count)


def test_more_files_than_are_let_in(served: tuple[Client, Path]) -> None:
    assert served[0].upload([(f"{n}.txt", b"x") for n in range(1001)], **ASK).status == 413


def bomb(part: str, size: int = 100 << 20) -> bytes:
    """A packed file whose one part is very large when unpacked."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(part, "w", force_zip64=True) as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return out.getvalue()


def test_files_that_cannot_be_read_are_named_and_the_others_go_on(served: tuple[Client, Path]) -> None:
    client, data = served
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.txt", "Ada works for Bolt.")
    files = [("empty.txt", b""), ("good.txt", b"Ada works for Bolt."), ("a.zip", zipped.getvalue()),
             ("picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(100)), ("bomb.docx", bomb("word/document.xml")),
             ("bomb.xlsx", bomb("xl/workbook.xml")), ("bomb.epub", bomb("META-INF/container.xml")),
             ("deep.html", b"<div>" * 100_000), ("no.docx", b"PK\x03\x04" + bytes(50)), ("fine.md", b"# Ada\n\nShe.")]
    began = time.monotonic()
    job = client.ended(client.upload(files, **ASK).json()["id"])
    assert time.monotonic() - began < 50
    bad = {file["name"]: file["problem"] for file in job["files"] if "problem" in file}
    assert set(bad) >= {"empty.txt", "a.zip", "picture.txt", "bomb.docx", "bomb.xlsx", "bomb.epub", "no.docx"}
    assert all(len(problem) > 5 and str(data) not in problem for problem in bad.values()), bad
    assert job["state"] == "done"
    ids = [row["id"] for row in client.get(f"/v1/documents/{job['id']}/result").rows()]
    assert ids[0] == "good.txt" and ids[-1] == "fine.md" and not set(ids) & set(bad)


def test_a_job_without_a_readable_file_fails(served: tuple[Client, Path]) -> None:
    client, _ = served
    job = client.ended(client.upload([("a.txt", b""), ("b.bin", bytes(10))], **ASK).json()["id"])
    assert (job["state"], job["error"], job["total"]) == ("failed", "no file could be read", 0)
    assert client.get(f"/v1/documents/{job['id']}/result").rows() == []
    assert client.post(f"/v1/documents/{job['id']}/resume").status == 409
    assert client.get(f"/v1/documents/{job['id']}/graph").json()["nodes"] == []


@pytest.mark.parametrize(("files", "fields", "status", "field"), [
    ([], ASK, 422, "files"), ([("a.txt", b"x")], {}, 422, "schema"),
    ([("a.txt", b"x")], {"schema": "{broken"}, 422, "schema"),
    ([("a.txt", b"x")], ASK | {"tasks": "NOPE"}, 422, None), ([("a.txt", b"x")], ASK | {"model": "../x"}, 422, "model"),
    ([("a.txt", b"x")], ASK | {"settings": '{"wording": "/etc/passwd"}'}, 422, "settings"),
    ([("a.txt", b"x")], ASK | {"settings": "[]"}, 422, "settings"),
    ([("a.txt", b"x")], ASK | {"settings": '{"window": 1}'}, 422, "settings.window"),
    ([("a.txt", b"x")], ASK | {"path": "x"}, 422, "path"),
    ([("a.txt", bytes((1 << 20) + 1))], ASK, 413, "files"),
    ([(f"{n}.txt", bytes(1 << 20)) for n in range(5)], ASK, 413, "body"),
])
def test_what_is_wrong_is_told_and_nothing_is_left(served: tuple[Client, Path], files: list[tuple[str, bytes]],
                                                   fields: dict[str, str], status: int, field: str | None) -> None:
    client, data = served
    before = left(data)
    answer = client.upload(files, **fields)
    assert answer.status == status, answer.body
    error = answer.json()["error"]
    assert error["problem"] and (field is None or error["field"] == field)
    assert left(data) == before


@pytest.mark.parametrize("body", [
    {}, [], "x", {"texts": []}, {"texts": ["x"], "documents": []}, {"texts": [1]}, {"documents": [{}]},
    {"documents": ["x"]}, {"documents": [{"text": "Ada", "entity": [{"entity": "Bob", "entity_type": "p",
                                                                      "pos": [0, 3]}]}]},
    {"texts": ["x"], "more": 1}, {"texts": "x"}, {"texts": {"a": 1}}, {"texts": ["x"], "tasks": 3},
])
def test_bodies_of_programs_that_mean_nothing(served: tuple[Client, Path], body: Any) -> None:
    client, data = served
    before = left(data)
    if isinstance(body, dict) and body:
        body = {"schema": "person"} | body
    assert client.post("/v1/documents", body).status == 422
    assert left(data) == before


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 5000, b"null",
                                 b'{"texts": ["\\ud800"], "schema": "a"}'])
def test_bodies_that_are_no_json(served: tuple[Client, Path], raw: bytes) -> None:
    client, _ = served
    answer = client.send("POST", "/v1/documents", raw, {"content-type": "application/json"})
    assert answer.status in (400, 422), answer.body
    assert answer.json()["error"]["problem"]


def test_a_client_that_breaks_off_leaves_nothing(served: tuple[Client, Path]) -> None:
    client, data = served
    before = left(data)
    body = form([("a.txt", b"x" * 200_000)], **ASK)
    with socket.create_connection(("127.0.0.1", client.port), 10) as connection:
        head = (f"POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {TYPE}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        connection.sendall(head.encode() + body[:100_000])
        _wait(lambda: left(data) != before)
    _wait(lambda: left(data) == before)


def _wait(ready: Any) -> None:
    until = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def test_an_announced_size_beyond_the_limit_is_refused_before_it_comes(served: tuple[Client, Path]) -> None:
    client, _ = served
    with socket.create_connection(("127.0.0.1", client.port), 10) as connection:
        connection.sendall(f"POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {TYPE}\r\n"
                           f"Content-Length: {1 << 40}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def test_tables_and_the_column_of_their_texts(served: tuple[Client, Path]) -> None:
    client, _ = served
    table = b"n,body\n1,Ada works for Bolt.\n2,Bob Lee works for Acme Inc.\n"
    files = [("t.csv", table), ("t.csv:1", b"Cora."), ("good.txt", b"Ada works for Bolt.")]
    job = client.ended(client.upload(files, settings='{"text_field": "body"}', **ASK).json()["id"])
    ids = [row["id"] for row in client.get(f"/v1/documents/{job['id']}/result").rows()]
    assert len(ids) == len(set(ids)) == 3 and [id_[:6] for id_ in ids] == ["t.csv:", "t.csv:", "good.t"]
    assert [file["documents"] for file in job["files"]][::2] == [2, 1]
    job = client.ended(client.upload(files[:1], settings='{"text_field": "nope"}', **ASK).json()["id"])
    assert job["state"] == "failed" and "nope" in job["files"][0]["problem"]
    assert client.upload(files, settings='{"text_field": 3}', **ASK).status == 422


@pytest.mark.slow
def test_an_upload_is_never_in_memory_as_a_whole(compact: Path, tmp_path: Path) -> None:
    with ServiceProcess(compact, tmp_path / "data") as service:
        status = Path(f"/proc/{service.pid}/status")
        if not status.exists():
            pytest.skip("needs /proc")
        service.client.upload([("a.txt", b"Ada.")], **ASK)
        before = _peak(status)
        answer = service.client.upload([(f"{n}.bin", bytes(50 << 20)) for n in range(4)], **ASK)
        assert answer.status == 202
        assert service.client.ended(answer.json()["id"])["state"] == "failed"
        assert _peak(status) - before < 32 << 10, "KiB"


def _peak(status: Path) -> int:
    """The most memory that a process took, in KiB."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1])  # type: ignore[index]
