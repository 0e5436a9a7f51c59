"""The graph as RDF: how edges and their trails are told in triples, and read from them. The names are in terms.toml."""

from iepile.graph.rdf.reading import read_rdf
from iepile.graph.rdf.vocabulary import BASE
from iepile.graph.rdf.writing import write_rdf

FORMS = {"turtle": "Turtle", "ntriples": "N-Triples", "nquads": "N-Quads", "jsonld": "JSON-LD"}
"""What pyoxigraph calls the forms of iepile.graph.forms."""

__all__ = ["BASE", "FORMS", "read_rdf", "write_rdf"]
