"""The graph as RDF: how edges and their trails are told in triples, and read from them. The names are in terms.toml."""

from iepile.graph.rdf.reading import read_rdf
from iepile.graph.rdf.vocabulary import BASE
from iepile.graph.rdf.writing import write_rdf

__all__ = ["BASE", "read_rdf", "write_rdf"]
