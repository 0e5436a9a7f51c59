"""GraphML that other programs can read, whatever the names hold, and that comes back from them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx
import pytest

from graph.forms.made import EDGES, FAMILY, HOSTILE, edge, kept, stored
from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.form import forms
from iepile.graph.forms.graphml_reader import read_graphml
from iepile.graph.networks import to_networkx
from iepile.graph.store import Store


def written(folder: Path, edges: list[Edge]) -> Path:
    with Store(stored(folder / "graph.db", edges)) as store:
        forms()["graphml"].write(store, folder / "g.graphml")
    return folder / "g.graphml"


def seen(path: Path) -> Any:
    return networkx.read_graphml(path, force_multigraph=True)


def test_networkx_reads_what_networkx_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, FAMILY)
    with Store(tmp_path / "graph.db") as store:
        graph = to_networkx(store)
    back = seen(path)
    assert "林小雨" in path.read_text("utf-8")
    aliases = {n: json.loads(d.pop("aliases")) for n, d in back.nodes(data=True) if "aliases" in d}
    assert aliases == {n: d.pop("aliases") for n, d in graph.nodes(data=True) if "aliases" in d}
    assert list(aliases.values()) == [["Eva"]]
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert [(a, b, d) for a, b, d in back.edges(data=True)] == [(a, b, d) for a, b, d in graph.edges(data=True)]
    assert back.edges[next(iter(back.edges))]["confidence"] == 0.5


def test_what_another_program_wrote_again_is_read(tmp_path: Path) -> None:
    plain = [e for e in FAMILY if e.kind != "type"]
    graph = seen(written(tmp_path, plain))
    by_label = {d["label"]: n for n, d in graph.nodes(data=True)}
    graph.nodes[by_label["Bob"]].update(label="Robert", x=1.5, colour="red")
    for *_, about in graph.edges(data=True):
        about["weight"] = 2.0
    networkx.write_graphml(graph, tmp_path / "saved.graphml")
    back = list(read_graphml(tmp_path / "saved.graphml"))
    renamed = [edge(**{f: getattr(e, f) for f in Edge.__struct_fields__} | {"tail": "Robert" if e.tail == "Bob" else
                                                                        e.tail}) for e in plain]
    assert sorted(back, key=repr) == sorted(renamed, key=repr)


def test_a_name_that_was_changed_is_not_changed_back(tmp_path: Path) -> None:
    path = written(tmp_path, [edge("a\x00b", tail="c\x01d")])
    path.write_text(path.read_text("utf-8").replace("a␀b", "A"), "utf-8")
    assert list(read_graphml(path)) == [edge("A", tail="c\x01d")]


@pytest.mark.parametrize(("name", "visible"), [
    ("a\x00b\x1b", "a␀b␛"), ("a\rb\r\n", "a\rb\r\n"), ("\ufffe\uffff", "\ufffd\ufffd"),
    ("<&>\"']]>", "<&>\"']]>"), ("  a\t\nb  ", "  a\t\nb  "), ("😀语", "😀语"), ("\x7f\x85\u2028", "\x7f\x85\u2028"),
    ("n0", "n0"), ("true", "true"), ("12", "12"),
])
def test_hostile_names_are_seen(tmp_path: Path, name: str, visible: str) -> None:
    back = seen(written(tmp_path, [edge(name, name, "x" + name, head_type=name, snippet=name)]))
    assert back.nodes["n1"]["label"] == back.nodes["n1"]["type"] == visible
    assert back.nodes["n2"]["label"] == "x" + visible
    (about,) = [d for *_, d in back.edges(data=True)]
    assert about["relation"] == about["snippet"] == visible


def test_every_hostile_edge_is_one_edge_for_networkx(tmp_path: Path) -> None:
    back = seen(written(tmp_path, EDGES))
    edges = [e for e in kept(tmp_path / "graph.db") if e.kind != "type"]
    assert back.number_of_edges() == len(edges) > 16 * len(HOSTILE)
    with Store(tmp_path / "graph.db") as store:
        assert back.number_of_nodes() == store.one("SELECT count(*) FROM thing")


def test_it_is_graphml_as_its_schema_says(tmp_path: Path) -> None:
    root = ElementTree.parse(written(tmp_path, FAMILY)).getroot()
    space = "{http://graphml.graphdrawing.org/xmlns}"
    keys = {k.get("id"): k for k in root.findall(f"{space}key")}
    assert {k.get("attr.type") for k in keys.values()} == {"string", "long", "double", "boolean"}
    (graph,) = root.findall(f"{space}graph")
    nodes = [n.get("id") for n in graph.findall(f"{space}node")]
    edges = graph.findall(f"{space}edge")
    assert len(nodes) == len(set(nodes)) and len({e.get("id") for e in edges}) == len(edges)
    assert all(e.get("source") in nodes and e.get("target") in nodes for e in edges)
    assert all(keys[d.get("key")].get("for") == "node" for n in graph.findall(f"{space}node") for d in n)
    assert all(keys[d.get("key")].get("for") == "edge" for e in edges for d in e)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("</graphml>", "", "not XML: no element found"), ("<node ", "<node <", "not XML"),
    ("<graphml", "<html><graphml", "not GraphML: it holds an element 'html'"),
    ('target="n2"', 'target="n77"', "do not stand before it"),
    ('<data key="edge_document">d</data>', "", "missing required field `document`"),
    ('<data key="node_label">Ada</data>', "", "a node without a name"),
    ('"edge_head_start">0<', '"edge_head_start">0.5<', "head_start is '0.5'"),
    ('"edge_head_start">0<', '"edge_head_start">-4<', "head_start"),
    ('"edge_head_start">0<', '"edge_head_start">99999999999999999999<', "head_start"),
    ('"edge_confidence">0.5<', '"edge_confidence">nan<', "confidence is nan"),
    ("<?iepile {", "<?iepile [{", "an instruction that is not JSON"),
    ("<graphml", '<!DOCTYPE graphml [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><graphml', "entities of its own"),
    ("</graph>", "<hyperedge/></graph>", "holds a hyperedge"),
    ('encoding="UTF-8"', 'encoding="UTi-8"', "unknown encoding"),
    ('encoding="UTF-8"', 'encoding="GB18030"', "multi-byte encodings are not supported"),
])
def test_what_is_no_graph_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, FAMILY)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError) as e:
        list(read_graphml(path))
    assert said in str(e.value) and e.value.line


def test_defaults_of_keys_are_values(tmp_path: Path) -> None:
    path = written(tmp_path, [edge(head_type="person"), edge(model="m")])
    text = path.read_text("utf-8").replace('attr.name="model" attr.type="string"/>',
                                           'attr.name="model" attr.type="string"><default>x</default></key>')
    path.write_text(text, "utf-8")
    assert [e.model for e in read_graphml(path)] == ["x", "m"]


def test_it_is_written_as_a_stream(tmp_path: Path) -> None:
    """Ten times the edges take no more memory."""
    peaks = []
    for count in (2_000, 20_000):
        path = stored(tmp_path / f"{count}.db", (edge(f"h{n}", tail=f"t{n % 50}", snippet="s" * 100)
                                               for n in range(count)))
        with Store(path) as store:
            tracemalloc.start()
            forms()["graphml"].write(store, tmp_path / "g.graphml")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] + 200_000 < 5_000_000
