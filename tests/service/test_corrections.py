"""The store of corrections: appended, replaced, deleted, read again after a crash, and bounded."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.service import corrections
from iepile.service.corrections import Corrections
from iepile.service.refusals import NoRoom, NotFound


def document(text: str = "Ada met Bob.", **more: Any) -> dict[str, Any]:
    return {"text": text, "entity": [{"entity": text[:3], "entity_type": "person", "pos": [0, 3]}], **more}


def texts(store: Corrections) -> list[str]:
    return [d["text"] for d in store.documents()]


def test_what_is_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Corrections(tmp_path / "c.jsonl")
    assert len(store) == 0 and not (tmp_path / "c.jsonl").exists()
    first = store.save(document("Ada 😀\u2028 中文", id="1"))
    second = store.save(document("Bob"))
    again = Corrections(tmp_path / "c.jsonl")
    assert [e.id for e in again.entries()] == [first.id, second.id]
    assert again.entries() == store.entries() and again.document(first.id) == document("Ada 😀\u2028 中文", id="1")
    assert first.about == {"document_id": "1", "text": "Ada 😀\u2028 中文", "facts": {"entity": 1}}
    assert (tmp_path / "c.jsonl").stat().st_mode & 0o077 == 0, "only the service reads it"


def test_a_review_saved_again_takes_the_place_of_the_former(tmp_path: Path) -> None:
    store = Corrections(tmp_path / "c.jsonl")
    first = store.save(document("one"))
    store.save(document("two"))
    third = store.save(document("one, again"), first.id)
    for s in (store, Corrections(store.path)):
        assert texts(s) == ["two", "one, again"] and first.id not in s and third.id in s
    with pytest.raises(InputError, match="no correction"):
        store.save(document("x"), first.id)


def test_deleted_ones_are_gone_and_their_lines_are_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "_COMPACT_FROM", 6)
    store = Corrections(tmp_path / "c.jsonl")
    kept = [store.save(document(f"text {n}")) for n in range(5)]
    for entry in kept[:2]:
        store.delete(entry.id)
    assert texts(store) == texts(Corrections(store.path)) == ["text 2", "text 3", "text 4"]
    with pytest.raises(NotFound):
        store.delete(kept[0].id)
    with pytest.raises(NotFound):
        store.document(kept[0].id)
    store.delete(kept[2].id)  # six dead lines: the file is written anew
    assert len(store.path.read_bytes().splitlines()) == 2
    assert texts(store) == texts(Corrections(store.path)) == ["text 3", "text 4"]
    store.save(document("text 5"))
    assert texts(Corrections(store.path)) == ["text 3", "text 4", "text 5"]


@given(cut=st.integers(0, 400), more=st.booleans())
def test_a_torn_line_is_left_out_and_cut_off(tmp_path_factory: pytest.TempPathFactory, cut: int, more: bool) -> None:
    path = tmp_path_factory.mktemp("torn") / "c.jsonl"
    store = Corrections(path)
    for n in range(3):
        store.save(document(f"text {n}"))
    whole = path.read_bytes()
    ends = [n + 1 for n, byte in enumerate(whole) if byte == 10]
    cut = min(cut, len(whole))
    path.write_bytes(whole[:cut])
    found = Corrections(path)
    expected = [f"text {n}" for n, end in enumerate(ends) if end <= cut]
    assert texts(found) == expected
    if more:
        found.save(document("after"))
        assert texts(Corrections(path)) == [*expected, "after"]
        assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_file_of_something_else_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    Corrections(path).save(document())
    with path.open("a") as f:
        f.write("not JSON\n")
    with pytest.raises(InputError, match="line is not JSON") as error:
        Corrections(path)
    assert error.value.line == 2
    path.write_text('{"text": "a unified document, not a correction"}\n')
    with pytest.raises(InputError, match="no correction") as error:
        Corrections(path)
    assert error.value.line == 1


def test_the_store_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MOST", 2)
    store = Corrections(tmp_path / "c.jsonl")
    first = store.save(document("one"))
    store.save(document("two"))
    with pytest.raises(NoRoom, match="2 corrections"):
        store.save(document("three"))
    store.save(document("one again"), first.id)
    monkeypatch.setattr(corrections, "MOST", 100)
    monkeypatch.setattr(corrections, "LARGEST", store.path.stat().st_size + 10)
    with pytest.raises(NoRoom, match="full"):
        store.save(document("three"))
    assert texts(store) == texts(Corrections(store.path)) == ["two", "one again"]


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    store = Corrections(tmp_path / "c.jsonl")

    def work(name: int) -> None:
        for n in range(20):
            entry = store.save(document(f"{name} {n} " + "x" * 500))
            if n % 3 == 0:
                store.delete(entry.id)
            assert all(d["text"] for d in store.documents())

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts(store)) == sorted(texts(Corrections(store.path))) and len(store) == 4 * 13


def test_a_line_is_on_the_disk_before_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), real(fd))[1])
    store = Corrections(tmp_path / "c.jsonl")
    store.save(document())
    assert synced == [store.path.stat().st_size]
