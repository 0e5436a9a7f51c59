"""SpERT: exclusive token ends, relations by number of entity; the same SciERC facts as in DyGIE's form."""

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
DATA = SHARED / "data/SciERC"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real data is not here")
ENTITIES = [{"type": "Loc", "start": 3, "end": 5}, {"type": "Peop", "start": 0, "end": 1}]
ROW = {"tokens": ["Ada", "lives", "in", "New", "York"], "entities": ENTITIES, "orig_id": 7,
       "relations": [{"type": "Live_In", "head": 1, "tail": 0}]}


def read(tmp_path: Path, rows: list[dict], options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(rows))
    return list(read_documents(path, options=options))


def test_entities_and_relations(tmp_path: Path) -> None:
    options = ReadOptions(labels={"Peop": "person"})
    (doc,) = read(tmp_path, [ROW], options)
    assert (doc.id, doc.text, doc.annotated) == ("7", "Ada lives in New York", ("entity", "relation"))
    assert [(e.type, e.span) for e in doc.entities] == [
        ("Loc", Span("New York", 13, 21)), ("person", Span("Ada", 0, 3))]
    (relation,) = doc.relations
    assert (relation.type, relation.head, relation.head_type, relation.tail.text, relation.tail_type) == (
        "Live_In", Span("Ada", 0, 3), "person", "New York", "Loc")


def test_missing_lists_and_tokens(tmp_path: Path) -> None:
    options = ReadOptions()
    rows = [{"tokens": ["a"], "entities": []}, {"tokens": ["a"]}, {"tokens": [], "entities": []}]
    first, second = read(tmp_path, rows, options)
    assert (first.annotated, second.annotated) == (("entity",), ())
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [({"relations": [{"type": "x", "head": 0, "tail": 2}]}, "record", "joins 0 and 2 of 2"),
     ({"relations": [{"type": "x", "head": -1, "tail": 0}]}, "record", "joins -1 and 0"),
     ({"entities": [{"type": "x", "start": 4, "end": 6}], "relations": []}, "record", "no tokens 4 to 6"),
     ({"entities": [{"type": "x", "start": "4", "end": 6}]}, "entities[0].start", "expected"),
     ({"tokens": "Ada"}, "tokens", "expected")],
)
def test_wrong_fields_are_named(tmp_path: Path, changes: dict, field: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as info:
        read(tmp_path, [ROW, {**ROW, **changes}])
    assert (info.value.file, info.value.line, info.value.field) == (tmp_path / "x.json", 2, field)


@needs_data
@pytest.mark.parametrize(
    ("file", "documents", "entities", "relations"),
    [("spert_train.json", 500, 1521, 895), ("spert_dev.json", 275, 811, 455), ("spert_test.json", 551, 1685, 974)],
)
def test_real_scierc(file: str, documents: int, entities: int, relations: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert options.summary.format == "spert" and not options.summary.repairs
    assert len(docs) == documents and sum(len(d.entities) for d in docs) == entities
    assert sum(len(d.relations) for d in docs) == relations
    assert all(s.grounded and d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans())


@needs_data
def test_both_forms_of_scierc_hold_the_same_facts() -> None:
    """Inclusive token numbers of the document and exclusive ones of the sentence; one form escapes brackets."""

    def plain(text: str) -> str:
        escapes = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}
        return " ".join(escapes.get(token, token) for token in text.split())

    def facts(file: str) -> list[list[tuple[str, str, str]]]:
        return [sorted((r.type.lower(), plain(r.head.text), plain(r.tail.text)) for r in d.relations)
                for d in read_documents(DATA / file)]

    both = facts("test.json")
    assert len(both) == 551 and both == facts("spert_test.json")


@needs_data
def test_damaged_real_file(tmp_path: Path) -> None:
    assert check_reader("spert", head_of(DATA / "spert_dev.json", 2000), tmp_path, n=100)["read"] > 0
