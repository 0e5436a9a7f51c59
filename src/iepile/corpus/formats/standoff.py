"""What brat's standoff lines say about a text; `brat` is the format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.records import Argument, Document, Entity, Event, Relation, Span

_ID = re.compile(r"[TREANM]\w*|#\w*|\*")
_META = {"N": "normalizations", "A": "attributes", "M": "attributes", "#": "notes"}
_NUMBERED = re.compile(r"(.*\D)\d+")


@dataclass(frozen=True)
class Line:
    """One annotation."""

    number: int
    """1-based line in the file."""
    id: str
    words: tuple[str, ...]
    """The words up to the next tab: a label and what it applies to."""
    rest: str
    """What stands behind that tab: the mention or the note."""

    @property
    def kind(self) -> str:
        """T, R, E, A, M, N, # or *."""
        return self.id[0]

    def places(self) -> list[tuple[int, int]]:
        """The [start, end) pieces of a mention."""
        pieces = [piece.split() for piece in " ".join(self.words[1:]).split(";")]
        return [(int(start), int(end)) for start, end in pieces]

    def arguments(self) -> list[tuple[str, str]]:
        """Role and id of the arguments after the label: Arg1 before Arg2, and in events Agent2 is another Agent."""
        pairs = [(role, key) for role, colon, key in (w.partition(":") for w in self.words[1:]) if colon]
        if len(pairs) + 1 < len(self.words):
            raise ValueError("an argument is not `role:id`")
        if self.kind == "R" and {role for role, _ in pairs} == {"Arg1", "Arg2"}:
            pairs.sort()
        if self.kind != "E":
            return pairs
        roles = {role for role, _ in pairs}
        return [(m[1] if (m := _NUMBERED.fullmatch(role)) and m[1] in roles else role, key) for role, key in pairs]


def lines_of(file: Path, options: ReadOptions) -> list[Line]:
    """The annotations of a file.

    Raises:
        ValueError: a line that is none.
    """
    found = []
    for number, line in options.lines(file):
        if line.strip():
            key, _, body = line.partition("\t")
            head, _, rest = body.partition("\t")
            words = tuple(head.split())
            if not _ID.fullmatch(key) or len(words) < 2 - (key[0] == "E"):
                raise ValueError("an annotation is an id, a tab, a label and what it applies to")
            found.append(Line(number, key, words, rest))
    return found


def text_of(file: Path) -> str:
    """The text, its line ends as they are: offsets count them.

    Raises:
        InputError: no such file, or not UTF-8.
    """
    try:
        return read_bytes(file).decode()
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=file, expected="UTF-8",
                         fix="convert it, e.g. iconv -f GB18030 -t UTF-8") from None


class Pair:
    """A text and its annotations."""

    def __init__(self, file: Path, text: str, lines: Sequence[Line], options: ReadOptions) -> None:
        self.file, self.text, self.lines, self.options = file, text, lines, options
        self.meta: dict[str, Any] = {}
        self.known: dict[str, tuple[str, Span]] = {}
        """Label and place of mentions and of events."""

    def document(self, name: str, annotated: tuple[str, ...]) -> Document:
        """What the lines say, as a document of that id.

        Raises:
            IndexError: a place outside the text.
            ValueError: an annotation that is not as its kind is.
        """
        self.known = {line.id: (line.words[0], self._span(line)) for line in self._of("T")}
        mentions, triggers = dict(self.known), {line.words[0].partition(":")[2] for line in self._of("E")}
        for line in self._of("E"):
            label, _, trigger = line.words[0].partition(":")
            if trigger in mentions:
                self.known[line.id] = (label, mentions[trigger][1])
        for line in self._of("NAM#*"):
            self._note(line)
        label_of = self.options.label
        return Document(
            self.text, name, annotated=annotated,
            entities=tuple(Entity(label_of(t), span) for key, (t, span) in mentions.items() if key not in triggers),
            relations=tuple(r for line in self._of("R") if (r := self._relation(line))),
            events=tuple(self._event(line) for line in self._of("E")),
            meta=self.meta,
        )

    def _of(self, kinds: str) -> Iterator[Line]:
        for line in self.lines:
            if line.kind in kinds:
                self.options.place = (self.file, line.number)
                yield line

    def _span(self, line: Line) -> Span:
        pieces = line.places()
        if len(pieces) > 1:
            self.meta.setdefault("pieces", []).append([list(piece) for piece in pieces])
        (start, end), mention = pieces[0], line.rest.strip()
        if len(pieces) > 1 or not mention or self.text[start:end].split() == mention.split():
            return self.options.stretch(self.text, pieces)
        return self.options.locate(self.text, mention, start)

    def _found(self, key: str) -> tuple[str, Span] | None:
        self.options.summary.count(Repair.DANGLING, key not in self.known)
        return self.known.get(key)

    def _relation(self, line: Line) -> Relation | None:
        (_, first), (_, second) = line.arguments()
        head, tail = self._found(first), self._found(second)
        if head is None or tail is None:
            return None
        label = self.options.label
        return Relation(label(line.words[0]), head[1], tail[1], label(head[0]), label(tail[0]))

    def _event(self, line: Line) -> Event:
        label, colon, _ = line.words[0].partition(":")
        place = self._found(line.id) if colon else None
        filled = [(role, self._found(key)) for role, key in line.arguments()]
        arguments = tuple(Argument(self.options.label(role), found[1]) for role, found in filled if found)
        return Event(self.options.label(label), place[1] if place else None, arguments)

    def _note(self, line: Line) -> None:
        """Keep a concept, an attribute or a note with the place it speaks of."""
        target = self.known.get(line.words[1])
        if target is None or line.kind == "*":
            self.options.summary.count(Repair.NO_PLACE)
            return
        words = {"N": line.words[2:], "#": (line.rest,)}.get(line.kind, (line.words[0], *line.words[2:]))
        self.meta.setdefault(_META[line.kind], []).append([*(target[1].offsets or (None, None)), *words])
