"""The Form contract: how a file of one form is told and read.

A new form is one file in `forms/` with a constant `FORM`; the reader finds it by the endings of files and by their
first bytes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from iepile.reading.source import Source
from iepile.records import Document


@dataclass(frozen=True)
class Form:
    """A form of document."""

    name: str
    """As people call it: `PDF`."""
    endings: tuple[str, ...]
    """Endings of file names, lower case, with the dot."""
    media: str
    """Media type, as in HTTP."""
    read: Callable[[Source], list[Document]]
    """One document a file; of a table, one a row."""
    packed: str = ""
    """What the first bytes tell it by, see sniffing.py; empty: it is plain text."""


@cache
def forms() -> dict[str, Form]:
    """All forms by name."""
    from iepile.reading import forms as package

    found: dict[str, Form] = {}
    for module in pkgutil.iter_modules(package.__path__):
        form = getattr(importlib.import_module(f"iepile.reading.forms.{module.name}"), "FORM", None)
        if isinstance(form, Form):
            found[form.name] = form
    return dict(sorted(found.items()))
