"""GraphML for networkx, Gephi, Cytoscape, yEd and the like; written and read as a stream.

Nodes and edges have the attributes that `to_networkx` gives them, `aliases` as a JSON list. What graph programs have no
place for stands in processing instructions, `<?iepile {...}?>`, which they skip: statements that a node is of a type
(the node has its `type` as an attribute), and names that hold characters which XML cannot hold. Such a character is
shown as its picture (U+2400 and on), or U+FFFD.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from iepile.graph.forms.form import Form
from iepile.graph.forms.graphml_reader import INSTRUCTION, NAMESPACE, read_graphml
from iepile.graph.forms.identified import identified
from iepile.graph.forms.text_values import KINDS, text_of
from iepile.graph.forms.xml_text import NO_XML, escaped
from iepile.graph.networks import edge_attributes, node_attributes
from iepile.graph.store import Store
from iepile.jsonl import atomic_writer, dumps

_TYPES = {str: "string", int: "long", float: "double", bool: "boolean"}
_NODE = dict.fromkeys(("label", "kind", "type", "aliases", "event"), str) | {"mentions": int}


def _write(store: Store, path: Path) -> int:
    written = 0
    with atomic_writer(path) as f:
        f.write(_head().encode())
        for node in store.nodes():
            about = node_attributes(node)
            if node.aliases:
                about["aliases"] = dumps(about["aliases"])
            f.write(_element("node", f'id="{node.id}"', about).encode())
        for edge, id_, head, tail in identified(store):
            f.write((_element("edge", f'id="{id_}" source="{head}" target="{tail}"', edge_attributes(edge))
                     if tail is not None else f"{_instruction(msgspec.to_builtins(edge))}\n").encode())
            written += 1
        f.write(b"</graph>\n</graphml>\n")
    return written


def _head() -> str:
    def keys(kind: str, types: dict[str, type[Any]]) -> str:
        return "".join(f'<key id="{kind}_{name}" for="{kind}" attr.name="{name}" attr.type="{_TYPES[of]}"/>\n'
                       for name, of in types.items())

    apart = {"head", "tail", "head_type", "tail_type", "event"}
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="{NAMESPACE}">\n{keys("node", _NODE)}'
            f'{keys("edge", {n: k for n, k in KINDS.items() if n not in apart})}<graph edgedefault="directed">\n')


def _element(kind: str, named: str, about: dict[str, Any]) -> str:
    """One node or edge on a line."""
    parts = [f"<{kind} {named}>"]
    exact = {}
    for name, value in about.items():
        text = text_of(value)
        if NO_XML.search(text):
            exact[name] = text
        parts.append(f'<data key="{kind}_{name}">{escaped(text)}</data>')
    if exact:
        parts.append(_instruction(exact))
    parts.append(f"</{kind}>\n")
    return "".join(parts)


def _instruction(about: dict[str, Any]) -> str:
    text = dumps(about).replace("?>", "?\\u003e")
    return f"<?{INSTRUCTION} {NO_XML.sub(_code, text)}?>"


def _code(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


FORM = Form("graphml", "for networkx, Gephi, Cytoscape, yEd", (".graphml", ".xml"), _write, read_graphml)
