"""The Form contract: how a graph is written for other programs, and read back.

A new form is one file in this folder with a constant `FORM`. `iepile kg` and `iepile kg export` find it by name and by
the endings of files, `iepile kg` reads it too, and the round-trip tests take it up by themselves.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.store import ENDINGS, Store

STORE = "store"
"""The name of the store itself, where a form can be named."""


@dataclass(frozen=True)
class Form:
    """A form of a graph."""

    name: str
    about: str
    """One clause: what it is and who reads it."""
    endings: tuple[str, ...]
    """Endings of files in this form, `.ttl`; empty: it is a folder, or must be named."""
    write: Callable[[Store, Path], int]
    """Write the graph of a store, whole or not at all. Returns the number of edges."""
    read: Callable[[Path], Iterator[Edge]] | None
    """Read it back. None: the form keeps less than edges are."""
    is_form: Callable[[Path], bool] | None = None
    """Of a form that is a folder: whether that which lies there is one. `write` may take it away for the new one."""


@cache
def forms() -> dict[str, Form]:
    """All forms by name."""
    from iepile.graph import forms as package

    found: dict[str, Form] = {}
    for module in pkgutil.iter_modules(package.__path__):
        form = getattr(importlib.import_module(f"iepile.graph.forms.{module.name}"), "FORM", None)
        if isinstance(form, Form):
            found[form.name] = form
    return dict(sorted(found.items()))


def form_names() -> list[str]:
    """Names of all forms, the store first."""
    return [STORE, *forms()]


def find_form(path: str | Path, name: str = "") -> Form | None:
    """The form of a file by its name or, if none is given, its ending; None: the store.

    Raises:
        InputError: no such form, or an ending that tells none.
    """
    plain = Path(str(path).removesuffix(".gz").removesuffix(".zst"))
    if name:
        if name not in form_names():
            raise InputError(f"no graph format {name!r}", field="format", expected=", ".join(form_names()))
        return None if name == STORE else forms()[name]
    if plain.suffix.lower() in ENDINGS:
        if plain != Path(path):
            raise InputError("a store cannot be packed", file=path, fix="leave the ending away")
        return None
    for form in forms().values():
        if plain.suffix.lower() in form.endings:
            return form
    raise InputError("the ending tells no graph format", file=path, field="format",
                     expected=", ".join([*ENDINGS, *(e for f in forms().values() for e in f.endings)]),
                     fix="give --format: " + ", ".join(form_names()))
