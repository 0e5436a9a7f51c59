"""What a reader is given and what it reports: options, checked places, counted repairs.

    for row in options.rows(path, Row):          # JSON rows, checked against a struct of the reader's
    for number, line in options.lines(path):     # text lines
    for file in options.files(path, ".ann"):     # a folder, or one file

While these run, `options` knows file and line: whatever a reader then raises by mistake (a KeyError, an
IndexError ...) reaches the user as an `InputError` with that place, never as a traceback.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from iepile.errors import InputError
from iepile.jsonl import decode_row, open_bytes, read_lines
from iepile.language import language_of
from iepile.records import Document, Span

T = TypeVar("T")


class Repair(StrEnum):
    """What a reader mended, could not place or left out."""

    TAGS = "tag sequence ill-formed, read as the nearest mentions"
    COLUMNS = "line without a tag, read as outside"
    MOVED = "offset wrong, mention found elsewhere in the text"
    AMBIGUOUS = "mention occurs more than once, kept without offset"
    ABSENT = "mention not in the text, kept without offset"
    DIFFERENT = "annotation words the mention otherwise than the text, the text kept"
    PIECES = "mention in several pieces, kept as the stretch from first to last"
    COMPOUND = "compound value, its parts kept as facts of their own"
    EMPTY_MENTION = "empty mention, left out"
    DANGLING = "points at something the record does not have, left out"
    NO_PLACE = "annotation that documents have no place for, left out"
    ANSWER = "answer not as asked, read as far as it goes"
    LEFT_OUT = "label left out by the label names"
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
    """Raw label -> the name to use in natural language, "" to leave its facts out; others stay as they are."""
    join: str | None = None
    """What stands between tokens, "" or " "; None: by the script."""
    split: str | None = None
    """`train`, `dev` or `test`; kept in `Document.meta["split"]`."""
    summary: ReadSummary = field(default_factory=ReadSummary)
    """Filled by the reader."""
    place: tuple[Path, int | None] | None = None
    """File and line being read; set by `rows`, `lines` and `files`."""

    def rows(self, path: Path, form: type[T]) -> Iterator[T]:
        """JSON lines, or one JSON array, each record checked against `form` (a msgspec struct, say).

        Raises:
            InputError: names file, line and the field that is not as `form` says.
        """
        decoder = msgspec.json.Decoder(form)
        for line, raw in read_lines(path):
            self.place = (path, line)
            try:
                row = decoder.decode(raw)
            except msgspec.ValidationError as e:
                problem, _, where = str(e).partition(" - at `")
                raise InputError(problem[:1].lower() + problem[1:], file=path, line=line,
                                 field=where.rstrip("`").removeprefix("$.") or "record",
                                 fix="mend or remove the record") from None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                decode_row(raw, path, line)  # says what is broken, and where
                raise
            yield row

    def lines(self, path: Path, encoding: str = "utf-8-sig") -> Iterator[tuple[int, str]]:
        """(1-based number, line without its end) of a text file.

        Raises:
            InputError: a line that is not in the encoding.
        """
        with open_bytes(path) as f:
            for number, raw in enumerate(f, 1):
                self.place = (path, number)
                try:
                    line = raw.decode(encoding if number == 1 or encoding != "utf-8-sig" else "utf-8")
                except UnicodeDecodeError:
                    raise InputError(f"not {encoding.removesuffix('-sig').upper()}", file=path, line=number,
                                     field="line", expected="text in that encoding",
                                     fix="convert it, e.g. iconv -f GB18030 -t UTF-8") from None
                yield number, line.rstrip("\r\n")

    def files(self, path: Path, *endings: str) -> Iterator[Path]:
        """`path` itself, or every file below that folder with one of the endings, sorted.

        Raises:
            InputError: the folder has none.
        """
        found = [path]
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(endings))
            if not found:
                raise InputError("the folder has no file to read", file=path, field="src_path",
                                 expected="files that end in " + ", ".join(endings))
        for file in found:
            self.place = (file, None)
            yield file

    def label(self, raw: str) -> str:
        """The name of a raw label; "" where it is to be left out (`finish` does that)."""
        return self.labels.get(raw, raw)

    def language_of(self, text: str) -> str:
        """The language asked for, else by the script."""
        return self.language or language_of(text)

    def finish(self, doc: Document) -> Document:
        """Count the document, fill in language, source and split, leave out facts whose label is ""."""
        self.summary.documents += 1
        changes: dict[str, Any] = {"language": doc.language or self.language or language_of(doc.text),
                                   "source": doc.source or self.source}
        if self.split is not None:
            changes["meta"] = {**doc.meta, "split": self.split}
        if "" in self.labels.values():
            changes |= self._without_unwanted(doc)
        return msgspec.structs.replace(doc, **changes)

    def _without_unwanted(self, doc: Document) -> dict[str, Any]:
        events = tuple(
            msgspec.structs.replace(e, arguments=tuple(a for a in e.arguments if a.role)) for e in doc.events if e.type
        )
        kept = {"entities": tuple(e for e in doc.entities if e.type), "events": events,
                "relations": tuple(
                    msgspec.structs.replace(r, head_type=r.head_type or None, tail_type=r.tail_type or None)
                    for r in doc.relations if r.type)}

        def size(entities: Any, relations: Any, events: Any) -> int:
            return len(entities) + len(relations) + len(events) + sum(len(e.arguments) for e in events)

        before = size(doc.entities, doc.relations, doc.events)
        self.summary.count(Repair.LEFT_OUT, before - size(**kept))
        return kept

    def locate(self, text: str, mention: str, start: int | None = None) -> Span:
        """A span whose offsets are checked; without a start it is placed where the mention is unique.

        With a start that does not hold the mention, the nearest occurrence is taken (MOVED). A mention
        that is nowhere (ABSENT), or has no start and occurs twice (AMBIGUOUS), is kept without offsets.
        """
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

    def stretch(self, text: str, pieces: list[tuple[int, int]], mention: str | None = None) -> Span:
        """The span of [start, end) pieces in characters: their covering stretch, PIECES if they leave gaps.

        `mention` is what the annotation says stands there; where it differs (but for white space), the
        text's own characters are kept and DIFFERENT is counted.

        Raises:
            IndexError: a piece is empty or outside the text.
        """
        start, end = min(s for s, _ in pieces), max(e for _, e in pieces)
        if not 0 <= start < end <= len(text) or any(s >= e for s, e in pieces):
            raise IndexError(f"no characters {start} to {end} in a text of {len(text)}")
        if len(pieces) > 1:
            ordered = sorted(pieces)
            gaps = (text[a[1]:b[0]] for a, b in itertools.pairwise(ordered))
            self.summary.count(Repair.PIECES, any(gap.strip() for gap in gaps))
        elif mention is not None and text[start:end].split() != mention.split():
            self.summary.count(Repair.DIFFERENT)
        return Span(text[start:end], start, end)


def _occurrences(text: str, mention: str) -> list[int]:
    places, at = [], text.find(mention)
    while at >= 0:
        places.append(at)
        at = text.find(mention, at + 1)
    return places
