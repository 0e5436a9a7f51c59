"""Tokens, BILOU tags and relations by mention number."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.errors import InputError

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
ROW = {
    "tokens": ["Rome", ",", "Lazio", "by", "John", "Booth"],
    "tags": ["U-Loc", "O", "U-Loc", "O", "B-Peop", "L-Peop"],
    "relations": [{"head": 0, "tail": 1, "type": "Located_In"}, {"head": 2, "tail": 0, "type": "Live_In"}],
    "orig_id": 23,
}


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(list(rows)))
    return list(read_documents(path, options=options))


def test_relations_point_at_mentions(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, ROW, options=ReadOptions(labels={"Loc": "place", "Live_In": "lives in"}))
    assert (doc.text, doc.id, doc.annotated) == ("Rome , Lazio by John Booth", "23", ("entity", "relation"))
    found = [(r.type, r.head.text, r.tail.text, r.head_type, r.tail_type) for r in doc.relations]
    assert found == [
        ("Located_In", "Rome", "Lazio", "place", "place"),
        ("lives in", "John Booth", "Rome", "Peop", "place"),
    ]
    assert all(doc.text[s.start : s.end] == s.text for s in doc.facts.spans())


@pytest.mark.parametrize("change", [{"tags": ["O"]}, {"relations": [{"head": 0, "tail": 9, "type": "x"}]}])
def test_a_broken_record_is_named(tmp_path: Path, change: dict) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, ROW, {**ROW, **change})
    assert info.value.line == 2 and info.value.fix


@pytest.mark.skipif(not (SHARED / "data/conll04").is_dir(), reason="the shared real data is not here")
@pytest.mark.parametrize(
    ("split", "records", "relations"), [("train", 922, 1283), ("dev", 231, 343), ("test", 288, 422)]
)
def test_real_files(split: str, records: int, relations: int) -> None:
    docs = list(read_documents(SHARED / f"data/conll04/conll04_{split}.json"))
    assert (len(docs), sum(len(d.relations) for d in docs)) == (records, relations)
    assert all(d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())
