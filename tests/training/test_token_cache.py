"""Cached token ids: the same as fresh ones, never another file's, never half an entry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iepile.models.chat import Chat
from iepile.training import data, token_cache
from iepile.training.data import Examples, read_examples
from iepile.training.rows import data_files
from iepile.training.tokenisation import Reading
from tiny_models import byte_level_tokenizer
from training_rows import ner_row, write

TOKENIZER = byte_level_tokenizer()
CHAT = Chat(TOKENIZER, "alpaca")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "train.json", *[ner_row(n, "ab"[n % 2], words=n) for n in range(30)])


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def read(path: Path, cache: Path | str, reading: Reading | int = 500, chat: Chat = CHAT) -> Examples:
    return read_examples(path, chat, reading, None, str(cache) if cache else "")


def entries(cache: Path) -> list[str]:
    return sorted(p.name for p in cache.iterdir())


def no_tokenising(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise AssertionError("rows were tokenised again")

    monkeypatch.setattr(data, "_tokenised", fail)


def test_a_second_read_is_equal_and_maps_the_first(path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, made = read(path, ""), read(path, cache)
    no_tokenising(monkeypatch)
    seen: list[int] = []
    again = read_examples(path, CHAT, 500, seen.append, str(cache))
    assert list(fresh) == list(made) == list(again) and seen == [30]
    assert fresh.report == made.report == again.report and again.table.sources == ("a", "b")
    assert isinstance(again.table.ids, np.memmap) and fresh.groups == again.groups
    assert list(again.split(5, 1)[1]) == list(fresh.split(5, 1)[1])


def test_whatever_changes_makes_another_entry(path: Path, cache: Path, tmp_path: Path) -> None:
    readings = [Reading(500), Reading(400), Reading(500, "drop"), Reading(500, train_on_prompt=True),
                Reading(500, text_first=True)]
    chats = [Chat(TOKENIZER, "alpaca", "Be brief."), Chat(TOKENIZER, "vanilla"),
             Chat(byte_level_tokenizer(["other words"] * 9, 690), "alpaca")]
    keys = {token_cache.content_key([path], CHAT, r) for r in readings}
    keys |= {token_cache.content_key([path], c, readings[0]) for c in chats}
    assert len(keys) == len(readings) + len(chats)
    before = token_cache.content_key([path], CHAT, readings[0])
    assert before == token_cache.content_key([path], CHAT, Reading(500)) and before in keys
    read(path, cache)
    write(path, *[ner_row(n, words=3) for n in range(5)])
    assert len(read(path, cache)) == 5 and len(entries(cache)) == 2
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    assert token_cache.content_key([write(moved / "train.json", ner_row(1))], CHAT, Reading(500)) == \
        token_cache.content_key([write(path, ner_row(1))], CHAT, Reading(500))


def test_validation_rows_are_never_those_of_training(path: Path, cache: Path, tmp_path: Path) -> None:
    valid = write(tmp_path / "valid.json", *[ner_row(n + 100) for n in range(7)])
    for _ in range(2):
        one, two = read(path, cache), read(valid, cache)
        assert (len(one), len(two)) == (30, 7)
        assert not {e.ids.tobytes() for e in one} & {e.ids.tobytes() for e in two}
    both = read_examples(f"{path},{valid}", CHAT, 500, None, str(cache))
    assert len(both) == 37 and len(entries(cache)) == 3


@pytest.mark.parametrize("damage", ["cut", "missing", "meta", "foreign", "pickle"])
def test_a_damaged_entry_is_made_again(path: Path, cache: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    fresh = list(read(path, cache))  # copied: the arrays are mapped from the files that are damaged now
    entry = cache / token_cache.content_key(data_files(str(path)), CHAT, Reading(500))
    ids = entry / "ids.npy"
    if damage == "cut":
        ids.write_bytes(ids.read_bytes()[:-40])
    elif damage == "missing":
        ids.unlink()
    elif damage == "meta":
        (entry / "meta.json").write_text("{")
    elif damage == "foreign":
        np.save(ids, np.zeros(3, np.int32))
    else:
        np.save(ids, np.array([print], object), allow_pickle=True)
    again = read(path, cache)
    assert list(again) == fresh and "are made again" in caplog.text
    assert np.load(ids, allow_pickle=False).dtype == np.int32


def test_a_writer_killed_half_way_leaves_no_entry(path: Path, cache: Path) -> None:
    """The last file before the entry appears is held up for ever, and the process is killed there."""
    code = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from iepile.training import token_cache
from iepile.training.data import read_examples
from iepile.models.chat import Chat
from tiny_models import byte_level_tokenizer
flush = token_cache._flush
def held(file):
    flush(file)
    if file.name.endswith("meta.json"):
        print("now", flush=True)
        time.sleep(60)
token_cache._flush = held
read_examples({str(path)!r}, Chat(byte_level_tokenizer(), "alpaca"), 500, None, {str(cache)!r})
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "now\n"
        child.send_signal(signal.SIGKILL)
    left = entries(cache)
    assert len(left) == 1 and ".partial-" in left[0]
    fresh = read(path, cache)
    assert list(fresh) == list(read(path, "")) and len(entries(cache)) == 2
    old = time.time() - 2 * token_cache.STALE
    os.utime(cache / left[0], (old, old))
    read(path, cache, 400)
    assert left[0] not in entries(cache)


def test_a_folder_that_cannot_be_written_is_named(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Exception, match="cannot be written"):
        read(path, tmp_path / "file")
