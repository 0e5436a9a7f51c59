"""zero_rte: the triplets of a record share a sentence; token numbers may leave gaps."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.places import token_pieces
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data"
needs_data = pytest.mark.skipif(not (DATA / "wiki_zsl").is_dir(), reason="the shared real data is not here")
TOKENS = ["Ada", "Bird", "and", "Bob", "Bird", "live", "in", "Rome"]


def triplet(head: list[int], tail: list[int], label: str = "residence", tokens: list[str] = TOKENS) -> dict:
    return {"tokens": tokens, "head": head, "tail": tail, "label": label, "label_id": "P1", "score": 0.0}


def read(tmp_path: Path, *rows: object, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in rows))
    return list(read_documents(path, options=options))


def test_triplets_of_a_record_are_one_document(tmp_path: Path) -> None:
    options = ReadOptions(labels={"sibling": "brother"})
    row = {"triplets": [triplet([0, 1], [7]), triplet([0, 4], [3, 4], "sibling")]}
    (doc,) = read(tmp_path, row, options=options)
    assert [(r.type, r.head, r.tail) for r in doc.relations] == [
        ("residence", Span("Ada Bird", 0, 8), Span("Rome", 30, 34)),
        ("brother", Span("Ada Bird and Bob Bird", 0, 21), Span("Bob Bird", 13, 21))]
    assert doc.meta == {"pieces": [[[0, 3], [17, 21]]]} and options.summary.repairs == {Repair.PIECES: 1}


@given(st.lists(st.text("ab", min_size=1), min_size=1, max_size=9), st.data())
def test_pieces_cover_their_tokens_and_nothing_else(tokens: list[str], data: st.DataObject) -> None:
    words = TokenText(tokens, ReadOptions())
    numbers = data.draw(st.sets(st.integers(0, len(tokens) - 1), min_size=1))
    pieces = token_pieces(words, numbers)
    assert " ".join(words.text[a:b] for a, b in pieces) == " ".join(tokens[n] for n in sorted(numbers))
    assert all(b < c for (_, b), (c, _) in itertools.pairwise(pieces))


@pytest.mark.parametrize(
    ("row", "field"),
    [({"triplets": [triplet([0], [8])]}, "record"), ({"triplets": [triplet([], [1])]}, "record"),
     ({"triplets": [triplet([0], [1]), triplet([0], [1], tokens=["a", "b"])]}, "record"),
     ({"triplets": [{"tokens": [], "head": [0]}]}, "triplets[0]"),
     ({"triplets": [{**triplet([0], [1]), "head": ["x"]}]}, "triplets[0].head[0]")],
)
def test_wrong_fields_are_named(tmp_path: Path, row: dict, field: str) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, {"triplets": [triplet([0], [1])]}, row)
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.jsonl", 2, field)


def test_no_triplets_no_text(tmp_path: Path) -> None:
    options = ReadOptions()
    assert len(read(tmp_path, {"triplets": [triplet([0], [1])]}, {"triplets": []}, options=options)) == 1
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "relations", "pieces"),
    [("fewrel/zero_rte_unseen_5_seed_0_test.jsonl", 1000, 1043, 0),
     ("wiki_zsl/zero_rte_unseen_5_seed_0_test.jsonl", 1500, 2130, 3),
     ("wiki_zsl/zero_rte_unseen_5_seed_2_dev.jsonl", 500, 584, 3)],
)
def test_real_files(file: str, documents: int, relations: int, pieces: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert (options.summary.format, len(docs)) == ("zero_rte", documents)
    assert sum(len(d.relations) for d in docs) == relations
    assert len({r.type for d in docs for r in d.relations}) == 5
    assert all(s.grounded and d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())
    assert options.summary.repairs == ({Repair.PIECES: pieces} if pieces else {})
    assert sum(len(d.meta.get("pieces", ())) for d in docs) == pieces


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    path = DATA / "wiki_zsl/zero_rte_unseen_5_seed_0_test.jsonl"
    assert check_reader("zero_rte", head_of(path, 2000), tmp_path, n=100)["read"] > 0
