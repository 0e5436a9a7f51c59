"""EEQA: token spans with inclusive ends, counted from the start of the sentence in its document."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Event, Relation, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/PHEE").is_dir(), reason="the shared real data is not here"
)


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "eeqa.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


TOKENS = ["Ada", "Lovelace", "met", "Bob", "."]


def test_ends_are_inclusive_and_the_first_entry_is_the_trigger(tmp_path: Path) -> None:
    row = {"sentence": TOKENS, "s_start": 0, "ner": [], "relation": [], "id": 4,
           "event": [[[2, 2, "Meet"], [0, 1, "Host"]], [[2, "Meet"]]]}
    (doc,) = read(tmp_path, row, options=ReadOptions(labels={"Meet": "meeting"}))
    met = Span("met", 13, 16)
    assert doc.text == "Ada Lovelace met Bob ."
    host = Argument("Host", Span("Ada Lovelace", 0, 12))
    assert doc.events == (Event("meeting", met, (host,)), Event("meeting", met))
    assert (doc.id, doc.annotated) == ("4", ("event",))


def test_numbers_count_from_the_start_of_the_sentence(tmp_path: Path) -> None:
    row = {"sentence": TOKENS, "s_start": 100, "ner": [[100, 101, "PER"], [103, 103, "PER"]],
           "relation": [[100, 101, 103, 103, "knows"]], "event": [[[102, 102, "Meet"]]]}
    (doc,) = read(tmp_path, row)
    assert doc.relations == (Relation("knows", Span("Ada Lovelace", 0, 12), Span("Bob", 17, 20), "PER", "PER"),)
    assert [e.span.text for e in doc.entities] == ["Ada Lovelace", "Bob"]
    assert doc.annotated == ("entity", "relation", "event") and doc.events[0].trigger == Span("met", 13, 16)


def test_numbers_outside_the_sentence_and_empty_sentences(tmp_path: Path) -> None:
    options = ReadOptions()
    none = {"sentence": [], "s_start": 0, "event": []}
    with pytest.raises(InputError, match="no tokens 2 to 6") as info:
        read(tmp_path, none, {"sentence": TOKENS, "s_start": 0, "event": [[[2, 5, "Meet"]]]}, options=options)
    assert (info.value.line, info.value.field) == (2, "record")
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


@needs_data
def test_real_file(tmp_path: Path) -> None:
    path = SHARED / "data/PHEE/eeqa_test.json"
    options = ReadOptions()
    docs = list(read_documents(path, options=options))
    spans = [s for d in docs for s in d.facts.spans()]
    assert (len(docs), sum(len(d.events) for d in docs), len(spans)) == (150, 157, 905)
    assert guess_format(path)[0].name == "eeqa"
    assert all(s.grounded for s in spans) and not options.summary.repairs
    assert check_reader("eeqa", head_of(path), tmp_path, n=100)["read"] > 0
