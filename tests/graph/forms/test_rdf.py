"""The graph as RDF: names in IRIs, text in literals, statements with their trail, other readers of the same files."""

from __future__ import annotations

import random
import subprocess
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st

from graph.forms.made import EDGES, HOSTILE, edge, kept, stored
from iepile.errors import InputError, MissingDependency
from iepile.graph.build import KgConfig, build
from iepile.graph.edge import Edge
from iepile.graph.node import Node
from iepile.graph.rdf import read_rdf, write_rdf
from iepile.graph.rdf.iri import ends, facts, local, names
from iepile.graph.rdf.literals import escaped, unescaped
from iepile.graph.rdf.reading import _Reading
from iepile.graph.rdf.vocabulary import prefixes
from iepile.graph.rdf.writing import Telling, form_of
from iepile.graph.store import Store

FORMS = {"Turtle": ".ttl", "N-Triples": ".nt", "N-Quads": ".nq", "JSON-LD": ".jsonld"}
BY_FORM = pytest.mark.parametrize("form", FORMS)
ANY = st.text(st.characters(), max_size=8)
"""With halves of surrogate pairs."""
WEDDING = [
    edge(head_type="person", tail_type="person", head_start=0, head_end=3, tail_start=12, tail_end=15, confidence=0.9,
         source="news", instruction="00ff", model="runs/m 1", snippet="Ada married Bob.", snippet_start=0),
    edge("wed", "type", "wedding", head_type="wedding", kind="type", event="news:d:EE:1:0", source="news"),
    edge("wed", "bride", "Ada", head_type="wedding", tail_type="person", kind="role", event="news:d:EE:1:0",
         source="news", ungrounded=True),
]


def written(edges: Iterable[Edge], path: Path, form: str = "N-Triples", **more: Any) -> Path:
    with Store(stored(path.with_name(f"{path.name}.db"), edges)) as store:
        write_rdf(store, path, form, **more)
    return path


def quads(path: Path, form: str) -> Iterator[Any]:
    return iter(pyoxigraph.parse(path=path, format=form_of(form)))


def subjects(path: Path) -> set[str]:
    return {q.subject.value for q in quads(path, "N-Triples")}


@given(st.lists(ANY, min_size=1, max_size=2), st.lists(ANY, min_size=1, max_size=2))
def test_names_come_back_from_iris_and_no_two_share_one(one: list[str], other: list[str]) -> None:
    end = local(*one)
    assert names(end) == one
    assert (local(*other) == end) == (one == other)
    iri = f"urn:iepile:entity/{end}"
    assert ends(iri) == ("entity/", end)
    assert unicodedata.normalize("NFC", iri) == iri
    assert pyoxigraph.NamedNode(iri).value == iri


@given(st.text(min_size=facts()["longest"] + 1, max_size=600), st.text(min_size=facts()["longest"] + 1, max_size=600))
def test_long_names_have_short_iris_of_their_own(one: str, other: str) -> None:
    end = local(one)
    assert len(end) <= facts()["longest"] and names(end) is None
    assert (local(other) == end) == (one == other)
    assert pyoxigraph.NamedNode(f"http://x/{end}").value == f"http://x/{end}"


@pytest.mark.parametrize(("given", "end"), [
    (("人物", "林小雨"), "人物:林小雨"), (("founded by",), "founded_by"), (("a_b",), "a%5Fb"), (("a:b",), "a%3Ab"),
    ((".",), "%2E"),
    (("..",), "%2E%2E"), (("U.S.",), "U.S%2E"), (("",), ""), (("", ""), ":"), (("a/b#c?d=e%",), "a%2Fb%23c%3Fd%3De%25"),
    (("e\u0301",), "e%CC%81"), (("\u202e\u200f",), "%E2%80%AE%E2%80%8F"), (("\x00\n",), "%00%0A"),
    (("\ud800",), "%ED%A0%80"),
    (("é ß Ω Ж ア 한 𠮷",), "é_ß_Ω_Ж_ア_한_%F0%A0%AE%B7"), (("\u2126",), "%E2%84%A6"),
])
def test_ends_of_iris(given: tuple[str, ...], end: str) -> None:
    assert local(*given) == end


@given(ANY)
def test_any_text_is_a_literal(text: str) -> None:
    as_escapes = escaped(text)
    if as_escapes is None:
        assert pyoxigraph.Literal(text).value == text
    else:
        assert unescaped(as_escapes) == text
        assert escaped(as_escapes) is None


def test_only_what_xml_cannot_hold_is_escaped() -> None:
    assert [t for t in HOSTILE if escaped(t) is not None] == [
        t for t in HOSTILE if any((ord(c) < 32 and c not in "\t\n\r") or c in "\ufffe\uffff" for c in t)]
    assert escaped("a\\\x00\ud800") == "a\\\\\\u0000\\ud800"
    with pytest.raises(InputError, match="an escape that is none"):
        unescaped("a\\b")


def test_every_field_of_edges_is_told() -> None:
    by_node = {"head", "tail", "relation", "head_type", "tail_type", "event", "document", "source", "model"}
    assert by_node | set(facts()["fields"]) == set(Edge.__struct_fields__)
    assert by_node & set(facts()["fields"]) == set()


def test_turtle_that_people_can_read(tmp_path: Path) -> None:
    text = written(WEDDING, tmp_path / "g.ttl", "Turtle").read_text("utf-8")
    _, triples = text.split("@prefix type: <urn:iepile:type/> .\n")
    assert triples == """\
type:person a rdfs:Class ;
	rdfs:label "person" .
ent:person:Ada a kg:Entity , type:person ;
	kg:typeName "person" ;
	rdfs:label "Ada" ;
	kg:mentions 2 .
ent:person:Bob a kg:Entity , type:person ;
	kg:typeName "person" ;
	rdfs:label "Bob" ;
	kg:mentions 1 .
type:wedding a rdfs:Class ;
	rdfs:label "wedding" .
event:news:d:EE:1:0 a kg:Event , type:wedding ;
	kg:typeName "wedding" ;
	rdfs:label "wed" ;
	dcterms:identifier "news:d:EE:1:0" ;
	kg:mentions 1 .
doc:news:d a prov:Entity ;
	dcterms:identifier "d" ;
	dcterms:source "news" .
rel:spouse a rdf:Property ;
	rdfs:label "spouse" .
model:runs\\%2Fm_1 a prov:SoftwareAgent ;
	rdfs:label "runs/m 1" .
ent:person:Ada rel:spouse ent:person:Bob .
stmt:52c5dd86e7fab83a37386355b6e6d3d4 a rdf:Statement ;
	rdf:subject ent:person:Ada ;
	rdf:predicate rel:spouse ;
	rdf:object ent:person:Bob ;
	prov:wasDerivedFrom doc:news:d ;
	prov:wasAttributedTo model:runs\\%2Fm_1 ;
	kg:kind "relation" ;
	kg:confidence "0.9"^^xsd:double ;
	kg:headStart 0 ;
	kg:headEnd 3 ;
	kg:tailStart 12 ;
	kg:tailEnd 15 ;
	kg:instruction "00ff" ;
	kg:snippet "Ada married Bob." ;
	kg:snippetStart 0 ;
	kg:order 0 .
event:news:d:EE:1:0 a type:wedding .
stmt:80d55eb57c43862ede2d49851e7ac8cd a rdf:Statement ;
	rdf:subject event:news:d:EE:1:0 ;
	rdf:predicate rdf:type ;
	rdf:object type:wedding ;
	prov:wasDerivedFrom doc:news:d ;
	kg:kind "type" ;
	kg:order 1 .
role:bride a rdf:Property ;
	rdfs:label "bride" .
event:news:d:EE:1:0 role:bride ent:person:Ada .
stmt:0dedc5c5c63f77a57c939139c8357825 a rdf:Statement ;
	rdf:subject event:news:d:EE:1:0 ;
	rdf:predicate role:bride ;
	rdf:object ent:person:Ada ;
	prov:wasDerivedFrom doc:news:d ;
	kg:kind "role" ;
	kg:ungrounded true ;
	kg:order 2 .
"""


@BY_FORM
def test_another_reader_finds_the_same_triples(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdflib, "NORMALIZE_LITERALS", False)
    path = written(EDGES, tmp_path / f"g{FORMS[form]}", form)
    graph: Any = rdflib.Dataset(default_union=True) if form == "N-Quads" else rdflib.Graph()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own, about itself
        graph.parse(path, format={"N-Triples": "nt", "N-Quads": "nquads", "JSON-LD": "json-ld"}.get(form, "turtle"))
        found = list(graph.triples((None, None, None)))
    theirs = {(str(s), str(p), str(o), str(getattr(o, "datatype", None) or "")) for s, p, o in found}
    text = "http://www.w3.org/2001/XMLSchema#string"
    ours = {(q.subject.value, q.predicate.value, q.object.value,
             "" if isinstance(q.object, pyoxigraph.NamedNode) or q.object.datatype.value == text
             else q.object.datatype.value) for q in quads(path, form)}
    assert len(ours) > 20 * len(HOSTILE)
    assert sorted(theirs ^ ours)[:3] == []


@BY_FORM
@given(edges=st.lists(st.builds(edge, ANY, ANY, ANY, head_type=st.none() | ANY, source=st.none() | ANY, document=ANY,
                                event=st.none() | ANY, model=st.none() | ANY, snippet=st.none() | ANY), max_size=4))
def test_text_that_no_store_keeps_comes_back_too(form: str, edges: list[Edge]) -> None:
    telling = Telling()
    events = {e.event: e for e in edges if e.event is not None}
    # An event has one name and one type.
    edges = [e if e.event is None else edge(
        events[e.event].head, e.relation, e.tail, event=e.event, document=e.document,
        head_type=events[e.event].head_type) for e in edges]
    parts = [p for n, e in enumerate(events.values())
             for p in telling.node(Node(f"n{n}", e.head, e.head_type, event=e.event))]
    parts += [p for e in edges for p in telling.edge(e)]
    text = pyoxigraph.serialize((pyoxigraph.Triple(*p[:3]) for p in parts) if form != "N-Quads" else (
        pyoxigraph.Quad(*p[:3], p[3] or pyoxigraph.DefaultGraph()) for p in parts), format=form_of(form),
        prefixes=prefixes())
    assert list(_Reading(pyoxigraph.Literal).edges(iter(pyoxigraph.parse(text, form_of(form))))) == edges


def test_merged_names_are_aliases(tmp_path: Path) -> None:
    of = {"head_type": "org", "relation": "in"}
    path = written([edge("IBM", head_mention="Big Blue", **of), edge("IBM", head_mention="\x00", document="e", **of)],
                   tmp_path / "g.nt")
    aliases = {(q.object.value, q.object.datatype.value.rpartition("/")[2]) for q in quads(path, "N-Triples")
               if q.predicate.value.endswith("altLabel")}
    assert aliases == {("Big Blue", "XMLSchema#string"), ("\\u0000", "escapedString")}
    assert not any("Big" in q.subject.value for q in quads(path, "N-Triples"))


def test_what_a_document_states_is_a_graph_in_n_quads(tmp_path: Path) -> None:
    path = written(EDGES, tmp_path / "g.nq", "N-Quads")
    store = pyoxigraph.Store()
    store.load(path=path, format=form_of("N-Quads"))
    graphs = {g.value for g in store.named_graphs()}
    assert len(graphs) == len({(e.source, e.document) for e in EDGES})
    for q in quads(path, "N-Quads"):
        if q.predicate.value.endswith("wasDerivedFrom"):
            assert q.graph_name == q.object
    # One document goes, the rest stays a graph.
    gone = pyoxigraph.NamedNode("urn:iepile:document/twice")
    store.remove_graph(gone)
    store.dump(tmp_path / "rest.nq", form_of("N-Quads"))
    left = list(read_rdf(tmp_path / "rest.nq", "N-Quads"))
    assert left == [e for e in EDGES if e.document != "twice"]


def test_triples_in_any_order_are_the_same_graph(tmp_path: Path) -> None:
    path = written(EDGES, tmp_path / "g.nt")
    lines = path.read_bytes().splitlines(keepends=True)
    for shuffled in (sorted(lines), lines[::-1], random.Random(1).sample(lines, len(lines))):
        (tmp_path / "moved.nt").write_bytes(b"".join(shuffled))
        assert list(read_rdf(tmp_path / "moved.nt", "N-Triples")) == EDGES


def test_another_program_may_write_it_anew(tmp_path: Path) -> None:
    path = written(EDGES, tmp_path / "g.ttl", "Turtle")
    rdflib.Graph().parse(path).serialize(tmp_path / "again.nt", "nt", encoding="utf-8")
    assert list(read_rdf(tmp_path / "again.nt", "N-Triples")) == EDGES
    # Its Turtle keeps seven digits of a number.
    rdflib.Graph().parse(path).serialize(tmp_path / "again.ttl")
    back = list(read_rdf(tmp_path / "again.ttl", "Turtle"))
    assert [n for n, (a, b) in enumerate(zip(back, EDGES, strict=True)) if a != b] == [
        n for n, e in enumerate(EDGES) if e.document == "whole"]


def test_graphs_put_together_hold_what_both_state_once(tmp_path: Path) -> None:
    shared = [edge(document="both"), edge(document="both", head_start=1)]
    one, other = [*shared, edge(document="one")], [edge(document="other"), *reversed(shared)]
    files = [written(edges, tmp_path / f"{n}.nt").read_bytes() for n, edges in enumerate((one, other))]
    for text in (b"".join(files), b"".join(sorted(b"".join(files).splitlines(keepends=True)))):
        (tmp_path / "both.nt").write_bytes(text)
        found = list(read_rdf(tmp_path / "both.nt", "N-Triples"))
        assert len(found) == 4
        assert set(found) == {*one, *other}


def test_iris_are_the_same_in_whatever_store(tmp_path: Path) -> None:
    one = subjects(written(EDGES[-12:], tmp_path / "one.nt"))
    other = subjects(written([*EDGES[:300], *reversed(EDGES[-12:])], tmp_path / "other.nt"))
    assert len([s for s in one if "statement/" in s]) == 12
    assert one <= other


def test_equal_statements_are_two(tmp_path: Path) -> None:
    path = written([edge()] * 3, tmp_path / "g.nt")
    assert [s.rpartition("/")[2][32:] for s in sorted(subjects(path)) if "statement/" in s] == ["", "-2", "-3"]
    assert list(read_rdf(path, "N-Triples")) == [edge()] * 3


def test_bytes_do_not_hang_on_the_process(tmp_path: Path) -> None:
    stored(tmp_path / "g.db", EDGES[-60:])
    code = ("import sys; from iepile.graph.rdf import write_rdf; from iepile.graph.store import Store\n"
            "with Store(sys.argv[1]) as s: write_rdf(s, sys.argv[2], 'Turtle')")
    for seed in ("1", "2"):
        subprocess.run([sys.executable, "-c", code, tmp_path / "g.db", tmp_path / f"{seed}.ttl"], check=True,
                       env={"PYTHONHASHSEED": seed})
    assert (tmp_path / "1.ttl").read_bytes() == (tmp_path / "2.ttl").read_bytes()


@BY_FORM
@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_packed_files(form: str, packed: str, tmp_path: Path) -> None:
    path = written(EDGES[-40:], tmp_path / f"g{FORMS[form]}{packed}", form)
    assert packed == "" or path.read_bytes()[:2] in (b"\x1f\x8b", b"\x28\xb5")
    build(KgConfig(input_file=str(path), output_file=str(tmp_path / "again.db")))
    assert kept(tmp_path / "again.db") == EDGES[-40:]


@pytest.mark.parametrize("base", ["https://example.org/kg/", "http://例子.cn/图谱#", "urn:x:"])
def test_the_base_can_be_another(base: str, tmp_path: Path) -> None:
    path = written(EDGES, tmp_path / "g.ttl", "Turtle", base=base)
    assert list(read_rdf(path, "Turtle")) == EDGES
    assert {q.subject.value.startswith(base) for q in quads(path, "Turtle")} == {True}


@pytest.mark.parametrize("base", ["", "example.org/", "https://example.org/kg", "https://a b/", "<script>:", "http://[/",
                                  "http://a/\n", "http://a/%zz/", "\ud800:/"])
def test_a_base_that_is_none_is_refused(base: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no IRI"):
        written([edge()], tmp_path / "g.ttl", "Turtle", base=base)
    assert not (tmp_path / "g.ttl").exists()


def test_reading_does_not_wait_for_the_end(tmp_path: Path) -> None:
    path = written(EDGES, tmp_path / "g.nt")
    path.write_bytes(path.read_bytes() + b"not RDF\n")
    edges = read_rdf(path, "N-Triples")
    assert [next(edges) for _ in EDGES[:-1]] == EDGES[:-1]
    lines = path.read_bytes().count(b"\n")
    with pytest.raises(InputError, match=rf"g\.nt:{lines}: not N-Triples"):
        next(edges)


@pytest.mark.parametrize(("old", "new", "message"), [
    (b"<http://www.w3.org/1999/02/22-rdf-syntax-ns#object>", b"<urn:other>", r"is not whole\n  field:    object"),
    (b'"0"^^<http://www.w3.org/2001/XMLSchema#integer>', b'"x"', "'x' is no number"),
    (b"urn:iepile:relation/spouse>", b"urn:other>", "is none of ours"),
    (b"urn:iepile:relation/spouse>", b"urn:iepile:relation/a:b>", "is none of ours"),
    (b"urn:iepile:entity/person:Ada>", b"urn:iepile:entity/a:b:c>", "is none of ours"),
    (b"urn:iepile:entity/person:Ada>", b"urn:iepile:entity/%FF>", "no name in the IRI"),
    (b"urn:iepile:entity/person:Bob> .", b"urn:iepile:entity/a=0> .", "is not whole"),
    (b"Ada married Bob", b"\xff\xfe", "not N-Triples"),
    (b'"news:d:EE:1:0"', b'"a\\\\x"^^<urn:iepile:vocabulary/escapedString>', "an escape that is none"),
])
def test_what_is_no_edge_is_told(old: bytes, new: bytes, message: str, tmp_path: Path) -> None:
    path = written(WEDDING, tmp_path / "g.nt")
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=message) as e:
        list(read_rdf(path, "N-Triples"))
    assert e.value.file == path


def test_a_statement_may_be_mended_by_hand(tmp_path: Path) -> None:
    path = written(WEDDING, tmp_path / "g.ttl", "Turtle")
    path.write_text(path.read_text("utf-8").replace("kg:headEnd 3", "kg:headEnd 33"), "utf-8")
    first, *rest = read_rdf(path, "Turtle")
    assert (first.head_end, rest) == (33, WEDDING[1:])


def test_other_graphs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "g.ttl").write_text("<urn:a> <urn:b> <urn:c> .", "utf-8")
    with pytest.raises(InputError, match="no graph of ours"):
        list(read_rdf(tmp_path / "g.ttl", "Turtle"))


def test_reading_asks_no_other_machine(tmp_path: Path) -> None:
    (tmp_path / "g.jsonld").write_text('{"@context": "http://127.0.0.1:9/context", "@id": "urn:a", "b": "c"}', "utf-8")
    with pytest.raises(InputError, match=r"not JSON-LD: .*remote contexts"):
        list(read_rdf(tmp_path / "g.jsonld", "JSON-LD"))


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written([edge()], tmp_path / "g.ttl", "Turtle")
    before = path.read_bytes()
    told = Telling.edge

    def breaks(self: Telling, found: Edge) -> Iterator[Any]:
        yield from told(self, found)
        if self.edges > 100:
            raise InputError("broken off")

    monkeypatch.setattr(Telling, "edge", breaks)
    with pytest.raises(InputError, match="broken off"):
        written(EDGES, path, "Turtle")
    assert path.read_bytes() == before
    assert not [p for p in tmp_path.iterdir() if "partial" in p.name]


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyoxigraph", None)
    with pytest.raises(MissingDependency, match=r"iepile\[graph\]"):
        written([edge()], tmp_path / "g.ttl", "Turtle")
