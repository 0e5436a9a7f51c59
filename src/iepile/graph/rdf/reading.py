"""From RDF to edges: statements, in whatever order they stand, become the edges they were.

What write_rdf wrote is read as a stream. Where another program has moved triples about, those out of place are held
until the end. A statement whose digest is right is whole; what others add to it later is no part of the edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.rdf.iri import ends, facts, names
from iepile.graph.rdf.literals import unescaped
from iepile.graph.rdf.vocabulary import full, pyoxigraph
from iepile.graph.rdf.writing import digest_of, form_of
from iepile.jsonl import open_bytes, readable

_NEEDED = ("subject", "predicate", "object", "document", "kind", "order")
_NUMBERS = {"order": int, **{field: int for field in facts()["fields"] if field.endswith(("_start", "_end"))},
            "confidence": float}


class _NotYet(Exception):
    """Something that the edge needs is not read."""


def read_rdf(path: str | Path, form: str) -> Iterator[Edge]:
    """The edges of a file, in the order they had when it was written.

    Args:
        path: the file; `.gz` and `.zst` are read too.
        form: name of a form of pyoxigraph, see `write_rdf`.

    Raises:
        InputError: no RDF, or statements that are no edges.
        MissingDependency: pyoxigraph is not installed.
    """
    rdf = pyoxigraph()
    with open_bytes(path) as f, readable(path):
        try:
            # Lenient: what is wrong with an IRI is told by names(); prefixes that other programs make may end in "%".
            yield from _Reading(rdf.Literal).edges(rdf.parse(f, form_of(form), lenient=True))
        except SyntaxError as e:
            raise InputError(f"not {form}: {e.msg}", file=path, line=e.lineno) from None
        except InputError as e:
            raise e.at(path) from None


class _Reading:
    def __init__(self, literal: Any) -> None:
        self.literal = literal
        terms = facts()["terms"]
        self.statement = {full(terms[t]): t for t in ("subject", "predicate", "object", "document", "model", "relation",
                                                      "order")}
        self.statement |= {full(of): field for field, of in facts()["fields"].items()}
        self.named = {full(terms[t]): t for t in ("label", "type_name", "key", "source")}
        self.escaped = full(terms["escaped"])
        self.about: dict[str, dict[str, str]] = {}
        """Names that IRIs do not tell: of events, and those that were too long."""
        self.given: set[bytes] = set()
        """Statements whose edges are given or held whole."""
        self.held: list[tuple[int, str, Edge]] = []
        self.parts: dict[str, dict[str, str]] = {}
        """What is known of statements that are not whole, or were changed since they were written."""

    def edges(self, quads: Iterator[Any]) -> Iterator[Edge]:
        """The edges that triples state."""
        order, subject = 0, ""
        block: dict[str, str] = {}
        ours = empty = True  # a graph without edges is a graph
        for quad in quads:
            ours, empty = ours and not empty, False
            about = quad.subject.value
            if about != subject:
                for edge in self.block(subject, block, order):
                    order += 1
                    yield edge
                subject, block = about, {}
            predicate = quad.predicate.value
            field = self.statement.get(predicate)
            if field is not None:
                _put(block, field, self.text(quad.object))
                ours = True
            elif predicate in self.named:
                section, end = ends(about)
                ours = ours or section != ""
                if section == "event/" or "=" in end:
                    self.about.setdefault(about, {})[self.named[predicate]] = self.text(quad.object)
        yield from self.block(subject, block, order)
        if not ours:
            raise InputError("holds no graph of ours", expected="RDF that `iepile kg` wrote")
        yield from self.rest()

    def block(self, subject: str, block: dict[str, str], order: int) -> Iterator[Edge]:
        """The edge of a statement, if it is whole and next; else it is held."""
        if not block:
            return
        _, end = ends(subject)
        digest, _, again = end.partition("-")
        key = (end[:24] + again).encode()
        if subject not in self.parts:
            try:
                edge = self.edge(block)
            except (_NotYet, InputError):
                edge = None
            if edge is not None and digest_of(edge).hex() == digest:
                if key in self.given:
                    return
                self.given.add(key)
                place = _number("order", block["order"])
                if place == order:
                    yield edge
                else:
                    self.held.append((place, end, edge))
                return
            if key in self.given:
                return
        parts = self.parts.setdefault(subject, {})
        for field, value in block.items():
            _put(parts, field, value)

    def rest(self) -> Iterator[Edge]:
        """What was held, in order."""
        for subject, block in self.parts.items():
            try:
                edge = self.edge(block)
            except _NotYet as e:
                raise InputError(f"the statement {subject} is not whole", field=str(e)) from None
            self.held.append((_number("order", block["order"]), ends(subject)[1], edge))
        self.held.sort(key=lambda held: held[:2])
        for *_, edge in self.held:
            yield edge

    def edge(self, block: dict[str, str]) -> Edge:
        """The edge of a statement.

        Raises:
            _NotYet: names what it lacks.
            InputError: it is none of ours.
        """
        for needed in _NEEDED:
            if needed not in block:
                raise _NotYet(needed)
        is_type = block["kind"] == "type"
        about: dict[str, Any] = {f: _number(f, v) for f, v in block.items() if f in facts()["fields"]}
        about["ungrounded"] = block.get("ungrounded") in ("true", "1")
        about["event"], about["head_type"], about["head"] = self.end(block["subject"])
        if is_type:
            about["tail"], = self.names(block["object"], "label")
            about["relation"] = block.get("relation", "type")
        else:
            _, about["tail_type"], about["tail"] = self.end(block["object"])
            about["relation"], = self.names(block["predicate"], "label")
        about["source"], about["document"] = _pair(self.names(block["document"], "source", "key"))
        if "model" in block:
            about["model"], = self.names(block["model"], "label")
        return msgspec.convert(about, Edge)

    def end(self, iri: str) -> tuple[str | None, str | None, str]:
        """Event, type and name of a node."""
        if ends(iri)[0] != "event/":
            type_, name = _pair(self.names(iri, "type_name", "label"))
            return None, type_, name
        known = self.about.get(iri, {})
        if "key" not in known or "label" not in known:
            raise _NotYet(iri)
        return known["key"], known.get("type_name"), known["label"]

    def names(self, iri: str, *told: str) -> list[str]:
        """The names in an IRI, or those told beside it."""
        section, end = ends(iri)
        if not section:
            raise InputError(f"the IRI {iri} is none of ours", expected="RDF that `iepile kg` wrote")
        found = names(end)
        if found is None:
            known = self.about.get(iri, {})
            if told[-1] not in known:
                raise _NotYet(iri)
            return [known[t] for t in told if t in known]
        if len(found) > len(told):
            raise InputError(f"the IRI {iri} is none of ours", expected=f"at most {len(told)} names in it")
        return found

    def text(self, term: Any) -> str:
        value = str(term.value)
        return unescaped(value) if isinstance(term, self.literal) and term.datatype.value == self.escaped else value


def _pair(found: list[str]) -> tuple[str | None, str]:
    """What a name may be preceded by, and the name."""
    return (None if len(found) == 1 else found[0], found[-1])


def _put(block: dict[str, str], field: str, value: str) -> None:
    # Two graphs put together number a statement twice.
    if field != "order" or field not in block or _number(field, value) < _number(field, block[field]):
        block[field] = value


def _number(field: str, value: str) -> Any:
    """A value as the edge holds it."""
    try:
        return _NUMBERS[field](value) if field in _NUMBERS else value
    except ValueError:
        raise InputError(f"{value[:60]!r} is no number", field=field) from None
