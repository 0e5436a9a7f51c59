"""Rejects are counted, and kept with their reason when a file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from iepile.corpus.rejects import Reason, Rejects
from iepile.jsonl import read_rows
from iepile.records import Document
from iepile.unified import document_from_row


def test_counts_and_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with Rejects(path) as rejects:
        rejects.drop(Document("one", source="a"), Reason.SHORT)
        rejects.drop(Document("two", source="b"), Reason.DUPLICATE, "key", 1 / 3)
        rejects.drop(Document("three", source="b"), Reason.SHORT)
        assert not path.exists()
    assert rejects.counts == {"short": 2, "duplicate": 1}
    assert rejects.by_source == {"a": {"short": 1}, "b": {"duplicate": 1, "short": 1}}
    rows = [row for _, row in read_rows(path)]
    assert [row["rejected"] for row in rows] == [
        {"reason": "short"}, {"reason": "duplicate", "of": "key", "similarity": 0.3333}, {"reason": "short"}]
    assert document_from_row(rows[0]).text == "one"


def test_no_file_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError), Rejects(tmp_path / "r.jsonl") as rejects:
        rejects.drop(Document("one"), Reason.SHORT)
        raise ValueError
    assert list(tmp_path.iterdir()) == []
