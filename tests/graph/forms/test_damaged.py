"""Damaged files: each is read, or refused by an InputError that names the file; never a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from graph.forms.made import EDGES, edge, stored
from iepile.errors import InputError
from iepile.graph.forms.form import forms
from iepile.graph.store import Store

FORMS = ["jsonl", "csv", "tsv", "graphml", "parquet"]
SPLICES = [b"", b"\x00", b"\xff", b'"', b'""', b",", b"\t", b"\r", b"\n", b"<", b"]]>", b"</edge>", b"<node>", b"&x;",
           b"{", b"}", b"null", b"-1", b"1e999", b"nan", b"99999999999999999999", b"<?iepile []?>", b"\\ud800",
           b"<data key='edge_event'>"]


def damaged(data: bytes, seed: int) -> bytes:
    """Some bytes changed, cut out, doubled or put in."""
    draw = random.Random(seed)
    found = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        at, length = draw.randrange(len(found) + 1), draw.choice([0, 1, 1, 4, 40])
        what = draw.randrange(5)
        if what == 0:
            found[at:at + length] = draw.choice(SPLICES)
        elif what == 1:
            del found[at:at + length]
        elif what == 2:
            found[at:at] = found[at:at + length]
        elif what == 3:
            found[at:at + length] = draw.randbytes(length)
        else:
            del found[at:]
    return bytes(found)


def read(tmp_path: Path, name: str, rounds: int) -> None:
    form, path = forms()[name], tmp_path / f"g{forms()[name].endings[0]}"
    family = [*EDGES[-25:], edge("林", "a,b", 'c"d', snippet="x\ny\x00"), edge(confidence=0.5)]
    with Store(stored(tmp_path / "graph.db", family)) as store:
        form.write(store, path)
    whole, refused = path.read_bytes(), 0
    assert form.read
    for seed in range(rounds):
        path.write_bytes(damaged(whole, seed))
        try:
            found = list(form.read(path))
        except InputError as e:
            assert str(e.file) == str(path) and e.problem, seed
            refused += 1
        else:
            assert len(found) <= 2 * len(family), seed
    assert refused > rounds / 20


@pytest.mark.parametrize("name", FORMS)
def test_300_damaged_files(tmp_path: Path, name: str) -> None:
    read(tmp_path, name, 300)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_5_000_damaged_files(tmp_path: Path, name: str) -> None:
    read(tmp_path, name, 5_000)
