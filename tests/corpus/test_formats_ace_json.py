"""ACE-style JSON: golden lists of token spans whose wording may differ from the tokens."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/CrudeOilNews").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "ace.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


WORDS = ["Oil", "prices", "fell", "by", "a", "half-dollar", "."]


def row(**changes: object) -> dict:
    fall = {"event_type": "Fall", "polarity": "Positive", "modality": "Asserted",
            "trigger": {"text": "fell", "start": 2, "end": 3},
            "arguments": [{"role": "Item", "text": "Oil prices", "start": 0, "end": 2, "entity-type": "Good"}]}
    return {"sentence_id": "s1", "words": WORDS, "golden-event-mentions": [fall],
            "golden-entity-mentions": [{"text": "Oil prices", "entity-type": "Good", "start": 0, "end": 2}], **changes}


def test_entities_and_events(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, row(), options=ReadOptions(labels={"Good": "good"}))
    oil = Span("Oil prices", 0, 10)
    assert doc.entities == (Entity("good", oil),)
    assert doc.events == (Event("Fall", Span("fell", 11, 15), (Argument("Item", oil),)),)
    assert (doc.id, doc.annotated) == ("s1", ("entity", "event"))
    assert doc.meta == {"attributes": [{"polarity": "Positive", "modality": "Asserted"}]}


def test_other_wording_and_parts_of_tokens(tmp_path: Path) -> None:
    options = ReadOptions()
    mentions = [{"text": text, "entity-type": "Good", "start": s, "end": e}
                for text, s, e in (("oilprices", 0, 2), ("Oilprices", 0, 2), ("dollar", 5, 5))]
    (doc,) = read(tmp_path, row(**{"golden-entity-mentions": mentions, "golden-event-mentions": []}), options=options)
    oil = Span("Oil prices", 0, 10)
    assert [e.span for e in doc.entities] == [oil, oil, Span("dollar", 26, 32)]
    assert options.summary.repairs == {Repair.DIFFERENT: 1, Repair.MOVED: 1}


def test_a_list_that_is_missing_was_not_annotated(tmp_path: Path) -> None:
    only_entities = row()
    del only_entities["golden-event-mentions"]
    doc, plain = read(tmp_path, only_entities, {"words": WORDS})
    assert (doc.annotated, plain.annotated) == (("entity",), ())


def test_wrong_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tokens 0 to 9") as info:
        read(tmp_path, row(), row(**{"golden-entity-mentions": [{"entity-type": "x", "start": 0, "end": 9}]}))
    assert info.value.line == 2
    with pytest.raises(InputError, match="entity-type") as info:
        read(tmp_path, row(**{"golden-entity-mentions": [{"start": 0, "end": 9}]}))
    assert info.value.field == "golden-entity-mentions[0]"


@needs_data
def test_real_file(tmp_path: Path) -> None:
    path = SHARED / "data/CrudeOilNews/event_extraction_test.json"
    options = ReadOptions()
    docs = list(read_documents(path, options=options))
    assert (len(docs), options.summary.format) == (311, "ace_json")
    assert sum(len(d.entities) for d in docs) == 1378
    assert sum(len(d.events) for d in docs) == 596
    assert sum(len(e.arguments) for d in docs for e in d.events) == 1188
    assert all(s.grounded for d in docs for s in d.facts.spans())
    assert options.summary.repairs == {Repair.DIFFERENT: 55, Repair.MOVED: 1}
    assert guess_format(path)[0].name == "ace_json"
    assert check_reader("ace_json", head_of(path), tmp_path, n=100)["read"] > 0
