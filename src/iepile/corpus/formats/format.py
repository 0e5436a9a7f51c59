"""What a raw data format is, and the way from a file to documents.

    for doc in read_documents("train.char.bmes"):            # guesses, and says why
        ...
    options = ReadOptions(source="resume_ner", labels={"NAME": "姓名"})
    docs = list(read_documents("train.char.bmes", "bmes", options))
    options.summary.repairs                                  # what was mended or missing, counted

To add a format, put one file into this folder; nothing else is edited. The file defines

1. `read(path, options)`, a generator of `Document`. It takes labels through `options.label(raw)`, sets
   `annotated`, checks every offset against the text and reports what it mends or cannot find with
   `options.summary.count(Repair....)`. `options.finish(doc)` adds language, source and split.
   It raises `InputError` with file and line where a record cannot be read at all.
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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

import iepile.corpus.formats as package
from iepile.errors import InputError
from iepile.jsonl import open_bytes
from iepile.language import language_of
from iepile.records import Document, Span

log = logging.getLogger(__name__)

HEAD = 1 << 16
"""Bytes of a file that guessing looks at."""


class Repair(StrEnum):
    """What a reader mended, could not place or left out."""

    TAGS = "tag sequence ill-formed, read as the nearest mentions"
    COLUMNS = "line without a tag, read as outside"
    MOVED = "offset wrong, mention found elsewhere in the text"
    AMBIGUOUS = "mention occurs more than once, kept without offset"
    ABSENT = "mention not in the text, kept without offset"
    EMPTY_MENTION = "empty mention, left out"
    NO_TEXT = "record without text, left out"


@dataclass
class ReadSummary:
    """What happened while reading; filled as the documents come."""

    format: str = ""
    """Format the file was read as."""
    reason: str = ""
    """Why: what was asked for, or what guessing saw."""
    documents: int = 0
    repairs: Counter[Repair] = field(default_factory=Counter)

    def count(self, repair: Repair, n: int = 1) -> None:
        """Note a repair that was needed `n` times."""
        if n:
            self.repairs[repair] += n


@dataclass
class ReadOptions:
    """How to read a raw file, whatever its format."""

    language: str | None = None
    """`zh` or `en`; None: by the script of the text."""
    source: str | None = None
    """Name of the data set, kept in every document."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Raw label -> the name to use in natural language; others stay as they are."""
    join: str | None = None
    """What stands between tokens, "" or " "; None: by the script."""
    split: str | None = None
    """`train`, `dev` or `test`; kept in `Document.meta["split"]`."""
    summary: ReadSummary = field(default_factory=ReadSummary)
    """Filled by the reader."""

    def label(self, raw: str) -> str:
        """The name of a raw label."""
        return self.labels.get(raw, raw)

    def finish(self, doc: Document) -> Document:
        """Count the document and fill in language, source and split where it has none."""
        self.summary.documents += 1
        language = doc.language or self.language or language_of(doc.text)
        meta = doc.meta if self.split is None else {**doc.meta, "split": self.split}
        return msgspec.structs.replace(doc, language=language, source=doc.source or self.source, meta=meta)

    def locate(self, text: str, mention: str, start: int | None = None) -> Span:
        """A span whose offsets are checked; without a start it is placed where the mention is unique."""
        if start is not None and start >= 0 and text.startswith(mention, start):
            return Span(mention, start, start + len(mention))
        places = _occurrences(text, mention)
        if not places:
            self.summary.count(Repair.ABSENT)
            return Span(mention)
        if start is not None:
            self.summary.count(Repair.MOVED)
            near = min(places, key=lambda place: abs(place - start))
            return Span(mention, near, near + len(mention))
        if len(places) > 1:
            self.summary.count(Repair.AMBIGUOUS)
            return Span(mention)
        return Span(mention, places[0], places[0] + len(mention))


class Sample:
    """The beginning of a file, for guessing its format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_bytes(path) as f:
            self.head = f.read(HEAD).decode("utf-8-sig", errors="ignore")
            self.whole = not f.read(1)

    @functools.cached_property
    def row(self) -> dict[str, Any] | None:
        """The first JSON object of a JSON-lines file or of an array, else None."""
        text = self.head.lstrip()
        text = text[1:].lstrip() if text.startswith("[") else text
        try:
            value, _ = json.JSONDecoder().raw_decode(text)
        except ValueError:
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
    """The only format that claims the file, and why.

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
    raise InputError(problem, file=path, fix="name the format: " + ", ".join(formats()))


def read_documents(
    path: str | Path, format: str = "auto", options: ReadOptions | None = None
) -> Iterator[Document]:
    """Read a raw file. `options.summary` says as what, why, and what was mended on the way.

    Raises:
        InputError: unreadable file, unknown format, or a record that cannot be read.
    """
    options = options if options is not None else ReadOptions()
    chosen, reason = guess_format(path) if format == "auto" else (get_format(format), "asked for")
    options.summary.format, options.summary.reason = chosen.name, reason
    log.info("%s: read as %s: %s", path, chosen.name, reason)
    # No `yield` here: a wrong name or an unknown file fails at the call, not at the first document.
    return chosen.read(Path(path), options)


def _occurrences(text: str, mention: str) -> list[int]:
    places, at = [], text.find(mention)
    while at >= 0:
        places.append(at)
        at = text.find(mention, at + 1)
    return places
