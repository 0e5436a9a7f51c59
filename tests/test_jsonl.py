"""Files in and out: every form people have, every way a file can be damaged, nothing half-written."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.errors import IepileError, InputError
from iepile.jsonl import (
    atomic_writer,
    check_folder,
    check_target,
    check_targets,
    dumps,
    read_bytes,
    read_lines,
    read_rows,
    write_rows,
)

ROWS = [{"text": "一"}, {"text": "two\u2028lines"}]
LINES = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ROWS).encode()
SUFFIXES = ["", ".gz", ".zst"]


def packed(data: bytes, suffix: str) -> bytes:
    return {"": lambda b: b, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix](data)


def put(folder: Path, data: bytes, name: str = "f.json") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "data",
    [
        LINES,
        b"\xef\xbb\xbf" + LINES,
        LINES.rstrip(b"\n"),
        LINES.replace(b"\n", b"\r\n"),
        b"\n \n" + LINES.replace(b"\n", b"\n\n\t\n"),
        json.dumps(ROWS).encode(),
        b"\xef\xbb\xbf" + json.dumps(ROWS, indent=2).encode(),
        b"\n\n" + json.dumps(ROWS, indent=2, ensure_ascii=False).encode(),
    ],
    ids=["lines", "bom", "no end", "crlf", "blank lines", "array", "bom array", "blank array"],
)
def test_every_form_reads_the_same(tmp_path: Path, data: bytes, suffix: str) -> None:
    assert rows(put(tmp_path, packed(data, suffix), "f.json" + suffix)) == ROWS


def test_line_numbers_count_blank_lines_and_records_of_an_array(tmp_path: Path) -> None:
    assert [n for n, _ in read_rows(put(tmp_path, b'\n{"a":1}\n\n{"a":2}\n'))] == [2, 4]
    assert [n for n, _ in read_rows(put(tmp_path, b'[\n{"a":1},\n\n{"a":2}]'))] == [1, 2]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_files_of_several_frames_are_read_to_the_end(tmp_path: Path, suffix: str) -> None:
    first, second = LINES.splitlines(keepends=True)
    assert rows(put(tmp_path, packed(first, suffix) + packed(second, suffix), "f" + suffix)) == ROWS


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_cut_short_is_an_error_not_a_shorter_file(tmp_path: Path, suffix: str) -> None:
    noise = "".join(dumps({"n": os.urandom(30).hex()}) + "\n" for _ in range(3000)).encode()
    whole = packed(noise, suffix)
    for cut in (5, len(whole) // 2, len(whole) - 3):
        path = put(tmp_path, whole[:cut], "f" + suffix)
        with pytest.raises(InputError, match="cannot be read to its end"):
            rows(path)
        with pytest.raises(InputError, match="cannot be read to its end"):
            read_bytes(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_what_only_claims_to_be_compressed(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="cannot be read to its end"):
        rows(put(tmp_path, LINES, "f" + suffix))
    damaged = bytearray(packed(LINES * 400, suffix))
    damaged[len(damaged) // 2] ^= 0xFF
    damaged[len(damaged) // 2 + 1] ^= 0xFF
    with pytest.raises(InputError):
        rows(put(tmp_path, bytes(damaged), "g" + suffix))


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b'{"a":1}\n{"a":\n', 2, "not JSON"),
        (b'{"a":1}\n\n[1]\n', 3, "a list"),
        (b'{"a":1}\n"x"\n', 2, "a string"),
        (b"{\n", 1, "put each record on one line"),
        ('{"a": "你"}\n'.encode("gb18030"), 1, "not UTF-8"),
        ('{"a": 1}\n'.encode("utf-16"), 1, "not UTF-8"),
        (b'{"a": NaN}\n', 1, "not JSON"),
        (b'{"a": "\\ud800"}\n', 1, "not JSON"),
        (b'{"a":1}\n' + b'{"a":' + b"[" * 100_000, 2, "too deeply nested"),
        (b'[{"a":1}, 5]', 2, "a number"),
        (b"null\n", 1, "null"),
    ],
)
def test_broken_records_are_named_by_line(tmp_path: Path, data: bytes, line: int, words: str) -> None:
    path = put(tmp_path, data)
    with pytest.raises(InputError, match=words) as e:
        rows(path)
    assert (e.value.file, e.value.line) == (path, line)


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf", b"[]"])
def test_an_empty_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match="empty"):
        rows(put(tmp_path, data))


def test_a_broken_array(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not JSON"):
        list(read_lines(put(tmp_path, b'[{"a":1},\n{"a":')))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        rows(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder"):
        rows(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), x, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    data=st.lists(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values), min_size=1, max_size=5),
    suffix=st.sampled_from(SUFFIXES),
)
def test_round_trip(tmp_path: Path, data: list[dict[str, Any]], suffix: str) -> None:
    path = tmp_path / ("x.json" + suffix)
    assert write_rows(path, data) == len(data)
    assert rows(path) == data
    assert read_bytes(path).count(b"\n") == len(data)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_content_is_equal_bytes(tmp_path: Path, suffix: str) -> None:
    one, two = tmp_path / ("a" + suffix), tmp_path / ("b" + suffix)
    write_rows(one, ROWS)
    os.utime(one, (0, 0))
    write_rows(two, ROWS)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_exception_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    old, new = tmp_path / ("old" + suffix), tmp_path / ("new" + suffix)
    old.write_bytes(b"before")
    for path in (old, new):
        with pytest.raises(RuntimeError), atomic_writer(path) as f:
            f.write(b"x" * 100_000)
            raise RuntimeError
    assert old.read_bytes() == b"before"
    assert sorted(p.name for p in tmp_path.iterdir()) == [old.name]


def test_a_killed_writer_leaves_no_target(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    script = (
        "import sys, time\nfrom iepile.jsonl import atomic_writer\n"
        "with atomic_writer(sys.argv[1]) as f:\n"
        "    f.write(b'x' * 100000); f.flush(); print('here', flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"here\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not target.exists()
    write_rows(target, ROWS)  # and what it left does not get in the way
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_an_unwritable_target_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "x.json", Path("/proc/none/x.json"), tmp_path):
        with pytest.raises(InputError), atomic_writer(target):
            raise AssertionError("the block ran")
    with pytest.raises(InputError, match="exists already"):
        check_target(tmp_path / "file", overwrite=False)


def test_folders_are_made_and_no_probe_stays(tmp_path: Path) -> None:
    check_target(tmp_path / "a" / "b" / "x.json")
    assert check_folder(tmp_path / "c").is_dir()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "c"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_plainly() -> None:
    with pytest.raises(IepileError, match="the disk is full"):
        write_rows("/dev/full", ({"n": n} for n in range(10_000)))
    assert Path("/dev/full").is_char_device()


def test_devices_are_written_not_replaced(tmp_path: Path) -> None:
    write_rows("/dev/null", ROWS)
    assert Path("/dev/null").is_char_device()
    script = "from iepile.jsonl import write_rows; write_rows('/dev/stdout', [{'a': '\u4e00'}])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert out.stdout.decode() == '{"a": "一"}\n'


def test_a_link_to_the_target_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "x.json", tmp_path / "x.json"
    real.write_text("old")
    link.symlink_to(real)
    write_rows(link, ROWS)
    assert link.is_symlink()
    assert rows(real) == ROWS


def test_no_output_is_an_input_or_another_output(tmp_path: Path) -> None:
    data = put(tmp_path, LINES)
    (tmp_path / "link").symlink_to(data)
    check_targets([tmp_path / "a", None, tmp_path / "b", "/dev/null", "/dev/null"], [data, None, tmp_path / "none"])
    for target in (data, tmp_path / "link", tmp_path / "x" / ".." / data.name):
        with pytest.raises(InputError, match="is an input"):
            check_targets([tmp_path / "a", target], [data])
    with pytest.raises(InputError, match="two outputs"):
        check_targets([tmp_path / "a", str(tmp_path / "a")], [data])
    assert data.read_bytes() == LINES
