"""A table of edges with commas: for spreadsheets, pandas, R and SQL."""

from iepile.graph.forms.delimited import read_edge_table, write_edge_table
from iepile.graph.forms.form import Form

FORM = Form("csv", "one edge a row, for spreadsheets, pandas, R, SQL", (".csv",), write_edge_table(","),
            read_edge_table(","))
