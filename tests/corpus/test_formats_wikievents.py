"""WikiEvents and OneIE: documents or sentences, facts that point at entities by id."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Relation, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/WikiEvents").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "wiki.jsonl"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


TOKENS = ["U", ".", "S", ".", "agents", "met", "Bob"]
SENTENCES = [[[["U", 3, 4], [".", 4, 5], ["S", 5, 6], [".", 6, 7], ["agents", 8, 14]], "U.S. agents"],
             [[["met", 20, 23], ["Bob", 24, 27]], "met Bob"]]


def row(**changes: object) -> dict:
    entities = [{"id": "T1", "start": 0, "end": 5, "entity_type": "PER", "text": "U.S. agents"},
                {"id": "T2", "start": 6, "end": 7, "entity_type": "PER", "text": "Bobby"}]
    met = {"id": "E1", "event_type": "Meet", "trigger": {"start": 5, "end": 6, "text": "met"},
           "arguments": [{"entity_id": "T2", "role": "Guest"}, {"entity_id": "T9", "role": "Host"}]}
    return {"doc_id": "d1", "tokens": TOKENS, "sentences": SENTENCES, "entity_mentions": entities,
            "relation_mentions": [], "event_mentions": [met], **changes}


def test_the_text_is_that_of_the_sentences(tmp_path: Path) -> None:
    options = ReadOptions(labels={"Meet": "meeting"})
    (doc,) = read(tmp_path, row(), options=options)
    assert doc.text == "U.S. agents\nmet Bob"
    bob = Span("Bob", 16, 19)
    assert doc.entities == (Entity("PER", Span("U.S. agents", 0, 11)), Entity("PER", bob))
    assert doc.events == (Event("meeting", Span("met", 12, 15), (Argument("Guest", bob),)),)
    assert (doc.id, doc.annotated) == ("d1", ("entity", "event"))
    assert options.summary.repairs == {Repair.DANGLING: 1, Repair.DIFFERENT: 1}


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (ReadOptions(join=" "), SENTENCES),
        (ReadOptions(), [[SENTENCES[0][0], "U.S. spies"], SENTENCES[1]]),
        (ReadOptions(), []),
    ],
)
def test_else_the_tokens_are_joined(options: ReadOptions, sentences: list, tmp_path: Path) -> None:
    (doc,) = read(tmp_path, row(sentences=sentences), options=options)
    assert doc.text == "U . S . agents met Bob" and doc.entities[0].span == Span("U . S . agents", 0, 14)


def test_sentences_of_oneie_have_relations(tmp_path: Path) -> None:
    options = ReadOptions()
    ends = [{"entity_id": "T1", "role": "Arg-2"}, {"entity_id": "T2", "role": "Arg-1"}]
    relations = [{"relation_type": "KNOWS", "arguments": ends},
                 {"relation_type": "KNOWS", "arguments": [ends[0], {"entity_id": "T9", "role": "Arg-1"}]}]
    one, none = read(tmp_path, row(sent_id="d1-0", sentences=[], relation_mentions=relations, event_mentions=[]),
                     row(sentences=[], event_mentions=None), options=options)
    assert one.relations == (Relation("KNOWS", Span("Bob", 19, 22), Span("U . S . agents", 0, 14), "PER", "PER"),)
    assert (one.id, one.annotated) == ("d1-0", ("entity", "event", "relation"))
    assert none.annotated == ("entity", "relation")
    assert options.summary.repairs == {Repair.DANGLING: 1, Repair.DIFFERENT: 2}


def test_wrong_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no 'trigger'") as info:
        read(tmp_path, row(), row(event_mentions=[{"event_type": "Meet", "arguments": []}]))
    assert (info.value.line, info.value.field) == (2, "trigger")
    with pytest.raises(InputError, match="no tokens 6 to 9") as info:
        read(tmp_path, row(entity_mentions=[{"id": "T", "start": 6, "end": 9, "entity_type": "PER"}]))
    assert info.value.line == 1


@needs_data
@pytest.mark.parametrize(
    ("file", "entities", "events", "arguments"), [("dev", 2256, 345, 428), ("test", 2673, 365, 566)]
)
def test_real_files(file: str, entities: int, events: int, arguments: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / f"data/WikiEvents/{file}.jsonl", options=options))
    assert len(docs) == 20 and not options.summary.repairs
    assert sum(len(d.entities) for d in docs) == entities
    assert sum(len(d.events) for d in docs) == events
    assert sum(len(e.arguments) for d in docs for e in d.events) == arguments
    assert all(s.grounded for d in docs for s in d.facts.spans())
    assert {d.annotated for d in docs} == {("entity", "event")}
    assert any("U.S." in d.text for d in docs) and not any("U . S" in d.text for d in docs)


@needs_data
def test_damaged_real_data_and_other_files(tmp_path: Path) -> None:
    folder = SHARED / "data/WikiEvents"
    assert check_reader("wikievents", head_of(folder / "dev.jsonl", 2000), tmp_path, n=50)["read"] > 0
    for name in ("coref_dev.jsonlines", "event_role_KAIROS.json"):
        with pytest.raises(InputError, match="no format we know"):
            guess_format(folder / name)
