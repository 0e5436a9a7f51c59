"""RAMS: token numbers of the document, ends inclusive, roles inside longer names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Event, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/RAMS").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "rams.jsonlines"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


SENTENCES = [["Ada", "Lovelace", "left", "."], ["Bob", "paid", "her", "."]]


def row(**changes: object) -> dict:
    return {"doc_key": "d1", "sentences": SENTENCES, "evt_triggers": [[5, 5, [["pay.refund", 0.2], ["pay.fee", 0.8]]]],
            "ent_spans": [[4, 4, [["evt089arg01giver", 1.0]]]],
            "gold_evt_links": [[[5, 5], [4, 4], "evt089arg01giver"], [[5, 5], [0, 1], "evt089arg12place2"]], **changes}


def test_arguments_across_sentences(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, row(), options=ReadOptions(labels={"giver": "payer"}))
    assert doc.text == "Ada Lovelace left . Bob paid her ."
    assert doc.events == (Event("pay.fee", Span("paid", 24, 28), (
        Argument("payer", Span("Bob", 20, 23)), Argument("place2", Span("Ada Lovelace", 0, 12)))),)
    assert (doc.id, doc.annotated, doc.entities) == ("d1", ("event",), ())


def test_links_to_nothing_and_events_without_arguments(tmp_path: Path) -> None:
    options = ReadOptions()
    lost, bare, empty = (row(gold_evt_links=[[[6, 6], [4, 4], "evt001arg01giver"]]), row(gold_evt_links=[]),
                         row(sentences=[[]]))
    first, second = read(tmp_path, lost, bare, empty, options=options)
    assert first.events == second.events == (Event("pay.fee", Span("paid", 24, 28)),)
    assert options.summary.repairs == {Repair.DANGLING: 1, Repair.NO_TEXT: 1}


def test_wrong_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tokens 7 to 10") as info:
        read(tmp_path, row(), row(gold_evt_links=[[[5, 5], [7, 9], "evt001arg01giver"]]))
    assert info.value.line == 2
    with pytest.raises(InputError) as info:
        read(tmp_path, row(evt_triggers=[[5, "5", []]]))
    assert info.value.field == "evt_triggers[0][1]"


@needs_data
@pytest.mark.parametrize(("file", "documents", "arguments", "bare"), [("dev", 924, 2188, 28), ("test", 500, 1166, 14)])
def test_real_files(file: str, documents: int, arguments: int, bare: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / f"data/RAMS/{file}.jsonlines", options=options))
    assert len(docs) == documents and all(len(d.events) == 1 for d in docs)
    assert sum(len(d.events[0].arguments) for d in docs) == arguments
    assert sum(not d.events[0].arguments for d in docs) == bare
    assert all(s.grounded for d in docs for s in d.facts.spans()) and not options.summary.repairs


@needs_data
def test_damaged_real_data(tmp_path: Path) -> None:
    path = SHARED / "data/RAMS/dev.jsonlines"
    assert guess_format(path)[0].name == "rams"
    assert check_reader("rams", head_of(path), tmp_path, n=100)["read"] > 0
