"""The nodes as a table, `.csv`, `.tsv` or `.parquet` by its ending: the other half of a table of edges.

Its `id` is what `head_id` and `tail_id` of the edges say, as long as both were written from one store. It cannot be
read back: nodes follow from edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.graph.forms.delimited import write_table
from iepile.graph.forms.form import Form
from iepile.graph.forms.parquet import write_parquet
from iepile.graph.networks import node_attributes
from iepile.graph.store import Store
from iepile.jsonl import dumps

COLUMNS: dict[str, type[Any]] = {"id": str, "label": str, "kind": str, "type": str, "mentions": int, "aliases": str,
                                 "event": str}
"""`aliases` is a JSON list."""


def _write(store: Store, path: Path) -> int:
    ending = Path(str(path).removesuffix(".gz").removesuffix(".zst")).suffix.lower()
    if ending == ".parquet":
        write_parquet(path, COLUMNS, _rows(store), frozenset(("id", "label", "kind", "mentions")))
    elif ending in (".csv", ".tsv"):
        write_table(path, list(COLUMNS), _rows(store), "," if ending == ".csv" else "\t")
    else:
        raise InputError("the ending tells no table", file=path, expected=".csv, .tsv or .parquet")
    return store.one("SELECT count(*) FROM fact")


def _rows(store: Store) -> Iterator[list[Any]]:
    for node in store.nodes():
        about = node_attributes(node) | {"id": node.id}
        if node.aliases:
            about["aliases"] = dumps(about["aliases"])
        yield [about.get(name) for name in COLUMNS]


FORM = Form("nodes", "the nodes as a table, .csv, .tsv or .parquet", (), _write, None)
