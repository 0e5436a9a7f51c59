"""What a raw data format is, and the way from a file or folder to documents.

    for doc in read_documents("train.char.bmes"):            # guesses, and says why
        ...
    options = ReadOptions(source="resume_ner", labels={"NAME": "姓名"})
    docs = list(read_documents("train.char.bmes", "bmes", options))
    options.summary.repairs                                  # what was mended or missing, counted

To add a format, put one file into this folder; nothing else is edited. The file defines

1. `read(path, options)`, a generator of `Document`, which reads through `options.rows`, `options.lines` or
   `options.files`. It takes labels through `options.label(raw)`, sets `annotated`, gets every place from
   `options.locate`, `options.stretch` or a `TokenText`, and reports what else it mends or cannot use with
   `options.summary.count(Repair....)`. `options.finish(doc)` adds language, source and split.
   It may let a KeyError, IndexError, TypeError, ValueError or AttributeError of a bad record pass.
2. `sniff(sample)`, which returns why the file is of this format, in a few words, or None. It must not
   claim another format's files: look for keys or columns that only this format has.
3. `FORMAT = Format(name, description, extensions, read, sniff)`.

`tests/corpus/test_formats_format.py` adds one that way.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import iepile.corpus.formats as package
from iepile.corpus.formats.reading import ReadOptions
from iepile.errors import InputError
from iepile.jsonl import open_bytes
from iepile.records import Document

log = logging.getLogger(__name__)

HEAD = 1 << 16
"""Bytes of a file that guessing looks at."""


class Sample:
    """The beginning of a file, for guessing its format; of a folder, the names in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.head, self.whole = "", True
        if path.is_dir():
            self.names = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
            return
        with open_bytes(path) as f:
            head = f.read(HEAD)
            self.whole = not f.read(1)
        if b"\0" not in head:  # a binary file has no text to look at; formats of such know it by its name
            self.head = head.decode("utf-8-sig", errors="ignore")

    @property
    def is_folder(self) -> bool:
        """A folder, which has names and no head."""
        return self.path.is_dir()

    def first(self, *endings: str) -> Sample | None:
        """The first file of a folder with one of the endings, as a sample."""
        name = next((n for n in self.names if n.endswith(endings)), None)
        return None if name is None else Sample(self.path / name)

    @functools.cached_property
    def row(self) -> dict[str, Any] | None:
        """The first JSON object of a JSON-lines file or of an array, else None (also if it is cut off)."""
        text = self.head.lstrip()
        text = text[1:].lstrip() if text.startswith("[") else text
        try:
            value, _ = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def lines(self) -> list[str]:
        """The lines that are there in full."""
        lines = self.head.split("\n")
        return lines if self.whole else lines[:-1]


@dataclass(frozen=True)
class Format:
    """One raw format."""

    name: str
    description: str
    """One line."""
    extensions: tuple[str, ...]
    """Usual file endings; `.gz` and `.zst` may follow."""
    read: Callable[[Path, ReadOptions], Iterator[Document]]
    sniff: Callable[[Sample], str | None]
    read_event_schema: Callable[[str], dict[str, list[str]]] | None = None
    """Where the data set ships one: reads its schema file as event type -> roles."""
    example: str = ""
    """One record or a few lines, made up: shown where a record cannot be read, and in the docs."""


@functools.cache
def formats() -> dict[str, Format]:
    """Every format of this folder, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(package.__path__))
    modules = (importlib.import_module(f"{package.__name__}.{name}") for name in names)
    found = (getattr(module, "FORMAT", None) for module in modules)
    return {f.name: f for f in found if isinstance(f, Format)}


def get_format(name: str) -> Format:
    """The format of that name.

    Raises:
        InputError: there is none.
    """
    known = formats()
    if name not in known:
        raise InputError(f"no format {name!r}", field="format", expected="auto, " + ", ".join(known))
    return known[name]


def guess_format(path: str | Path) -> tuple[Format, str]:
    """The only format that claims the file or folder, and why.

    Raises:
        InputError: no format claims it, or several do.
    """
    sample = Sample(Path(path))
    claims = [(f, reason) for f in formats().values() if (reason := f.sniff(sample))]
    if len(claims) == 1:
        return claims[0]
    if claims:
        problem = "could be " + " or ".join(f"{f.name} ({reason})" for f, reason in claims)
    else:
        problem = "is in no format we know"
    raise InputError(problem, file=path, fix="name it with --format NAME; `iepile formats` lists them")


def read_documents(
    path: str | Path, format: str = "auto", options: ReadOptions | None = None
) -> Iterator[Document]:
    """Read a raw file or folder. `options.summary` says as what, why, and what was mended on the way.

    Raises:
        InputError: unreadable file, unknown format, or a record that cannot be read.
    """
    options = options if options is not None else ReadOptions()
    chosen, reason = guess_format(path) if format == "auto" else (get_format(format), "asked for")
    options.summary.format, options.summary.reason = chosen.name, reason
    log.info("%s: read as %s: %s", path, chosen.name, reason)
    # No `yield` here: a wrong name or an unknown file fails at the call, not at the first document.
    return _guarded(chosen, Path(path), options)


def _guarded(chosen: Format, path: Path, options: ReadOptions) -> Iterator[Document]:
    """The documents; what a bad record makes the reader raise comes out with its place."""
    try:
        yield from chosen.read(path, options)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as e:
        file, line = options.place or (path, None)
        what = f"no {e.args[0]!r}" if isinstance(e, KeyError) and e.args else f"{type(e).__name__}: {e}"
        raise InputError(f"not a record of format {chosen.name} ({what})", file=file, line=line,
                         field=str(e.args[0]) if isinstance(e, KeyError) and e.args else "record",
                         expected=chosen.example or chosen.description, fix="mend or remove the record") from e
