"""Reads GraphML that graphml.py wrote, whether or not another program changed it since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.jsonl import edge_of
from iepile.graph.forms.text_values import KINDS, value_of
from iepile.graph.forms.xml_text import shown
from iepile.jsonl import BROKEN_JSON, open_bytes, readable

NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
INSTRUCTION = "iepile"
"""Target of the processing instructions for what graph programs have no place for."""
BLOCK = 1 << 16
"""Bytes read at a time."""


def read_graphml(path: Path) -> Iterator[Edge]:
    """The edges in order. Attributes that edges do not have, as places and colours, are passed over.

    Raises:
        InputError: no GraphML, an edge or node without what an edge needs, or with a value of another type.
    """
    reader = _Reader(path)
    with open_bytes(path) as f, readable(path):
        while True:
            block = f.read(BLOCK)
            try:
                reader.parser.Parse(block, not block)
            except expat.ExpatError as e:
                raise InputError(f"not XML: {expat.errors.messages[e.code]}", file=path, line=e.lineno,
                                 expected="GraphML") from None
            except (LookupError, ValueError) as e:  # of the encoding that it names
                raise InputError(f"not XML: {e}", file=path, line=1, field="encoding", expected="UTF-8",
                                 fix="convert it, e.g. iconv -f GB18030 -t UTF-8") from None
            yield from reader.found
            reader.found.clear()
            if not block:
                return


class _Reader:
    """What was read so far: keys and nodes; and the element that is being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[Edge] = []
        self.keys: dict[str | None, str] = {}
        self.defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
        self.nodes: dict[str, dict[str, str]] = {}
        self.element: tuple[str, dict[str, str]] | None = None
        self.values: dict[str, str] = {}
        self.exact: dict[str, Any] = {}
        self.name: str | None = None
        self.kind = ""
        self.text: list[str] = []
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.ProcessingInstructionHandler = self.text.append, self._instruction
        parser.EntityDeclHandler = self._entity

    def _bad(self, problem: str, **more: str) -> InputError:
        return InputError(problem, file=self.path, line=self.parser.CurrentLineNumber, **more)

    def _entity(self, *_: object) -> None:
        raise self._bad("declares entities of its own", expected="GraphML without a document type")

    def _start(self, name: str, about: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name in ("node", "edge"):
            self.element, self.values, self.exact = (name, about), {}, {}
        elif name == "key":
            self.keys[about.get("id")] = self.name = about.get("attr.name", "")
            self.kind = about.get("for", "")
        elif name == "data" and self.element:
            self.name = self.keys.get(about.get("key"))
        elif name == "hyperedge":
            raise self._bad("holds a hyperedge", expected="edges with two ends")
        elif not self.keys and not self.nodes and name not in ("graphml", "graph", "desc", "default"):
            raise self._bad(f"not GraphML: it holds an element {name!r}", expected="a file that `iepile kg` wrote")
        self.text.clear()

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "default":
            for kind in ("node", "edge") if self.kind == "all" else (self.kind,):
                self.defaults.setdefault(kind, {})[self.name or ""] = "".join(self.text)
        elif name == "data" and self.element and self.name is not None:
            self.values[self.name] = "".join(self.text)
            self.name = None
        elif self.element and name == self.element[0]:
            values = self.defaults[name] | self.values
            for field, text in self.exact.items():
                if isinstance(text, str) and values.get(field) == shown(text):  # else it was changed since
                    values[field] = text
            if name == "node":
                self._node(values)
            else:
                self.found.append(self._edge(self.element[1], values))
            self.element = None

    def _node(self, values: dict[str, str]) -> None:
        assert self.element
        if "label" not in values:
            raise self._bad("a node without a name", field="label")
        self.nodes[self.element[1].get("id", "")] = {k: v for k, v in values.items() if k in ("label", "type", "event")}

    def _edge(self, about: dict[str, str], values: dict[str, str]) -> Edge:
        ends = [self.nodes.get(about.get(end, "")) for end in ("source", "target")]
        head, tail = ends
        if head is None or tail is None:
            raise self._bad("an edge between nodes that do not stand before it", field="source" if head is None else
                            "target")
        try:
            told: dict[str, Any] = {k: value_of(k, v) for k, v in values.items() if k in KINDS}
        except InputError as e:
            raise e.at(self.path, self.parser.CurrentLineNumber) from None
        told |= {"head": head["label"], "head_type": head.get("type"), "event": head.get("event"),
                 "tail": tail["label"], "tail_type": tail.get("type")}
        return edge_of(told, self.path, self.parser.CurrentLineNumber)

    def _instruction(self, target: str, data: str) -> None:
        if target != INSTRUCTION:
            return
        try:
            about = msgspec.json.decode(data)
        except BROKEN_JSON as e:
            raise self._bad(f"an instruction that is not JSON: {e}") from None
        if not isinstance(about, dict):
            raise self._bad("an instruction that is no JSON object")
        if self.element:
            self.exact = about
        else:
            self.found.append(edge_of(about, self.path, self.parser.CurrentLineNumber))
