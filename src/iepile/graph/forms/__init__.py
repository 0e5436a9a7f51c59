"""Forms that a graph is written in and read back from, one file a form."""

from iepile.graph.forms.form import Form, find_form, form_names

__all__ = ["Form", "find_form", "form_names"]
