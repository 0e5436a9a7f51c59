"""The journal keeps every finished request whatever happens to the process or to its last line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion
from iepile.extraction.journal import Journal, fingerprint, journal_path
from iepile.records import Entity, Facts, Span


def answer(n: int, text: str = "{}") -> Completion:
    facts = Facts(entities=(Entity("person", Span("Ada", 0, 3), 0.5),)) if n % 2 else None
    return Completion(str(n), text, facts=facts, tokens=n, logprob=-0.25 * n)


def fill(output: Path, rows: list[int], total: int = 10) -> None:
    with Journal.open(output, "f") as journal:
        for n in rows:
            journal.append(n, answer(n))


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "out.json"
    fill(output, [3, 1])
    with Journal.open(output, "f") as journal:
        assert journal.resumed == len(journal) == 2
        assert [n in journal for n in range(5)] == [False, True, False, True, False]
        journal.append(0, answer(0))
        assert journal.read(3) == answer(3) and journal.read(0) == answer(0) and journal.read(1) == answer(1)
        journal.append(2, answer(2))
        assert journal.read(2) == answer(2)
        with pytest.raises(KeyError):
            journal.read(9)
        journal.remove()
    assert not journal_path(output).exists()


def test_long_answers_are_read_whole(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "o", "f") as journal:
        journal.append(0, answer(0, "语" * 100_000))
        journal.append(1, answer(1, "\n\u2028"))
        assert journal.read(0).text == "语" * 100_000 and journal.read(1).text == "\n\u2028"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 2000), tail=st.binary(max_size=8))
def test_a_torn_tail_loses_only_what_is_torn(tmp_path: Path, cut: int, tail: bytes) -> None:
    output = tmp_path / "out"
    path = journal_path(output)
    path.unlink(missing_ok=True)
    fill(output, list(range(8)))
    whole = path.read_bytes()
    kept = whole[:cut]
    # What is torn off may leave anything behind it, but not a line that is whole.
    path.write_bytes(kept + tail.replace(b"\n", b" "))
    header = whole.index(b"\n") + 1
    if 0 < len(kept) < header:
        path.write_bytes(kept)
    lines = max(0, kept.count(b"\n") - 1)
    if cut == 0:
        path.write_bytes(b"")
    with Journal.open(output, "f") as journal:
        assert journal.resumed in (lines, lines + (cut >= len(whole)))
        for n in range(journal.resumed, 8):
            journal.append(n, answer(n))
    assert path.read_bytes() == whole


def test_another_run_is_refused(tmp_path: Path) -> None:
    output = tmp_path / "out"
    fill(output, [0])
    with pytest.raises(InputError, match=r"another input, model or settings[^~]*overwrite"):
        Journal.open(output, "g")
    with Journal.open(output, "g", overwrite=True) as journal:
        assert journal.resumed == 0
    with pytest.raises(InputError, match="another input"):
        Journal.open(output, "f")


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    journal_path(tmp_path / "out").write_text("dear diary\n", "utf-8")
    with pytest.raises(InputError, match="is the journal of"):
        Journal.open(tmp_path / "out", "f")


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with Journal.open(tmp_path / "out", "f"), pytest.raises(InputError, match="another run is writing"):
        Journal.open(tmp_path / "out", "f")


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "out", "f") as journal:
        journal.append(0, Completion("0", "", finish="error", error="busy"))
        assert journal.read(0).error == "busy"
    with Journal.open(tmp_path / "out", "f") as journal:
        assert 0 not in journal
        journal.append(0, answer(0))
    with Journal.open(tmp_path / "out", "f") as journal:
        assert journal.resumed == 1


def test_an_engine_that_answers_twice_is_told(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "out", "f") as journal:
        journal.append(0, answer(0))
        with pytest.raises(IepileError, match="twice"):
            journal.append(0, answer(0))


def test_half_a_character_does_not_stop_the_run(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "out", "f") as journal:
        journal.append(0, answer(0, "a\ud83d"))
        assert journal.read(0).text == "a?"


def test_fingerprint_follows_content_and_settings(tmp_path: Path) -> None:
    file = tmp_path / "in"
    file.write_bytes(b"a")
    first = fingerprint(file, {"model": "m", "options": {"a": 1, "b": 2}})
    assert first == fingerprint(str(file), {"options": {"b": 2, "a": 1}, "model": "m"})
    assert first != fingerprint(file, {"model": "n", "options": {"a": 1, "b": 2}})
    file.write_bytes(b"b")
    assert first != fingerprint(file, {"model": "m", "options": {"a": 1, "b": 2}})
