"""Edges as JSON lines: what is refused, with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graph.forms.made import edge
from iepile.errors import InputError
from iepile.graph.build import KgConfig, build
from iepile.graph.forms.jsonl import read_edges, write_edges

GOOD = {"head": "a", "relation": "r", "tail": "t", "kind": "relation", "document": "d"}


@pytest.mark.parametrize(("more", "said"), [
    ('"head_start": 123456789012345678901', "head_start"),
    ('"head_start": 9223372036854775808', "head_start"),
    ('"tail_end": -1', "tail_end"),
    ('"snippet_start": 1.5', "snippet_start"),
    ('"confidence": NaN', "not JSON"),
    ('"confidence": Infinity', "not JSON"),
    ('"confidence": 1e999', "out of range"),
    ('"confidence": "high"', "confidence"),
    ('"ungrounded": 1', "ungrounded"),
    ('"head_type": 3', "head_type"),
    ('"document": null', "document"),
    ('"weight": 3', "weight"),
    ('"source": "\\ud800"', "not JSON"),
])
def test_a_bad_edge_is_refused_with_its_line(tmp_path: Path, more: str, said: str) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n\n{json.dumps(GOOD)[:-1]}, {more}}}\n", "utf-8")
    with pytest.raises(InputError) as e:
        list(read_edges(path))
    assert (e.value.line, said in str(e.value)) == (3, True)
    with pytest.raises(InputError, match=r"e\.jsonl:3: "):
        build(KgConfig(input_file=str(path), output_file=str(tmp_path / "g.db")))


@pytest.mark.parametrize("more", [{}, {"confidence": 1}, {"head_start": 0}, {"head_type": None},
                                  {"head_start": 2**63 - 1}])
def test_a_good_edge_is_read(tmp_path: Path, more: dict[str, Any]) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text("\ufeff" + json.dumps(GOOD | more), "utf-8")
    assert list(read_edges(path)) == [edge("a", "r", "t", **more)]


def test_half_of_a_surrogate_pair_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"half of a surrogate pair, '.ud800'"):
        write_edges([edge(), edge("a\ud800")], tmp_path / "e.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_graph_without_edges(tmp_path: Path) -> None:
    assert write_edges([], tmp_path / "e.jsonl") == 0
    assert list(read_edges(tmp_path / "e.jsonl")) == []
