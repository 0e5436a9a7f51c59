"""The lines of a WebAnno TSV 3 file: its text, and what the columns say about each token.

Places in the file count characters outside the basic plane twice (they are Java's), so tokens are looked for in
the text of their sentence, one after the other. What stands between two sentences is not in the file: as many
line breaks are put there as the places leave room for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NUMBERED = re.compile(r"(.*?)(?:(?<!\\)\[(\d+)\])?", re.DOTALL)
_POINTER = re.compile(r"([\d.-]+)(?:\[(\d+)(?:_(\d+))?\])?")
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

MOST_BREAKS = 100
"""Between two sentences: places that leave more room are wrong, or the file is an excerpt."""


class Layer(NamedTuple):
    """A layer of annotation."""

    kind: str
    """`SP` spans, `RL` relations, `CH` chains."""
    name: str
    items: tuple[str, ...]
    """A column each: features, `ROLE_...` and the type it links to, `BT_...` of the layer whose spans are joined."""


class Tsv:
    """A file as it stands.

    Raises:
        ValueError, IndexError, KeyError: a token that is not in its sentence, or a line short of columns.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.layers: list[Layer] = []
        self.text = ""
        self.units: dict[str, tuple[int, int]] = {}
        """Tokens (`1-2`) and parts of tokens (`1-2.1`): where they stand in the text."""
        self.rows: list[tuple[str, list[list[str]]]] = []
        """(unit, the columns of each layer)."""
        self._sentence, self._rest, self._open, self._end, self._token = "", "", False, 0, 0
        for line in lines:
            if line.startswith("#T_"):
                kind, _, rest = line[3:].partition("=")
                name, *items = rest.split("|")
                self.layers.append(Layer(kind, name, tuple(i for i in items if i)))
            elif line.startswith("#Text="):
                self._sentence = f"{self._sentence}\n{unescaped(line[6:])}" if self._open else unescaped(line[6:])
                self._open = True
            elif line and not line.startswith("#"):
                self._row(line.split("\t"))

    def whole(self) -> str:
        """The text to its end, with what follows the last token."""
        return self.text + self._rest

    def _row(self, columns: list[str]) -> None:
        unit, word = columns[0], unescaped(columns[2])
        begin, end = (int(place) for place in columns[1].split("-"))
        if self._open:  # the first token of a sentence
            room = begin - self._end - self._sentence.index(word) - len(self._rest)
            if self.units:
                self.text += self._rest + "\n" * (min(max(room, 0), MOST_BREAKS) if begin >= self._end else 1)
            self._rest, self._open = self._sentence, False
        if "." in unit:
            first, past = self.units[unit.partition(".")[0]]
            at = first + begin - self._token
            if not self.text.startswith(word, at):
                at = self.text.index(word, first, past)
        else:
            skipped = self._rest.index(word)
            at = len(self.text) + skipped
            self.text += self._rest[: skipped + len(word)]
            self._rest = self._rest[skipped + len(word) :]
            self._token, self._end = begin, end
        self.units[unit] = (at, at + len(word))
        cells = iter(columns[3:])
        self.rows.append((unit, [[next(cells, "_") for _ in layer.items or "_"] for layer in self.layers]))


@dataclass
class Mark:
    """An annotation of a span."""

    label: str
    units: list[str] = field(default_factory=list)
    links: list[tuple[str, str, str, str]] | None = None
    """(role, layer, unit, number) of what an event points at; None: its layer has no links."""


class Marks:
    """What the columns annotate."""

    def __init__(self, tsv: Tsv) -> None:
        self.spans: dict[tuple[str, ...], Mark] = {}
        self.relations: list[tuple[str, str, tuple[str, str], tuple[str, str]]] = []
        """(label, layer of its ends, (unit, number) of the source, of the target)."""
        self.left_out = 0
        """Linguistic annotations and links of chains."""
        self._at: dict[tuple[str, str], tuple[str, ...]] = {}
        self.kinds = tuple(k for k in ("entity", "relation", "event") if k in map(_kind, tsv.layers))
        for unit, layers in tsv.rows:
            for layer, cells in zip(tsv.layers, layers, strict=True):
                if not (kind := _kind(layer)):
                    self.left_out += len(_stacked(cells[0]))
                elif kind == "relation":
                    self._relation(layer, unit, cells)
                else:
                    self._span(layer, unit, cells)

    def find(self, layer: str, unit: str, number: str) -> tuple[str, ...] | None:
        """The annotation of a layer (or of any, for the type that all share) that a pointer means."""
        names = list(dict.fromkeys(name for name, _ in self._at)) if layer == "uima.tcas.Annotation" else [layer]
        for name in names:
            if number != "0" and (name, number) in self.spans:
                return name, number
        return next((self._at[name, unit] for name in names if (name, unit) in self._at), None)

    def _span(self, layer: Layer, unit: str, cells: list[str]) -> None:
        stacks = [_stacked(cell) for cell in cells]
        most = max(map(len, stacks))
        for rank, (_, number) in enumerate(next(stack for stack in stacks if len(stack) == most)):
            values = [stack[rank][0] if rank < len(stack) else "" for stack in stacks]
            key = (layer.name, number) if number != "0" else (layer.name, unit, str(rank))
            if key not in self.spans:
                self.spans[key] = Mark(_label(layer, values))
                if _kind(layer) == "event":
                    self.spans[key].links = list(_links(layer, values, cells, rank))
            self.spans[key].units.append(unit)
            self._at.setdefault((layer.name, unit), key)

    def _relation(self, layer: Layer, unit: str, cells: list[str]) -> None:
        stacks = [_stacked(cell) for cell in cells[:-1]]
        for rank, pointer in enumerate(_split(cells[-1], "|")):
            if m := _POINTER.fullmatch(pointer):
                values = [stack[rank][0] if rank < len(stack) else "" for stack in stacks]
                base = layer.items[-1].removeprefix("BT_")
                self.relations.append((_label(layer, values), base, (m[1], m[2] or "0"), (unit, m[3] or "0")))


def _kind(layer: Layer) -> str:
    """The kind of fact that a layer holds; "" for one that is left out."""
    if layer.kind == "CH" or (layer.name.startswith("de.tudarmstadt.") and ".ner." not in layer.name):
        return ""
    if layer.kind == "RL":
        return "relation"
    return "event" if any(item.startswith("ROLE_") for item in layer.items) else "entity"


def _label(layer: Layer, values: list[str]) -> str:
    features = {}
    links = False
    for item, value in zip(layer.items, values, strict=False):
        if not links and not item.startswith(("ROLE_", "BT_")):
            features[item] = value
        links = item.startswith("ROLE_")
    label = features.get("value", next(iter(features.values()), ""))
    return unescaped(label) or layer.name.rpartition(".")[2]


def _links(layer: Layer, values: list[str], cells: list[str], rank: int) -> Iterator[tuple[str, str, str, str]]:
    for n, item in enumerate(layer.items):
        if item.startswith("ROLE_") and n + 1 < len(cells):
            target = [*_split(cells[n + 1], "|"), *[""] * rank][rank]
            name = item.partition(":")[2].partition("_")[0] or "link"
            for role, pointer in zip(_split(values[n], ";"), _split(target, ";"), strict=False):
                if m := _POINTER.fullmatch(pointer):
                    yield unescaped(role) if role not in ("", "*") else name, layer.items[n + 1], m[1], m[2] or "0"


def unescaped(text: str) -> str:
    r"""`\_` as `_`, `\t` as a tab."""
    return _ESCAPE.sub(lambda m: _CONTROL.get(m[1], m[1]), text)


def _split(cell: str, separator: str) -> list[str]:
    return [] if cell == "_" else re.split(rf"(?<!\\){re.escape(separator)}", cell)


def _stacked(cell: str) -> list[tuple[str, str]]:
    """(value, number) of each annotation in a cell; none for `_`, the value "" for `*`."""
    found = []
    for part in _split(cell, "|"):
        m = _NUMBERED.fullmatch(part)
        value, number = (m[1], m[2] or "0") if m else (part, "0")
        found.append(("" if value == "*" else value, number))
    return found
