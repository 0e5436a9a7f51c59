"""JSON lines: one edge a line, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.form import Form
from iepile.graph.store import Store
from iepile.jsonl import decode_row, open_bytes, read_lines, write_rows


def write_edges(edges: Iterable[Edge], path: str | Path) -> int:
    """Write one edge a line. Returns how many."""
    return write_rows(path, map(msgspec.to_builtins, edges))


def read_edges(path: str | Path) -> Iterator[Edge]:
    """Read what `write_edges` wrote.

    Raises:
        InputError: a line that is no edge.
    """
    with open_bytes(path) as f:
        if not f.read(1):
            return  # a graph without edges is a graph
    for n, line in read_lines(path):
        try:
            yield msgspec.convert(decode_row(line, path, n), Edge)
        except msgspec.ValidationError as e:
            raise InputError(f"not an edge: {e}", file=path, line=n) from None


def _write(store: Store, path: Path) -> int:
    return write_edges(store.edges(), path)


FORM = Form("jsonl", "one edge a line, with everything known of it", (".jsonl", ".json"), _write, read_edges)
