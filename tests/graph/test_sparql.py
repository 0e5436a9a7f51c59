"""SPARQL over a graph: what it finds, what it refuses, values that stay text, triples kept for next time."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.forms.made import EDGES, HOSTILE, edge, stored
from iepile.errors import InputError
from iepile.graph.build import KgConfig, build
from iepile.graph.forms.jsonl import write_edges
from iepile.graph.rdf import triple_store
from iepile.graph.sparql import check, sparql, sparql_file
from iepile.graph.store import Store

TRAIL = """
SELECT ?name ?tail ?sentence ?document {
  ?x rdfs:label ?name ; rel:spouse ?y . ?y rdfs:label ?tail .
  ?s rdf:subject ?x ; rdf:predicate rel:spouse ; rdf:object ?y ; kg:snippet ?sentence ;
     prov:wasDerivedFrom/dcterms:identifier ?document
}"""
WED = [
    edge(head_type="person", tail_type="person", confidence=0.5, snippet="Ada married Bob.", snippet_start=4),
    edge("Eve", tail="Dan", document="e", head_type="person", ungrounded=True, snippet="Eve and Dan"),
    edge("Ada", "born in", "London", document="e", head_type="person", tail_type="place"),
    edge("林小雨", "配偶", "王五", head_type="人物", tail_type="人物", document="三"),
]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(stored(tmp_path_factory.mktemp("graph") / "graph.db", WED))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few edges are many."""
    monkeypatch.setattr(triple_store, "LARGE", 3)
    monkeypatch.setattr(triple_store, "CHUNK", 20)


def asked(path: str | Path, query: str, values: Mapping[str, str] | None = None) -> tuple[tuple[str, ...], list[Any]]:
    with sparql(str(path), query, values) as answer:
        return answer.columns, list(answer.rows)


def test_select_gives_plain_values(graph: str) -> None:
    columns, rows = asked(graph, """
        SELECT ?o ?c ?u ?p ?missing { ?s kg:order ?o . OPTIONAL { ?s kg:confidence ?c } OPTIONAL { ?s kg:ungrounded ?u }
        ?s rdf:predicate ?p OPTIONAL { ?s kg:no ?missing } } ORDER BY ?o""")
    assert columns == ("o", "c", "u", "p", "missing")
    of = "urn:iepile:relation/"
    assert rows == [(0, 0.5, None, f"{of}spouse", None), (1, None, True, f"{of}spouse", None),
                    (2, None, None, f"{of}born_in", None), (3, None, None, f"{of}配偶", None)]


def test_the_sentence_behind_a_triple(graph: str) -> None:
    assert asked(graph, TRAIL, {"name": "Ada"}) == (
        ("name", "tail", "sentence", "document"), [("Ada", "Bob", "Ada married Bob.", "d")])
    assert len(asked(graph, TRAIL)[1]) == 2
    assert asked(graph, TRAIL, {"name": "Ada' } #"})[1] == []


def test_chinese_relations_are_written_as_they_are(graph: str) -> None:
    assert asked(graph, "SELECT ?y { ent:人物:林小雨 rel:配偶 ?y }") == (("y",), [("urn:iepile:entity/人物:王五",)])


def test_other_questions(graph: str) -> None:
    assert asked(graph, "ASK { ?x rel:born_in ent:place:London }") == (("answer",), [(True,)])
    assert asked(graph, "ASK { ?x rdfs:label ?name }", {"name": "nobody"}) == (("answer",), [(False,)])
    assert asked(graph, "CONSTRUCT { ?y rel:spouse ?x } WHERE { ?x rel:spouse ?y . ?x rdfs:label 'Ada' }") == (
        ("subject", "predicate", "object"),
        [("urn:iepile:entity/person:Bob", "urn:iepile:relation/spouse", "urn:iepile:entity/person:Ada")])
    described = asked(graph, "DESCRIBE ent:person:Ada")[1]
    assert ("urn:iepile:entity/person:Ada", "http://www.w3.org/2000/01/rdf-schema#label", "Ada") in described


@pytest.mark.parametrize("name", HOSTILE)
def test_values_stay_text(name: str, tmp_path: Path) -> None:
    path = stored(tmp_path / "g.db", [edge(name, tail="found"), edge(f"{name}x", tail="other")])
    query = "SELECT ?name ?t { ?x rdfs:label ?name ; rel:spouse/rdfs:label ?t }"
    assert asked(path, query, {"name": name}) == (("name", "t"), [(name, "found")])


@pytest.mark.parametrize("query", [
    "INSERT DATA { <urn:a> <urn:b> 1 }", "DELETE WHERE { ?s ?p ?o }", "# a\nPREFIX x: <urn:x>\nBASE <urn:y>\nCLEAR ALL",
    "LOAD <file:///etc/passwd>", "drop graph <urn:a>", "WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
])
def test_what_would_change_the_graph_is_refused(query: str, graph: str) -> None:
    with pytest.raises(InputError, match="would change the graph"):
        asked(graph, query)


def test_mistakes_are_told_with_their_place(graph: str) -> None:
    with pytest.raises(InputError, match=r"is no SPARQL: line 2, column 20, at '\?p }'") as e:
        asked(graph, "SELECT ?林小雨 # 林\nWHERE { ?林小雨 foo:x ?p }")
    assert "rel, role" in str(e.value)
    with pytest.raises(InputError, match=r"line 1, column 11, at the end\n(.*\n)*.*expected: .*\"\?\""):
        asked(graph, "SELECT ?x ")
    with pytest.raises(InputError, match=r"line 1, column 1, at the end"):
        asked(graph, "")
    with pytest.raises(InputError, match="has no \\?name"):
        asked(graph, "SELECT ?names { ?names ?p ?o }", {"name": "x"})
    with pytest.raises(InputError, match=r"does not select \?name"):
        asked(graph, "SELECT ?x { ?x rdfs:label ?name }", {"name": "x"})
    with pytest.raises(InputError, match="no such file"):
        asked("nowhere.db", "ASK { ?s ?p ?o }")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A machine that notes who asks it."""
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    thread.join()
    server.server_close()


SENT = [
    "SELECT * { SERVICE <URL> { ?s ?p ?o } }", "SELECT * { service silent <URL>{?s ?p ?o}}",
    "PREFIX x: <URL> SELECT * { SERVICESILENT x:a{ ?s ?p ?o } }", "PREFIX : <URL> SELECT * { SERVICE :{ ?s ?p ?o } }",
    "SELECT * { ?s ?p ?o FILTER(1<2)SERVICE#>\n<URL> { ?s ?p ?o } }",
    "SELECT * { ?s ?p ?o FILTER('\\\"' != \"#\") SERVICE # { \n <URL> # { \n { ?s ?p ?o } }",
    "BASE <URL> SELECT * { ?s ?p ?o OPTIONAL { SERVICE <a/b#c> { ?s ?p ?o } } }",
    "PREFIX x: <URL> SELECT * { { SELECT * { SERVICE x:\\#a%20 { ?s ?p ?o } } } }",
    "SELECT * { SERVICE <URL#\u00a0\u3000> { ?s ?p ?o } }",
    "PREFIX x: <URL> SELECT * { SERVICE x:\u1680 { ?s ?p ?o } }",
    "ASK { FILTER EXISTS { SERVICE<URL>{} } ?s ?p ?o }",
    "CONSTRUCT { ?s ?p ?o } WHERE { SERVICE <URL> { ?s ?p ?o } }",
]


@pytest.mark.parametrize("query", SENT)
def test_no_request_leaves(query: str, graph: str, elsewhere: tuple[str, list[str]]) -> None:
    url, heard = elsewhere
    heard.clear()
    query = query.replace("URL", url)
    with pytest.raises(InputError, match="asks another machine"):
        asked(graph, query)
    assert heard == []
    # Without us the request is made: the query is one.
    store = pyoxigraph.Store()
    store.add(pyoxigraph.Quad(*[pyoxigraph.NamedNode("urn:a")] * 3))
    with suppress(OSError):
        found = store.query(query)
        next(found) if not isinstance(found, pyoxigraph.QueryBoolean) else bool(found)
    assert len(heard) == 1


GAP = st.sampled_from(["", "", " ", "\n", "\t", "#\n", "# {\n", "#>\n", "#\"\r"])
PIECE = st.sampled_from(["SERVICE", "service", "SILENT", "<URL>", "x:", "x:a", "x:\\#", "?s", "$s", "{", "}",
                         "{ ?s ?p ?o }",
                         "?", "'", "\"", "<", ">", "1", ".", "\\", "'''", "(", ")", "FILTER(1<2)", "[]",
                         "VALUES ?s { <URL> }"])


@settings(max_examples=400)
@given(pieces=st.lists(st.tuples(GAP, PIECE), min_size=2, max_size=8), start=st.booleans())
def test_whatever_is_asked_no_request_leaves(pieces: list[tuple[str, str]], start: bool, graph: str,
                                             elsewhere: tuple[str, list[str]]) -> None:
    url, heard = elsewhere
    text = "".join(gap + piece for gap, piece in pieces)
    query = f"PREFIX x: <{url}> SELECT * {{ ?s ?p ?o {'SERVICE ' if start else '. '}{text} }}".replace("URL", url)
    heard.clear()
    try:
        check(query, {})
    except InputError:
        return
    store = pyoxigraph.Store()
    store.add(pyoxigraph.Quad(*[pyoxigraph.NamedNode(url)] * 3))
    with suppress(SyntaxError, RuntimeError, OSError):
        list(store.query(query))
    assert heard == []


def test_the_word_service_may_be_asked_for(graph: str) -> None:
    for query in ("SELECT ?service ?x { ?x rel:service ?service }", "SELECT * { ?x rel:service $service . }",
                  "SELECT ?customerService ?x { ?x rdfs:label 'customer service', ?customerService }",
                  "SELECT * { GRAPH ?service { ?s ?p ?o } FILTER(?o = '# service') }",
                  "SELECT * { VALUES ?service { 1 } }", "PREFIX service: <urn:service:> SELECT * { ?a service:b ?c }"):
        assert asked(graph, query)[1] in ([], [(1,)])


def test_any_form_can_be_asked(tmp_path: Path) -> None:
    write_edges(WED, tmp_path / "g.jsonl")
    for target in ("g.db", "g.ttl", "g.nq"):
        build(KgConfig(input_file=str(tmp_path / "g.jsonl"), output_file=str(tmp_path / target)))
    answers = [asked(tmp_path / name, TRAIL + " ORDER BY ?name") for name in ("g.jsonl", "g.db", "g.ttl", "g.nq")]
    assert len(answers[0][1]) == 2
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.usefixtures("small")
def test_triples_are_kept_until_the_graph_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path / "g.db", WED)
    place = tmp_path / "g.db.sparql"
    filled = []
    fill = triple_store._fill
    monkeypatch.setattr(triple_store, "_fill", lambda folder, store: (filled.append(folder), fill(folder, store)))
    first = asked(path, TRAIL)
    assert len(first[1]) == 2
    assert asked(path, TRAIL) == first
    assert len(filled) == 1
    kept = [p.name for p in place.iterdir()]
    assert len(kept) == 1
    write_edges([edge("Zoe", tail="Max", document="z", snippet="Zoe and Max")], tmp_path / "more.jsonl")
    build(KgConfig(input_file=str(tmp_path / "more.jsonl"), output_file=str(path)))
    assert len(asked(path, TRAIL)[1]) == 3
    assert len(filled) == 2
    assert [p.name for p in place.iterdir()] != kept and len(list(place.iterdir())) == 1
    # A merge changes names, not facts.
    with Store(path, write=True) as store:
        store.db.execute("UPDATE node SET name = 'Zoë' WHERE name = 'Zoe'")
    assert ("Zoë", "Max", "Zoe and Max", "z") in asked(path, TRAIL)[1]
    shutil.rmtree(place)
    assert len(asked(path, TRAIL)[1]) == 3


@pytest.mark.usefixtures("small")
def test_large_graphs_and_small_ones_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triple_store, "CHUNK", 3_000)
    edges = EDGES[::4]
    path = stored(tmp_path / "g.db", edges)
    query = "SELECT ?s ?p ?o { ?s ?p ?o } ORDER BY ?s ?p ?o"
    kept = asked(path, query)
    assert (tmp_path / "g.db.sparql").is_dir()
    write_edges(edges, tmp_path / "g.jsonl")
    assert asked(tmp_path / "g.jsonl", query) == kept
    assert not (tmp_path / "g.jsonl.sparql").exists()
    monkeypatch.setattr(triple_store, "LARGE", len(edges))
    assert asked(path, query) == kept
    assert len(kept[1]) > 10 * len(edges)


@pytest.mark.usefixtures("small")
def test_where_nothing_can_be_kept_the_answer_is_the_same(tmp_path: Path) -> None:
    path = stored(tmp_path / "g.db", WED)
    (tmp_path / "g.db.sparql").write_text("no folder", "utf-8")
    assert len(asked(path, TRAIL)[1]) == 2


@pytest.mark.usefixtures("small")
def test_a_making_that_was_broken_off_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path / "g.db", WED)

    def breaks(folder: Path, store: Store) -> None:
        (folder / "half").write_bytes(b"")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(triple_store, "_fill", breaks)
        asked(path, TRAIL)
    assert list((tmp_path / "g.db.sparql").iterdir()) == []
    left = tmp_path / "g.db.sparql" / "making-killed"
    left.mkdir()
    assert len(asked(path, TRAIL)[1]) == 2
    assert left.is_dir()  # it may be another process at work
    monkeypatch.setattr(triple_store, "ABANDONED", -1)
    with Store(path, write=True) as store:
        store.db.execute("UPDATE node SET name = 'Eva' WHERE name = 'Eve'")
    assert len(asked(path, TRAIL)[1]) == 2
    assert not left.exists()


def test_answers_in_the_formats_of_the_w3c(graph: str, tmp_path: Path) -> None:
    query = TRAIL + " ORDER BY ?name"
    sparql_file(graph, query, str(tmp_path / "a.srj"))
    found = json.loads((tmp_path / "a.srj").read_bytes())
    assert [b["tail"]["value"] for b in found["results"]["bindings"]] == ["Bob", "Dan"]
    sparql_file(graph, query, str(tmp_path / "a.csv"), {"name": "Ada"})
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as f:
        assert list(csv.reader(f)) == [["name", "tail", "sentence", "document"],
                                       ["Ada", "Bob", "Ada married Bob.", "d"]]
    for ending, form in ((".srj", "JSON"), (".srx", "XML"), (".tsv", "TSV")):
        sparql_file(graph, query, str(tmp_path / f"b{ending}"))
        back = pyoxigraph.parse_query_results(path=tmp_path / f"b{ending}", format=getattr(
            pyoxigraph.QueryResultsFormat, form))
        assert [row["tail"].value for row in back] == ["Bob", "Dan"]
    sparql_file(graph, "ASK { ?x rel:spouse ?y }", str(tmp_path / "a.srj"))
    assert json.loads((tmp_path / "a.srj").read_bytes())["boolean"] is True
    sparql_file(graph, "CONSTRUCT { ?x a ?t } { ?x a ?t }", str(tmp_path / "c.ttl"))
    assert len(list(pyoxigraph.parse(path=tmp_path / "c.ttl", format=pyoxigraph.RdfFormat.TURTLE))) > 10
    for query, name in ((TRAIL, "a.ttl"), ("DESCRIBE ent:person:Ada", "d.csv"), (TRAIL, "a.xlsx")):
        with pytest.raises(InputError, match=r"does not fit the query|tells no form"):
            sparql_file(graph, query, str(tmp_path / name))
        assert not (tmp_path / name).exists()
