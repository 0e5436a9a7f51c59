"""The terms of the RDF form as pyoxigraph holds them, and the IRIs of one graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from iepile.errors import InputError, MissingDependency
from iepile.graph.rdf.iri import check_base, facts, local
from iepile.graph.rdf.literals import escaped

if TYPE_CHECKING:
    from pyoxigraph import Literal, NamedNode

BASE: str = facts()["base"]
"""Base IRI of a graph, if none is given."""
_CACHED = 50_000
_SHORT = 100


def pyoxigraph() -> Any:
    """The library.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import pyoxigraph
    except ImportError:
        raise MissingDependency("pyoxigraph", "graph", "RDF") from None
    return pyoxigraph


def full(name: str) -> str:
    """The IRI of a name such as `kg:order` in terms.toml."""
    prefix, _, end = name.partition(":")
    return str(facts()["prefixes"][prefix]) + end


def prefixes(base: str = BASE) -> dict[str, str]:
    """All prefixes of a graph."""
    return {**facts()["prefixes"], **{name: base + end for name, end in facts()["sections"].items()}}


class Vocabulary:
    """Makes the terms of a graph.

    Args:
        base: IRI that those of the graph begin with.

    Raises:
        InputError: nothing can be hung on that base.
        MissingDependency: pyoxigraph is not installed.
    """

    def __init__(self, base: str = BASE) -> None:
        rdf = pyoxigraph()
        self.node, self.literal = rdf.NamedNode, rdf.Literal
        try:
            self.node(check_base(base))
        except ValueError as e:
            raise InputError(f"{base!r} is no IRI: {e}", field="base_iri") from None
        self.sections: dict[str, str] = {name: base + end for name, end in facts()["sections"].items()}
        self.terms = SimpleNamespace(**{name: self.node(full(of)) for name, of in facts()["terms"].items()})
        self.fields = {field: self.node(full(of)) for field, of in facts()["fields"].items()}
        self._known: dict[tuple[str, ...], NamedNode] = {}

    def iri(self, section: str, *names: str | None) -> NamedNode:
        """The IRI of what has these names in a section; names that are None are left out."""
        given = [name for name in names if name is not None]
        key = (section, *given)
        known = self._known.get(key)
        if known is None:
            known = self.node(self.sections[section] + local(*given))
            if sum(map(len, given)) <= _SHORT:
                if len(self._known) >= _CACHED:
                    self._known.clear()
                self._known[key] = known
        return known

    def text(self, text: str) -> Literal:
        """A literal that holds any text."""
        as_escapes = escaped(text)
        found: Literal
        found = self.literal(text) if as_escapes is None else self.literal(as_escapes, datatype=self.terms.escaped)
        return found

    def value(self, value: Any) -> Literal:
        """A literal of text, a number or a truth value."""
        found: Literal = self.text(value) if isinstance(value, str) else self.literal(value)
        return found
