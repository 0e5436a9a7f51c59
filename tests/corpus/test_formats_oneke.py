"""OneKE: three kinds of lists, no offsets, "NAN" for no argument."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data/IEPILE_slices_OneKE"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
TEXT = "Ada Bird moved from Rome to Pisa , then from Pisa to Bari ."


def read(tmp_path: Path, rows: object, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(rows))
    return list(read_documents(path, options=options))


def test_entities_and_relations(tmp_path: Path) -> None:
    options = ReadOptions(labels={"person": "human"})
    rows = [
        {"sentence": TEXT, "entity_list": [{"name": "Ada Bird", "type": "person"}, {"name": "", "type": "city"}]},
        {"sentence": TEXT, "relation_list": [{"head": "Ada Bird", "tail": "Pisa", "relation": "lived"}]},
    ]
    first, second = read(tmp_path, rows, options)
    assert [(e.type, e.span) for e in first.entities] == [("human", Span("Ada Bird", 0, 8))]
    assert [(r.type, r.head, r.tail) for r in second.relations] == [("lived", Span("Ada Bird", 0, 8), Span("Pisa"))]
    assert (first.annotated, second.annotated) == (("entity",), ("relation",))
    assert options.summary.repairs == {Repair.AMBIGUOUS: 1, Repair.EMPTY_MENTION: 1}


def test_events(tmp_path: Path) -> None:
    arguments = {"who": "Ada Bird", "when": "NAN", "where": ["Rome", "Bari"]}
    events = [{"event_type": "move", "event_trigger": "moved", "event_argument": arguments},
              {"event_type": "stay", "event_trigger": ""}]
    (doc,) = read(tmp_path, [{"sentence": TEXT, "event_list": events}])
    move, stay = doc.events
    assert (move.type, move.trigger) == ("move", Span("moved", 9, 14)) and stay.trigger is None
    arguments_read = [(a.role, a.span.text) for a in move.arguments]
    assert arguments_read == [("who", "Ada Bird"), ("where", "Rome"), ("where", "Bari")]
    assert doc.annotated == ("event",)


def test_wrong_fields_are_named(tmp_path: Path) -> None:
    rows = [{"sentence": TEXT, "entity_list": [{"name": "Ada", "type": "x"}, {"name": "Ada"}]}]
    with pytest.raises(InputError, match="type") as info:
        read(tmp_path, rows)
    assert (info.value.line, info.value.field) == (1, "entity_list[1]")


@needs_data
def test_real_entities() -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / "oneke_CrossNER_ai_test.json", options=options))
    spans = [s for d in docs for s in d.facts.spans()]
    assert (options.summary.format, len(docs), len(spans)) == ("oneke", 430, 1782)
    assert sum(s.grounded for s in spans) == 1727 and options.summary.repairs == {Repair.AMBIGUOUS: 55}
    assert len({e.type for d in docs for e in d.entities}) == 14
    assert all(d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans() if s.grounded)


@needs_data
def test_real_relations() -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / "oneke_NYT11_test.json", options=options))
    spans = [s for d in docs for s in d.facts.spans()]
    assert (len(docs), len(spans), sum(s.grounded for s in spans)) == (362, 726, 695)
    assert options.summary.repairs == {Repair.AMBIGUOUS: 31}


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("oneke", head_of(DATA / "oneke_NYT11_test.json", 2000), tmp_path, n=100)["read"] > 0
