"""Questions to a graph in SPARQL 1.1: reading only, values bound, nothing leaves this machine.

    with sparql("graph.db", "SELECT ?name ?tail { ?x rdfs:label ?name ; rel:spouse ?tail }", {"name": "Ada"}) as answer:
        for row in answer.rows:
            print(*row)

The prefixes of the RDF form are known without being declared. How a graph is told in triples: docs/en/rdf.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from iepile.errors import InputError
from iepile.graph.rdf.literals import unescaped
from iepile.graph.rdf.triple_store import triple_store
from iepile.graph.rdf.vocabulary import Vocabulary, full, prefixes, pyoxigraph
from iepile.graph.sql import Answer
from iepile.jsonl import atomic_writer

TABLES = {".srj": "JSON", ".srx": "XML", ".csv": "CSV", ".tsv": "TSV"}
"""Endings of the result formats of the W3C, for SELECT and, but for CSV and TSV, ASK."""
TRIPLES = {".ttl": "TURTLE", ".nt": "N_TRIPLES", ".jsonld": "JSON_LD"}
"""Endings for CONSTRUCT and DESCRIBE."""
_GAP = r"(?:\s|#[^\r\n]*+)*"
# Wider than the grammar, and found wherever it stands: a string with such a text is refused, a request never made.
_TARGET = r"(?:<[^>\x00-\x20]*>|(?=[^\s{]*[:?$])(?:\\.|[^\s{#\\])+)"
_SERVICE = re.compile(rf"service(?={_GAP}(?:silent{_GAP})?{_TARGET}{_GAP}\{{)", re.I)
_VARIABLE = re.compile(r"[?$]\w*\Z")
_PROLOGUE = re.compile(rf"{_GAP}(?:(?:prefix\s+[^\s:]*:\s*<[^>]*>|base\s*<[^>]*>){_GAP})*", re.I)
_UPDATE = re.compile(r"(?:insert|delete|load|clear|create|drop|copy|move|add|with)\b", re.I)
_PLACE = re.compile(r"error at (\d+):(\d+): (.*)", re.S)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)+"|(?<=[, ])[A-Z]{3,}(?=[, ]|\Z)')
_NUMBERS: dict[str, Any] = {
    full(f"xsd:{name}"): type_ for name, type_ in (("integer", int), ("double", float), ("decimal", float),
                                                  ("float", float))}


@contextmanager
def sparql(path: str, query: str, values: Mapping[str, str] | None = None) -> Iterator[Answer]:
    """Ask a graph; the answer can be read as long as the block runs.

    SELECT gives its variables as columns, ASK one column `answer`, CONSTRUCT and DESCRIBE `subject`, `predicate` and
    `object`. IRIs are given whole; numbers and truth values are those of Python, what is not bound is None.

    Args:
        path: a store, a graph in another form, or what graphs are made of.
        query: `?name` stands for a value that is given.
        values: text for variables; SELECT must name them among what it selects.

    Raises:
        InputError: no graph, no query, one that would change something or ask another machine, or a value too many.
        MissingDependency: pyoxigraph is not installed.
    """
    check(query, values or {})
    with triple_store(path) as store:
        found = _found(store, query, values or {})
        rdf = pyoxigraph()
        if isinstance(found, rdf.QueryBoolean):
            yield Answer(("answer",), iter([(bool(found),)]))
        elif isinstance(found, rdf.QueryTriples):
            yield Answer(("subject", "predicate", "object"), _rows(found, query))
        else:
            yield Answer(tuple(v.value for v in found.variables), _rows(found, query))


def sparql_file(path: str, query: str, output_file: str, values: Mapping[str, str] | None = None) -> None:
    """Write the answer whole in a format of the W3C, told by the ending: see `TABLES` and `TRIPLES`.

    Raises:
        InputError: as `sparql`, or an ending that does not fit the query.
    """
    rdf = pyoxigraph()
    ending = Path(output_file.removesuffix(".gz").removesuffix(".zst")).suffix.lower()
    if ending not in TABLES | TRIPLES:
        raise InputError("the ending tells no form of answers", file=output_file,
                         expected=", ".join(TABLES | TRIPLES))
    check(query, values or {})
    with triple_store(path) as store:
        found = _found(store, query, values or {})
        fits = TRIPLES if isinstance(found, rdf.QueryTriples) else TABLES
        if ending not in fits:
            raise InputError("does not fit the query", file=output_file, expected=", ".join(fits))
        form = getattr(rdf.RdfFormat if fits is TRIPLES else rdf.QueryResultsFormat, fits[ending])
        with atomic_writer(output_file) as f:
            try:
                found.serialize(f, form)
            except (RuntimeError, ValueError) as e:
                _refuse(e, query)


def check(query: str, values: Mapping[str, str]) -> None:
    """See that a query asks no other machine, and names the values.

    Raises:
        InputError: it does not.
    """
    for found in _SERVICE.finditer(query):
        if not _VARIABLE.search(query[:found.start()]):
            raise InputError(f"asks another machine: {_near(query, found.start())}", field="query",
                             expected="no SERVICE", fix="fetch the other graph and ask it here")
    for name in values:
        if not re.search(rf"[?$]{re.escape(name)}(?!\w)", query):
            raise InputError(f"has no ?{name}", field="query", expected="a variable for each value",
                             fix=f"leave out the value of {name}, or put ?{name} in the query")


def _found(store: Any, query: str, values: Mapping[str, str]) -> Any:
    rdf, words = pyoxigraph(), Vocabulary()
    try:
        given = {rdf.Variable(name): words.text(value) for name, value in values.items()}
        return store.query(query, prefixes=prefixes(), substitutions=given or None)
    except (SyntaxError, RuntimeError, ValueError, OSError) as e:
        _refuse(e, query)


def _refuse(e: Exception, query: str) -> NoReturn:
    """Say what is wrong with a query."""
    problem, place = str(e), _PLACE.match(str(e))
    if (start := _PROLOGUE.match(query)) and _UPDATE.match(query, start.end()):
        raise InputError("would change the graph", field="query", expected="SELECT, ASK, CONSTRUCT or DESCRIBE",
                         fix="graphs are changed by iepile kg, not by queries") from None
    if unselected := re.search(r"not contains variable (\?\w+)", problem):
        raise InputError(f"does not select {unselected[1]}, which has a value", field="query",
                         fix=f"put {unselected[1]} after SELECT, and after GROUP BY where there is one") from None
    if place:
        line, column = int(place[1]), int(place[2])
        at = sum(len(text) + 1 for text in query.split("\n")[:line - 1]) + column - 1
        expected = ", ".join(_TOKEN.findall(place[3])) or None
        if "Prefix not found" in place[3]:
            expected = f"a prefix that is declared, or one of {', '.join(prefixes())}"
        column += len(query[at:]) - len(query[at:].lstrip(" \t"))
        raise InputError(f"is no SPARQL: line {line}, column {column}, {_near(query, at)}", field="query",
                         expected=expected) from None
    raise InputError(f"cannot be asked: {problem}", field="query") from None


def _near(query: str, at: int) -> str:
    """The text at a place, or that nothing is there."""
    text = " ".join(query[at:at + 60].split())
    return f"at {text!r}" if text else "at the end"


def _rows(found: Any, query: str) -> Iterator[Sequence[Any]]:
    try:
        for row in found:
            yield tuple(_plain(term) for term in row)
    except (RuntimeError, ValueError, OSError) as e:
        _refuse(e, query)


_ESCAPED = full("kg:escapedString")
_BOOLEAN = full("xsd:boolean")


def _plain(term: Any) -> Any:
    """A term as Python holds it."""
    datatype = getattr(term, "datatype", None)
    if datatype is None:
        return None if term is None else str(getattr(term, "value", term))
    of, text = datatype.value, term.value
    if of == _ESCAPED:
        return unescaped(text)
    if of == _BOOLEAN:
        return text in ("true", "1")
    try:
        return _NUMBERS[of](text) if of in _NUMBERS else text
    except ValueError:
        return text
