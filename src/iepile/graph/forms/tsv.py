"""A table of edges with tabs between the values, quoted as in CSV."""

from iepile.graph.forms.delimited import read_edge_table, write_edge_table
from iepile.graph.forms.form import Form

FORM = Form("tsv", "one edge a row, with tabs", (".tsv",), write_edge_table("\t"), read_edge_table("\t"))
