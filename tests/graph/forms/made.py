"""Edges that every road must keep, and stores made of edges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from iepile.graph.edge import Edge
from iepile.graph.loading import Loading, Part
from iepile.graph.store import Store

HOSTILE = [
    "'); DROP TABLE edge; --", '"}) DETACH DELETE n //', "<script>alert(1)</script>", "</script>", "]]>", "<!--",
    "<?iepile {}?>", "&amp;", "'", '"', '""', "`", "\\", "\\n", "\\N", "\\u0041", "%s%d{0}${x}", "\n", "a\nb", "\r",
    "a\r\nb", "\t", " ", "  two  ", "\x00", "a\x00b", "\x01\x08\x0b\x0c\x1b\x1f\x7f", "\x80\x85\x9f", "\u2028\u2029",
    "\ufeff", "\ufffe\uffff", "\ufffd", "␀␛", "\U0001f600\U0010ffff", "\u202eabc\u202c\u200f", "e\u0301 é",
    "\u00c5 \u212b A\u030a", "", "0", "-1", "1e5", "007", "NULL", "null", "None", "nan", "NaN", "inf", "true",
    "False", "=1+1", "+1", "@SUM(A1)", "=HYPERLINK(\"http://example.org\")", "a,b", ",", ";", "|", "a\tb", "#", "//",
    "_:b0", "<http://example.org/ä>", "林小雨", "，。（）“”", "𠮷", "n" * 10_000, "n0", "n1", "head", "{}", "[1]",
]


def edge(head: str = "Ada", relation: str = "spouse", tail: str = "Bob", **more: Any) -> Edge:
    given: dict[str, Any] = {"kind": "relation", "document": "d"} | more
    return Edge(head=head, relation=relation, tail=tail, **given)


def stored(path: Path, edges: Iterable[Edge]) -> Path:
    """A store of these edges."""
    with Store(path, write=True, scratch=True) as store:
        loading = Loading(store, "made", "of edges")
        for n, found in enumerate(edges, 1):
            loading.put(Part(found.document, found.source, "", n), [found])
        loading.finish()
    return path


def kept(path: Path) -> list[Edge]:
    """The edges of a store."""
    with Store(path) as store:
        return list(store.edges())


def _hostile() -> list[Edge]:
    found = []
    for n, name in enumerate(HOSTILE):
        d: dict[str, Any] = {"document": f"d{n}"}
        found += [
            edge(name, f"r{n}", f"t{n}", **d), edge(f"h{n}", name, f"t{n}", **d), edge(f"h{n}", f"r{n}", name, **d),
            edge(f"h{n}", head_type=name, **d), edge(tail_type=name, **d), edge(f"h{n}", document=name),
            edge(f"h{n}", source=name, **d), edge(f"h{n}", model=name, **d), edge(f"h{n}", instruction=name, **d),
            edge(f"h{n}", snippet=name, **d), edge(f"h{n}", snippet=name, snippet_start=n, **d),
            edge(f"h{n}", place=name, **d),
            edge(f"w{n}", "bride", name, head_type="wedding", kind="role", event=name, **d),
            edge(f"w{n}", "type", "wedding", head_type="wedding", kind="type", event=name, **d),
            edge(f"x{n}", "type", name, head_type=name, kind="type", **d),
            edge(f"kept{n}", head_type="merged", head_mention=f"{name} gone", **d),
            edge(name, tail=f"other{n}", head_type=f"m{n}", head_mention=f"gone{n}", tail_type=f"m{n}", **d),
            edge(f"kept{n}", tail=f"all{n}", tail_type=f"k{n}", tail_mention=name, **d),
            edge(name, name, name, head_type=name, tail_type=name, source=name, model=name, instruction=name,
                 snippet=name, document=name),
        ]
    return found


EDGES = [
    *_hostile(),
    edge(document="whole", head_type="person", tail_type="person", head_start=0, head_end=3, tail_start=8, tail_end=11,
         confidence=0.123456789012345678, ungrounded=True, source="s", instruction="0123456789abcdef", model="m",
         snippet="Ada met Bob", snippet_start=0, place="page 3, paragraph 2"),
    edge(document="untyped"), edge(document="typed", head_type="", tail_type=""),
    edge(document="half", head_type="", tail_type=None), edge(document="sourced", source=""), edge(document=""),
    edge(document="zero", head_start=0, head_end=0, confidence=0.0, snippet_start=0, snippet=""),
    edge(document="one", confidence=1.0), edge(document="tiny", confidence=5e-324),
    edge(document="long", head_start=2**31, head_end=2**53 + 1, tail_start=2**63 - 2, tail_end=2**63 - 1),
    edge(document="twice"), edge(document="twice"), edge(document="twice", head_start=1),
    edge("Ada", "type", "person", document="types", head_type="person", kind="type", head_start=3, head_end=6,
         confidence=0.5, snippet="x Ada", snippet_start=1, model="m", instruction="i"),
    edge("Ada", "type", "ship", document="types", head_type="ship", kind="type"),
    edge("Ada", "type", "thing", document="types2", kind="type"),
    edge("wed", "type", "", document="events", head_type="", kind="type", event="events:0"),
    edge("wed", "bride", "Ada", document="events", head_type="", kind="role", event="events:0"),
    edge("wed", "bride", "Ada", document="events", head_type="", kind="role", event="events:1", ungrounded=True),
    edge("no type", "bride", "Ada", document="events", kind="role", event="events:2", tail_start=1, tail_end=4),
    edge("IBM", "in", "New York", document="merged", head_type="org", head_mention="International Business Machines",
         tail_type="place", tail_mention="NYC", head_start=0),
    edge("IBM", "in", "Armonk", document="merged", head_type="org", tail_type="place"),
    edge("IBM", "of", "IBM", document="merged", head_type="org", tail_type="org", tail_mention="IBM Corp."),
    edge("IBM", "type", "org", document="merged", head_type="org", head_mention="IBM Corp.", kind="type"),
]
"""In an order that no form has a reason to keep."""

FAMILY = [
    edge(head_type="person", head_start=0, head_end=3, confidence=0.5, instruction="ab", model="m"),
    edge(head_type="person", head_start=9, head_end=12, relation="knows"),
    edge(head_type="ship", tail="林小雨", relation="搭载", ungrounded=True),
    edge("Ada", "type", "person", head_type="person", kind="type", head_start=0, head_end=3),
    edge("Eve", "type", "person", head_type="person", kind="type", document="e", head_mention="Eva"),
    edge("wed", "type", "wedding", head_type="wedding", kind="type", event="d:1:0"),
    edge("wed", "bride", "Ada", head_type="wedding", tail_type="person", kind="role", event="d:1:0", tail_start=0),
    edge("wed", "type", "wedding", head_type="wedding", kind="type", event=""),
]
"""Two people, a ship and two events: what other programs are shown."""
