"""`iepile kg push`: a graph into a Neo4j database over bolt, batch by batch; pushing again updates and doubles nothing.

    NEO4J_PASSWORD=... iepile kg push graph.db --uri bolt://localhost:7687

Names, texts and types travel as parameters. Only the type of a relationship must stand in the statement: it is a
relation that `type_of` finds harmless, in backticks. Nodes and relationships are found by their keys
(property_graph.py), so a push that was broken off is simply given again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from iepile.errors import IepileError, InputError, MissingDependency
from iepile.graph.build import Tick, graph_of
from iepile.graph.property_graph import (
    DOCUMENT,
    FACT,
    GRAPH,
    LABELS,
    MENTIONED_IN,
    NEO4J_SCHEMA,
    GraphNode,
    Relationship,
    nodes,
    quoted,
    relationships,
    snapshot,
    type_of,
)
from iepile.graph.store import Store
from iepile.version import __version__

SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
RETRIED_S = 30.0
"""How long the driver repeats a transaction that failed for a passing reason."""
T = TypeVar("T")


@dataclass
class PushConfig:
    """Put a graph into a Neo4j database; what is there already is updated, nothing is doubled."""

    graph: str = ""
    """The graph: a store, another form, or predictions or documents."""
    uri: str = "bolt://localhost:7687"
    """Where the server is: `bolt://`, `neo4j://`, or with `+s` encrypted."""
    user: str = "neo4j"
    """Name to log in with; empty: a server that asks for none."""
    password_variable: str = "NEO4J_PASSWORD"
    """Name of the environment variable that holds the password, which never stands on the command line."""
    database: str = ""
    """Database on the server; empty: its default."""
    name: str = GRAPH
    """Name of the graph, noted on all that is put in: what another name put there is never removed."""
    batch_size: int = 5000
    """Nodes or relationships in one transaction."""
    relation_types: bool = True
    """Make the relation the type of a relationship, where it is a harmless name; off: all are FACT."""
    remove: bool = False
    """At the end, take out what earlier pushes under this name put in and the graph no longer holds."""


class PushSummary(msgspec.Struct):
    """What a push did."""

    uri: str
    name: str
    documents: int = 0
    nodes: int = 0
    """Entities and events sent."""
    edges: int = 0
    """Sent."""
    relationships: int = 0
    """In the database now, of this push: fewer than edges where statements are equal in every field."""
    created: int = 0
    """Nodes and relationships that were not there before."""
    removed: int = 0
    """Nodes and relationships that were taken out."""


def push(config: PushConfig, tick: Tick | None = None) -> PushSummary:
    """Put a graph into a Neo4j database; see `PushConfig`. `tick`: told how many of how many edges are in.

    Raises:
        InputError: no such graph, a setting that cannot be, no password, or one that the server refuses.
        IepileError: no server answers, or it refuses or fails.
    """
    if not config.graph:
        raise InputError("not given", field="graph", fix="give the graph")
    if config.batch_size < 1:
        raise InputError(f"is {config.batch_size}", field="batch_size", expected="1 or more")
    parts = urlsplit(config.uri)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise InputError(f"no address of a Neo4j server: {config.uri!r}" if "@" not in config.uri else
                         "no address of a Neo4j server", field="uri",
                         expected="bolt://HOST:7687 or neo4j://HOST:7687; +s after the first word encrypts")
    if parts.username is not None:
        raise InputError("holds a user name or password", field="uri", expected="the address alone",
                         fix="give --user, and the password in the environment")
    try:
        import neo4j
        from neo4j import exceptions
    except ImportError:
        raise MissingDependency("neo4j", "graph", "putting a graph into Neo4j") from None
    with graph_of(config.graph) as store:
        auth = (config.user, _password(config)) if config.user else None
        try:
            with neo4j.GraphDatabase.driver(
                    config.uri, auth=auth, user_agent=f"iepile/{__version__}", telemetry_disabled=True,
                    max_transaction_retry_time=RETRIED_S) as driver:
                driver.verify_connectivity()
                with driver.session(database=config.database or None) as session, snapshot(store):
                    return _Push(session, config, tick).run(store)
        except exceptions.AuthError:
            raise InputError(f"{config.uri} refuses the user {config.user!r} with this password",
                             field="password_variable", fix=f"check --user and {config.password_variable}") from None
        except (exceptions.ServiceUnavailable, exceptions.SessionExpired) as e:
            raise IepileError(f"{config.uri}: no server answers, or it went away: {e}\n  do:       check --uri, then "
                              "give the same command again: what is in stays and is not doubled") from None
        except exceptions.TransientError as e:
            raise IepileError(f"{config.uri}: failed for more than {RETRIED_S:.0f} s: {_told(e)}\n  do:       give the "
                              "same command again, or a smaller --batch_size") from None
        except (exceptions.Neo4jError, exceptions.DriverError) as e:
            raise IepileError(f"{config.uri}: the server refused: {_told(e)}") from None


def _password(config: PushConfig) -> str:
    name = config.password_variable
    found = os.environ.get(name, "")
    if not found:
        raise InputError(f"the environment variable {name} is not set", field="password_variable",
                         fix=f"set {name} to the password of {config.user}; there it stays out of logs and process "
                             "lists; or give an empty --user")
    return found


def _told(error: Any) -> str:
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    return f"{code}: {message}" if code and message else str(error)


class _Push:
    def __init__(self, session: Any, config: PushConfig, tick: Tick | None) -> None:
        self.session, self.config, self.tick = session, config, tick
        self.summary = PushSummary(config.uri, config.name)
        self.stamp = {"graph": config.name, "pushed": datetime.now(UTC).isoformat()}
        """On all that is put in; what bears the name and an older time is not in the graph any more."""

    def run(self, store: Store) -> PushSummary:
        for statement in NEO4J_SCHEMA:
            self._write([(statement, {})])
        for batch in _batches(nodes(store), self.config.batch_size):
            self._write(_grouped(batch, self._of_node))
            documents = sum(n.label == DOCUMENT for n in batch)
            self.summary.documents += documents
            self.summary.nodes += len(batch) - documents
        total = store.one("SELECT count(*) FROM fact")
        for edges in _batches(relationships(store), self.config.batch_size):
            self._write(_grouped(edges, self._of_relationship))
            self.summary.edges += len(edges)
            if self.tick:
                self.tick(self.summary.edges, total)
        if self.config.remove:
            self._remove()
        (counted,), = self.session.execute_read(lambda tx: [tuple(r) for r in tx.run(
            "MATCH ()-[r]->() WHERE r.graph = $graph AND r.pushed = $pushed RETURN count(r) AS relationships",
            self.stamp)])
        self.summary.relationships = counted
        return self.summary

    def _of_node(self, node: GraphNode) -> tuple[str, dict[str, Any]]:
        about = {f: getattr(node, f) for f in ("name", "type", "mentions", "event", "source")}
        about["aliases"] = None if node.label == DOCUMENT else list(node.aliases)
        return (f"UNWIND $rows AS row MERGE (n:{node.label} {{key: row.key}}) SET n += row.properties "
                "RETURN count(n) AS written", {"key": node.key, "properties": about | self.stamp})

    def _of_relationship(self, r: Relationship) -> tuple[str, dict[str, Any]]:
        kind = type_of(r.edge.relation) if r.kind == FACT and self.config.relation_types else r.kind
        (start_label, start), (end_label, end) = r.start, r.end
        return (f"UNWIND $rows AS row MATCH (a:{start_label} {{key: row.start}}) "
                f"MATCH (b:{end_label} {{key: row.end}}) MERGE (a)-[r:{quoted(kind)} {{key: row.key}}]->(b) "
                "SET r += row.properties RETURN count(r) AS written",
                {"key": r.key, "start": start, "end": end, "properties": r.properties() | self.stamp})

    def _write(self, statements: list[tuple[str, dict[str, Any]]]) -> None:
        """Run statements in one transaction, which the driver repeats if it fails for a passing reason."""
        def work(tx: Any) -> int:
            created = 0
            for statement, parameters in statements:
                result = tx.run(statement, parameters)
                written = [record["written"] for record in result] if parameters else []
                counters = result.consume().counters
                created += counters.nodes_created + counters.relationships_created
                if parameters and written[0] < len(parameters["rows"]):
                    # Another program took nodes out meanwhile: nothing is left out in silence.
                    raise IepileError(f"only {written[0]} of {len(parameters['rows'])} rows of a batch went in: "
                                      "nodes vanished from the database\n  do:       give the same command again")
            return created

        self.summary.created += self.session.execute_write(work)

    def _remove(self) -> None:
        types = self.session.execute_read(lambda tx: [r[0] for r in tx.run(
            "CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType")])
        for kind in types:
            if kind in (FACT, MENTIONED_IN) or type_of(kind) == kind:  # others are not of our making
                self._remove_all(f"MATCH ()-[x:{quoted(kind)}]->() WHERE x.graph = $graph AND x.pushed <> $pushed")
        for label in LABELS:
            self._remove_all(f"MATCH (x:{label}) WHERE x.graph = $graph AND x.pushed <> $pushed AND NOT (x)--()")

    def _remove_all(self, matching: str) -> None:
        statement = f"{matching} WITH x LIMIT $limit DELETE x RETURN count(*) AS removed"
        parameters = {**self.stamp, "limit": self.config.batch_size}
        while removed := self.session.execute_write(lambda tx: tx.run(statement, parameters).single()["removed"]):
            self.summary.removed += removed


def _batches(stream: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(stream, size)):
        yield batch


def _grouped(batch: Iterable[T], told: Callable[[T], tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The statements of a batch, each with its rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in batch:
        statement, row = told(one)
        found.setdefault(statement, []).append(row)
    return [(statement, {"rows": rows}) for statement, rows in found.items()]
