"""JSON lines: one edge a line, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.form import Form
from iepile.graph.store import Store
from iepile.jsonl import decode_row, open_bytes, read_lines, write_rows


def write_edges(edges: Iterable[Edge], path: str | Path) -> int:
    """Write one edge a line. Returns how many.

    Raises:
        InputError: an edge with half of a surrogate pair, which UTF-8 cannot hold. Edges of a store have none.
    """
    try:
        return write_rows(path, map(msgspec.to_builtins, edges))
    except UnicodeEncodeError as e:
        raise InputError(f"an edge holds half of a surrogate pair, {e.object[e.start:e.end]!a}", file=path,
                         fix="put the edges into a store, which writes U+FFFD for it") from None


def read_edges(path: str | Path) -> Iterator[Edge]:
    """Read what `write_edges` wrote.

    Raises:
        InputError: a line that is no edge.
    """
    with open_bytes(path) as f:
        if not f.read(1):
            return  # a graph without edges is a graph
    for n, line in read_lines(path):
        yield edge_of(decode_row(line, path, n), path, n)


def edge_of(values: dict[str, Any], path: str | Path, line: int | None) -> Edge:
    """The edge with these values by field; what is None may be left out.

    Raises:
        InputError: a field that is missing, unknown or of another type, an offset that is below 0 or beyond 64 bits, or
            a confidence that is not finite.
    """
    try:
        edge = msgspec.convert(values, Edge)
    except msgspec.ValidationError as e:
        raise InputError(f"not an edge: {e}", file=path, line=line) from None
    if edge.confidence is not None and not isfinite(edge.confidence):
        raise InputError(f"not an edge: confidence is {edge.confidence}", file=path, line=line, field="confidence",
                         expected="a finite number")
    return edge


def _write(store: Store, path: Path) -> int:
    return write_edges(store.edges(), path)


FORM = Form("jsonl", "one edge a line, with everything known of it", (".jsonl", ".json"), _write, read_edges)
