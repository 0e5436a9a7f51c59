"""`iepile kg export`: a graph, or the part of it that one asks for, in any form.

    from iepile.graph.exporting import ExportConfig, export
    export(ExportConfig("graph.db", "sure.graphml", least_confidence=0.8, grounded=True))
"""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.build import graph_of
from iepile.graph.forms import Form, find_form
from iepile.graph.forms.form import STORE
from iepile.graph.picking import pick, place
from iepile.graph.sameness import WITHOUT_TYPE
from iepile.graph.store import Store
from iepile.jsonl import check_targets

_KNOWN = {
    "relations": "SELECT DISTINCT w.text FROM edge e JOIN word w ON w.id = e.relation WHERE e.kind != 'type'",
    "types": "SELECT DISTINCT type FROM thing WHERE type IS NOT NULL",
    "documents": "SELECT DISTINCT key FROM document",
    "sources": "SELECT DISTINCT source FROM document WHERE source IS NOT NULL",
}


@dataclass
class ExportConfig:
    """Write a graph in another form: whole, or only the edges for which all that is asked holds."""

    graph: str = ""
    """The graph: a store, another form that can be read, or predictions or documents."""
    output_file: str = ""
    """Where it goes, made anew; its ending tells the form."""
    format: str = ""
    """The form, where the ending does not tell: see `iepile kg forms`."""
    relations: list[str] = field(default_factory=list)
    """Only this relation or role, with the types of its ends; may be repeated."""
    types: list[str] = field(default_factory=list)
    """Only edges with both ends of such a type, `-` for none; may be repeated."""
    documents: list[str] = field(default_factory=list)
    """Only what was read in this document; may be repeated."""
    sources: list[str] = field(default_factory=list)
    """Only what was read in documents of this source; may be repeated."""
    least_confidence: float = 0.0
    """Only edges at least so sure, 0 to 1; above 0, edges that do not tell are left out too, and counted."""
    grounded: bool = False
    """Only edges with both ends in the text."""
    model: str = ""
    """Name of the model, noted on the edges of predictions."""
    base_iri: str = ""
    """RDF: what the IRIs of the graph begin with, `https://example.org/graph/`."""


class ExportSummary(msgspec.Struct):
    """What was written."""

    output_file: str
    format: str
    edges: int
    nodes: int
    documents: int
    left_out: int = 0
    """Edges of the graph that were not asked for."""
    without_confidence: int = 0
    """Of these, edges that do not tell how sure they are, where that was asked."""


def export(config: ExportConfig) -> ExportSummary:
    """Write a graph in another form; see `ExportConfig`.

    Raises:
        InputError: no graph, an unknown form, a target that cannot be written, a store that is there already, or a name
            to pick by that the graph does not have.
    """
    for name in ("graph", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give the {name}")
    if not 0 <= config.least_confidence <= 1:
        raise InputError(f"{config.least_confidence} is no probability", field="least_confidence", expected="0 to 1")
    form, target = find_form(config.output_file, config.format), Path(config.output_file)
    if config.base_iri:
        form = _based(form, config.base_iri)
    if form is None and target.exists():
        raise InputError("exists already", file=target,
                         fix="choose another name; to add to it: iepile kg --input_file")
    if form is None or form.is_form is None or not form.is_form(target):
        check_targets([target], [config.graph])
    with graph_of(config.graph, config.model) as store:
        _check(config, store)
        where, values = _conditions(config)
        if form and not where and not config.relations:
            return _written(store, form, target)
        with tempfile.TemporaryDirectory(prefix=".iepile-", dir=target.absolute().parent) as folder:
            made = Path(folder) / "graph.db"
            pick(store, made, where, values, config.relations)
            with Store(made) as part:
                summary = _written(part, form, target)
            if form is None:
                place(made, target)
        summary.left_out = store.one("SELECT count(*) FROM fact") - summary.edges
        if config.least_confidence:
            unsure = " AND ".join((*where[:-1], "confidence IS NULL"))
            summary.without_confidence = store.one(f"SELECT count(*) FROM fact WHERE {unsure}", values[:-1])
    return summary


def _based(form: Form | None, base: str) -> Form:
    """The same form of RDF with other IRIs."""
    from iepile.graph.rdf import FORMS, write_rdf

    if form is None or form.name not in FORMS:
        raise InputError("goes with a form of RDF", field="base_iri", expected=", ".join(FORMS))
    return replace(form, write=lambda store, path: write_rdf(store, path, FORMS[form.name], base))


def _written(store: Store, form: Form | None, target: Path) -> ExportSummary:
    if form:
        form.write(store, target)
    edges, nodes, documents = (store.one(f"SELECT count(*) FROM {of}") for of in ("fact", "thing", "document"))
    return ExportSummary(str(target), form.name if form else STORE, edges, nodes, documents)


def _check(config: ExportConfig, store: Store) -> None:
    """Make sure that there is something of each name."""
    for name, sql in _KNOWN.items():
        wanted = [v for v in getattr(config, name) if name != "types" or v != WITHOUT_TYPE]
        known = {value for (value,) in store.rows(sql)} if wanted else set()
        for value in wanted:
            if value not in known:
                near = difflib.get_close_matches(value, sorted(known), 3) or sorted(known)[:10]
                raise InputError(f"nothing in the graph has {name.removesuffix('s')} {value!r}", file=config.graph,
                                 field=name, expected=", ".join(near) or None)


def _conditions(config: ExportConfig) -> tuple[list[str], list[Any]]:
    """What is asked of every edge, as conditions on the view `fact`, and their values; confidence comes last."""
    where, values = list[str](), list[Any]()
    for column, wanted in (("document", config.documents), ("source", config.sources)):
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if config.types:
        marks = ", ".join("?" * len(config.types))
        head, tail = (f"({end}_type IN ({marks}){f' OR {end}_type IS NULL' * (WITHOUT_TYPE in config.types)})"
                      for end in ("head", "tail"))
        where.append(f"{head} AND (kind = 'type' OR {tail})")
        values += [*config.types, *config.types]
    if config.grounded:
        where.append("NOT ungrounded")
    if config.least_confidence:
        where.append("confidence >= ?")
        values.append(config.least_confidence)
    return where, values
