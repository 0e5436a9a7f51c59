"""`iepile kg query`: a question in SQL, SPARQL or Cypher, to a graph in any form; reading only, values bound."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.build import graph_of
from iepile.graph.sql import Answer, sql
from iepile.jsonl import atomic_writer, check_targets, dumps

LANGUAGES = ("sql", "sparql", "cypher")
ENDINGS = (".csv", ".tsv", ".jsonl")
"""Of files with answers."""
SPARQL_ENDINGS = (".srj", ".srx", ".ttl", ".nt", ".jsonld")
"""Of files in the formats of the W3C: results as JSON and XML; what CONSTRUCT and DESCRIBE give."""
_CYPHER = re.compile(r"\s*(match|optional|unwind|call|with\b[^(]*\bmatch)\b", re.I)
_SPARQL = re.compile(r"\s*(prefix|base|ask|construct|describe)\b|\s*select\b[^{]*\{", re.I)


@dataclass
class QueryConfig:
    """Ask a graph in a query language; nothing is changed by it."""

    graph: str = ""
    """The graph: a store, another form, or predictions or documents."""
    query: str = ""
    """The question; `@FILE` reads it from a file."""
    language: str = ""
    """`sql` (views `fact` and `thing`), `sparql` or `cypher`; empty: told by the query."""
    values: list[str] = field(default_factory=list)
    """`name=value` for each name in the query (`:name` in SQL, `?name` in SPARQL, `$name` in Cypher)."""
    output_file: str = ""
    """Where the answer goes: `.csv`, `.tsv` or `.jsonl`; of SPARQL also `.srj`, `.srx`, `.ttl`, `.nt`, `.jsonld`.
    Empty: a table on the terminal."""


class QuerySummary(msgspec.Struct):
    """An answer that went to a file."""

    output_file: str
    rows: int | None = None
    """Not counted in the formats of SPARQL."""


@contextmanager
def asked(config: QueryConfig) -> Iterator[Answer]:
    """The answer to the question, as long as the graph is open.

    Raises:
        InputError: no graph, no query, a query that is none or would change something, or a value without a name.
    """
    language, text, values = _question(config)
    if language == "sql":
        with graph_of(config.graph) as store:
            yield sql(store, text, values)
    elif language == "sparql":
        from iepile.graph.sparql import sparql

        with sparql(config.graph, text, values) as answer:
            yield answer
    else:
        from iepile.graph.cypher import cypher

        with cypher(config.graph, text, values) as answer:
            yield answer


def keep(config: QueryConfig) -> QuerySummary:
    """Write the answer to the question into its file, whole or not at all.

    Raises:
        InputError: as `asked`, or an ending that tells no form of answers.
    """
    language, text, values = _question(config)
    ending = _ending(config.output_file)
    if ending not in ENDINGS + (SPARQL_ENDINGS if language == "sparql" else ()):
        raise InputError("the ending tells no form of answers", file=config.output_file, field="output_file",
                         expected=", ".join(ENDINGS) + "; of SPARQL also " + ", ".join(SPARQL_ENDINGS))
    check_targets([config.output_file], [config.graph])
    if ending in SPARQL_ENDINGS:
        from iepile.graph.sparql import sparql_file

        sparql_file(config.graph, text, config.output_file, values)
        return QuerySummary(config.output_file)
    with asked(config) as answer:
        return written(answer, config.output_file)


def _question(config: QueryConfig) -> tuple[str, str, dict[str, str]]:
    """The language, the query and the values of its names."""
    for name in ("graph", "query"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give the {name}")
    text = _text(config.query)
    language = config.language or language_of(text)
    if language not in LANGUAGES:
        raise InputError(f"no language {language!r}", field="language", expected=", ".join(LANGUAGES))
    return language, text, _values(config.values)


def language_of(query: str) -> str:
    """What language a query is in, by its first words.

    >>> [language_of(q) for q in ("SELECT 1", "SELECT ?a WHERE { ?a ?b ?c }", "MATCH (a) RETURN a")]
    ['sql', 'sparql', 'cypher']
    """
    return "cypher" if _CYPHER.match(query) else "sparql" if _SPARQL.match(query) else "sql"


def written(answer: Answer, path: str) -> QuerySummary:
    """Write an answer to a file, whole or not at all."""
    count, form = 0, _ending(path)
    with atomic_writer(path) as f:
        if form == ".jsonl":
            for row in answer.rows:
                f.write(dumps({k: _plain(v) for k, v in zip(answer.columns, row, strict=True)}).encode() + b"\n")
                count += 1
        else:
            text = io.TextIOWrapper(f, "utf-8", errors="replace", newline="")
            rows = csv.writer(text, delimiter="\t" if form == ".tsv" else ",")
            rows.writerow(answer.columns)
            for row in answer.rows:
                rows.writerow(["" if v is None else v for v in row])
                count += 1
            text.detach()
    return QuerySummary(path, count)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _ending(path: str) -> str:
    return Path(path.removesuffix(".gz").removesuffix(".zst")).suffix.lower()


def _text(query: str) -> str:
    if not query.startswith("@"):
        return query
    try:
        return Path(query[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"cannot be read: {e}", file=query[1:], field="query") from None


def _values(stated: Sequence[str]) -> dict[str, str]:
    out: dict[str, str] = {}
    for pair in stated:
        name, sign, value = pair.partition("=")
        if not sign or not name.isidentifier():
            raise InputError(f"is {pair!r}", field="values", expected="name=value")
        out[name] = value
    return out
