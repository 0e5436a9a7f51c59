"""PHEE: nested arguments, mentions in pieces, several events a record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Event, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/PHEE").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "phee.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


TEXT = "Severe rash of the arms and fever after oral amoxicillin and aspirin."


def node(*mentions: str, **nested: object) -> dict:
    """Mentions written with ` .. ` between their pieces."""
    words = [m.split(" .. ") for m in mentions]
    return {"text": words, "start": [[TEXT.index(w) for w in ws] for ws in words], "entity_id": ["T1"], **nested}


def event(**changes: object) -> dict:
    drugs = {"event_id": "E2", "event_type": "Combination", "Trigger": node("and"), "Drug": node("aspirin")}
    base = {"event_id": "E1", "event_type": "Adverse_event", "Trigger": node("after"), "Effect": node("rash", "fever"),
            "Treatment": node("oral amoxicillin", Drug=node("amoxicillin"), Route=node("oral"), Combination=[drugs])}
    return {**base, **changes}


def record(*events: dict) -> dict:
    return {"id": "5_1", "context": TEXT, "is_mult_event": len(events) > 1, "annotations": [{"events": list(events)}]}


def at(words: str) -> Span:
    return Span(words, TEXT.index(words), TEXT.index(words) + len(words))


def test_nested_arguments_get_dotted_roles(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, record(event()), options=ReadOptions(labels={"Treatment.Route": "route"}))
    roles = [("Effect", "rash"), ("Effect", "fever"), ("Treatment", "oral amoxicillin"),
             ("Treatment.Drug", "amoxicillin"), ("route", "oral"), ("Combination.Trigger", "and"),
             ("Combination.Drug", "aspirin")]
    assert doc.events == (Event("Adverse_event", at("after"), tuple(Argument(r, at(w)) for r, w in roles)),)
    assert (doc.id, doc.annotated, doc.meta) == ("5_1", ("event",), {})


def test_pieces_are_covered_and_kept(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, record(event(Effect=node("arms .. fever", "rash"), Treatment={})), options=options)
    assert [a.span for a in doc.events[0].arguments] == [at("arms and fever"), at("rash")]
    assert doc.meta == {"pieces": [[[19, 23], [28, 33]]]} and options.summary.repairs == {Repair.PIECES: 1}


def test_values_about_an_event_are_no_arguments(tmp_path: Path) -> None:
    severity, negated = node("Severe", value="high"), node("and", value=True)
    (doc,) = read(tmp_path, record(event(Severity=severity), event(), event(Negated=negated)))
    assert doc.meta == {"attributes": [{"severity": "high"}, {}, {"negated": True}]}
    assert {len(e.arguments) for e in doc.events} == {7}


def test_absent_empty_and_missing(tmp_path: Path) -> None:
    options = ReadOptions()
    odd = {"text": [["gone", "rash"], [""]], "start": [[3, 7], [0]]}
    doc, plain = read(tmp_path, record(event(Effect=odd, Treatment={}, Trigger=node("after", "and"))),
                      {"context": TEXT}, options=options)
    assert doc.events == (Event("Adverse_event", at("after"), (
        Argument("Trigger", at("and")), Argument("Effect", Span("gone rash")))),)
    assert plain.annotated == ()
    assert options.summary.repairs == {Repair.ABSENT: 1, Repair.EMPTY_MENTION: 1}


def test_a_wrong_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, record(event()), {"context": 3, "annotations": []})
    assert (info.value.line, info.value.field) == (2, "context")
    with pytest.raises(InputError, match="event_type") as info:
        read(tmp_path, record({"Trigger": node("after")}))
    assert (info.value.line, info.value.field) == (1, "event_type")


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "events", "mentions", "pieces"),
    [("train", 1500, 1553, 9448, 184), ("dev", 961, 1003, 6246, 124), ("test", 968, 1010, 6236, 116)],
)
def test_real_files(file: str, documents: int, events: int, mentions: int, pieces: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / f"data/PHEE/{file}.json", options=options))
    spans = [s for d in docs for s in d.facts.spans()]
    assert (len(docs), sum(len(d.events) for d in docs), len(spans)) == (documents, events, mentions)
    assert all(s.grounded for s in spans) and options.summary.repairs == {Repair.PIECES: pieces}


@needs_data
def test_damaged_real_data(tmp_path: Path) -> None:
    assert check_reader("phee", head_of(SHARED / "data/PHEE/dev.json"), tmp_path, n=100)["read"] > 0
