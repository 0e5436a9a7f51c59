"""Every edge says where it comes from."""

from __future__ import annotations

import os
import re as re_
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.corpus.synthetic import generate
from iepile.errors import InputError
from iepile.graph.build import KgConfig, KgSummary, build
from iepile.graph.edge import Edge
from iepile.graph.forms.jsonl import read_edges
from iepile.graph.triples import SNIPPET
from iepile.instruction import Instruction
from iepile.jsonl import write_rows
from iepile.records import text_id
from iepile.unified import document_to_row

TEXT = "It rained. Ada wed Bob in Rome. They left."


def ner(**more: Any) -> dict[str, Any]:
    return {"id": "d1", "source": "s", "task": "NER", "instruction": Instruction("?", ["person"], TEXT).render(),
            "facts": {"entities": [{"type": "person", "span": {"text": "Ada", "start": 11, "end": 14},
                                    "confidence": 0.75}]}} | more


def re(**more: Any) -> dict[str, Any]:
    return {"id": "d1", "source": "s", "task": "RE", "instruction": Instruction("?", ["spouse"], TEXT).render(),
            "facts": {"relations": [{"type": "spouse", "head": {"text": "Ada", "start": 11, "end": 14},
                                     "tail": {"text": "Bob", "start": 19, "end": 22}}]}} | more


def ee(roles: list[str], events: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    ask = [{"event_type": "wedding", "trigger": True, "arguments": roles}]
    return {"id": "d1", "source": "s", "task": "EE", "instruction": Instruction("?", ask, TEXT).render(),
            "facts": {"events": events}} | more


def make(tmp_path: Path, *rows: dict[str, Any], **options: Any) -> tuple[list[Edge], KgSummary]:
    write_rows(tmp_path / "in.json", rows)
    config = KgConfig(str(tmp_path / "in.json"), str(tmp_path / "graph.jsonl"), **options)
    summary = build(config)
    return list(read_edges(config.output_file)), summary


def test_a_relation_has_a_trail(tmp_path: Path) -> None:
    edges, summary = make(tmp_path, re(), model="runs/x")
    assert edges == [Edge(
        head="Ada", relation="spouse", tail="Bob", kind="relation", head_start=11, head_end=14, tail_start=19,
        tail_end=22, document="d1", source="s", model="runs/x",
        instruction=sha256(re()["instruction"].encode()).hexdigest()[:16],
        snippet="Ada wed Bob in Rome.", snippet_start=11,
    )]
    assert TEXT[11:].startswith(edges[0].snippet or "?")
    assert (summary.rows, summary.documents, summary.edges, summary.kinds) == (1, 1, 1, {"relation": 1})


def test_entities_give_types_to_the_ends_of_relations(tmp_path: Path) -> None:
    edges, summary = make(tmp_path, re(), ner())
    assert edges[0].head_type == "person" and edges[0].tail_type is None
    assert edges[1].kind == "type" and (edges[1].relation, edges[1].tail, edges[1].confidence) == (
        "type", "person", 0.75)
    assert not edges[1].ungrounded and summary.documents == 1
    two = ner(facts={"entities": [{"type": t, "span": {"text": "Ada"}} for t in ("person", "ship")]})
    assert make(tmp_path, re(), two)[0][0].head_type is None


def test_events_are_nodes_with_participants(tmp_path: Path) -> None:
    wed = {"text": "wed", "start": 15, "end": 18}
    bride = {"role": "bride", "span": {"text": "Ada", "start": 11, "end": 14}}
    events = [{"type": "wedding", "trigger": wed, "arguments": [bride]},
              {"type": "wedding", "trigger": wed}, {"type": "wedding", "arguments": [bride]}]
    edges, summary = make(tmp_path, ee(["bride"], events), ner())
    assert [(e.head, e.relation, e.tail, e.event) for e in edges[:5]] == [
        ("wed", "type", "wedding", "s:d1:EE:1:0"), ("wed", "bride", "Ada", "s:d1:EE:1:0"),
        ("wed", "type", "wedding", "s:d1:EE:1:1"),
        ("wedding", "type", "wedding", "s:d1:EE:1:2"), ("wedding", "bride", "Ada", "s:d1:EE:1:2")]
    assert {e.head_type for e in edges[:5]} == {"wedding"} and edges[1].tail_type == "person"
    assert not any(e.ungrounded for e in edges) and summary.ungrounded == 0


def test_an_event_asked_in_parts_is_one(tmp_path: Path) -> None:
    def part(role: str, name: str) -> dict[str, Any]:
        return ee([role], [{"type": "wedding", "trigger": {"text": "wed"}, "arguments": [
            {"role": role, "span": {"text": name}}]}])

    edges, summary = make(tmp_path, part("bride", "Ada"), part("groom", "Bob"))
    assert [(e.relation, e.tail, e.event) for e in edges] == [
        ("type", "wedding", "s:d1:EE:1:0"), ("bride", "Ada", "s:d1:EE:1:0"), ("groom", "Bob", "s:d1:EE:1:0")]
    assert summary.rows == 2


def test_what_is_not_in_the_text_is_flagged(tmp_path: Path) -> None:
    facts = {"relations": [{"type": "spouse", "head": {"text": "Zoe"}, "tail": {"text": "Bob", "start": 19, "end": 22}},
                           {"type": "spouse", "head": {"text": "Zoe"}, "tail": {"text": "Max"}}]}
    edges, summary = make(tmp_path, re(facts=facts))
    assert [e.ungrounded for e in edges] == [True, True] and summary.ungrounded == 2
    assert edges[0].snippet == "Ada wed Bob in Rome." and edges[1].snippet is None


def test_answers_without_facts_are_read(tmp_path: Path) -> None:
    row = re(output='```{"spouse": [{"head": "Ada", "tail": "Bob"}]}```')
    del row["facts"]
    edges, summary = make(tmp_path, row, re(output="no", id=None) | {"facts": {}})
    assert (edges[0].head, edges[0].tail) == ("Ada", "Bob")
    assert not edges[0].ungrounded and edges[0].head_start == 11 and edges[0].snippet == "Ada wed Bob in Rome."
    assert summary.documents == 2
    del row["output"]
    with pytest.raises(InputError, match=r"in.json:1: neither `facts` nor `output`"):
        make(tmp_path, row)


def test_documents_make_a_graph_too(tmp_path: Path) -> None:
    documents = list(generate(30, "zh", seed=2))
    edges, summary = make(tmp_path, *map(document_to_row, documents))
    assert summary.documents == summary.rows == 30
    facts = sum(len(d.entities) + len(d.relations) + sum(1 + len(e.arguments) for e in d.events) for d in documents)
    assert summary.edges == len(edges) == facts
    texts = {d.key: d.text for d in documents}
    for e in edges:
        assert not e.ungrounded
        assert e.head_start is None or texts[e.document][e.head_start : e.head_end] == e.head
        assert e.tail_start is None or texts[e.document][e.tail_start : e.tail_end] == e.tail
        assert e.snippet is not None and e.snippet_start is not None
        assert texts[e.document][e.snippet_start :].startswith(e.snippet)


def test_a_document_without_id_is_known_by_its_text(tmp_path: Path) -> None:
    document = {"text": TEXT, "relation": [{"head": "Ada", "relation": "r", "tail": "Bob"}]}
    edges, _ = make(tmp_path, re(id=None), document)
    assert {e.document for e in edges} == {text_id(TEXT)}


def test_long_snippets_are_shortened(tmp_path: Path) -> None:
    text = "x" * 500 + "Ada" + "y" * 500 + "Bob" + "z" * 500
    relation = {"head": "Ada", "relation": "r", "tail": "Bob", "head_pos": [500, 503], "tail_pos": [1003, 1006]}
    (edge,), _ = make(tmp_path, {"text": text, "relation": [relation]})
    assert edge.snippet is not None and len(edge.snippet) <= SNIPPET and "Ada" in edge.snippet
    assert edge.snippet_start is not None and text[edge.snippet_start :].startswith(edge.snippet)
    (bare,), _ = make(tmp_path, {"text": text, "relation": [relation]}, snippets=False)
    assert bare.snippet is None


@pytest.mark.parametrize(("row", "message"), [
    ({"hello": 1}, "neither a prediction nor a document"),
    (ner(instruction="?"), "not an instruction"),
    (ner(task="NERD"), "unknown task"),
    (ner(facts={"entities": [{"kind": 1}]}), "not facts"),
    ({"text": "a", "entity": [{"entity": "a"}]}, "entity_type"),
])
def test_bad_rows_are_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    edges, summary = make(tmp_path, ner(), row, ner(id="d3"))
    assert [e.document for e in edges] == ["d1", "d3"] and summary.rows == 3
    assert summary.malformed == 1 and re_.search(f"in.json:2: .*{message}", summary.first_malformed[0])
    (tmp_path / "graph.jsonl").unlink()
    with pytest.raises(InputError, match=message) as e:
        make(tmp_path, row)  # nothing can be read at all
    assert e.value.line == 1 and [p.name for p in tmp_path.iterdir()] == ["in.json"]


def test_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--input_file"):
        build(KgConfig())
    with pytest.raises(InputError, match="ending tells no graph format"):
        build(KgConfig("in", str(tmp_path / "graph.rdf")))
    with pytest.raises(InputError, match="no graph format 'klingon'"):
        build(KgConfig("in", str(tmp_path / "graph.jsonl"), format="klingon"))


MENTION = st.sampled_from([{"text": "Ada", "start": 11, "end": 14}, {"text": "Bob"}, {"text": "\u0000", "start": 3}])
RELATIONS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["spouse", "r2"]), "head": MENTION,
                                            "tail": MENTION}), max_size=4)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RELATIONS, min_size=1, max_size=4))
def test_one_edge_a_relation(tmp_path: Path, rows: list[list[dict[str, Any]]]) -> None:
    edges, _ = make(tmp_path, *(re(id=str(n), facts={"relations": r}) for n, r in enumerate(rows)))
    assert [(e.document, e.relation, e.head, e.tail) for e in edges] == [
        (str(n), r["type"], r["head"]["text"], r["tail"]["text"]) for n, row in enumerate(rows) for r in row]


@pytest.mark.parametrize("ending", ["jsonl", "graphml"])
def test_the_same_bytes_for_every_hash_seed(tmp_path: Path, ending: str) -> None:
    write_rows(tmp_path / "in.json", map(document_to_row, generate(20, "en", seed=1)))
    code = "import sys; from iepile.graph.build import *; build(KgConfig(*sys.argv[1:]))"
    found = set()
    for seed in ("0", "5"):
        target = tmp_path / f"{seed}.{ending}"
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "in.json"), str(target)], check=True,
                       env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)})
        found.add(target.read_bytes())
    assert len(found) == 1


PLACES = [{"start": 0, "end": 10, "page": 1, "paragraph": 1}, {"start": 11, "end": 31, "page": 1, "paragraph": 2},
          {"start": 32, "end": 42, "page": 2, "paragraph": 1}]


def test_edges_say_on_which_page_and_in_which_paragraph_their_ends_stand(tmp_path: Path) -> None:
    far = re(meta={"places": PLACES})
    far["facts"]["relations"][0]["tail"] = {"text": "They", "start": 32, "end": 36}
    document = {"id": "d2", "text": TEXT, "meta": {"places": PLACES, "media": "application/pdf"},
                "entity": [{"entity": "Rome", "entity_type": "place"}, {"entity": "Oslo", "entity_type": "place"}]}
    edges, _ = make(tmp_path, ner(meta={"places": PLACES}), far, document, re(id="d3"), re(id="d4", meta={"places": 7}))
    assert [(e.document, e.place) for e in edges] == [
        ("d1", "page 1, paragraph 2"), ("d1", "page 1, paragraph 2 to page 2, paragraph 1"),
        ("d2", "page 1, paragraph 2"), ("d2", None), ("d3", None), ("d4", None)]
