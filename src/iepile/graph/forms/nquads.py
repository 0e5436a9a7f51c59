"""N-Quads (RDF), with the trail of every edge; see iepile.graph.rdf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iepile.graph.edge import Edge
from iepile.graph.forms.form import Form
from iepile.graph.store import Store


def _write(store: Store, path: Path) -> int:
    from iepile.graph.rdf import write_rdf

    return write_rdf(store, path, "N-Quads")


def _read(path: Path) -> Iterator[Edge]:
    from iepile.graph.rdf import read_rdf

    return read_rdf(path, "N-Quads")


FORM = Form("nquads", "RDF, one triple a line with the document that states it", (".nq",), _write, _read)
