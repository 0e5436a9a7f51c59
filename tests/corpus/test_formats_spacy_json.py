"""spaCy's JSON: pairs in an array or a line each, a tool's wrapper, the corpus of spaCy 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document, Entity, Span

PAIR = ["Ada met \"Bob\".", {"entities": [[0, 3, "PER"], [9, 12, "PER"]], "cats": {"x": 1.0}}]
ADA, BOB = Entity("PER", Span("Ada", 0, 3)), Entity("PER", Span("Bob", 9, 12))


def read(tmp_path: Path, text: str, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "train.json"
    path.write_text(text)
    return list(read_documents(path, options=options))


@pytest.mark.parametrize("text", [
    json.dumps([PAIR, ["None.", {"entities": []}], ["Not looked at.", {}]]),
    json.dumps([PAIR, ["None.", {"entities": []}], ["Not looked at.", {}]], indent=2),
    "\n".join(map(json.dumps, (PAIR, ["None.", {"entities": []}]))) + '\n\n["Not looked at.", {}]\n',
    json.dumps({"classes": ["PER"], "annotations": [PAIR, None, ["None.", {"entities": []}], ["Not looked at.", {}]]}),
])
def test_pairs_in_every_wrapping(text: str, tmp_path: Path) -> None:
    options = ReadOptions(labels={"PER": "person"})
    doc, none, plain = read(tmp_path, text, options)
    assert [(e.type, e.span) for e in doc.entities] == [("person", ADA.span), ("person", BOB.span)]
    assert [d.annotated for d in (doc, none, plain)] == [("entity",), ("entity",), ()]
    assert options.summary.format == "spacy_json"


def test_a_line_may_come_first_without_spans(tmp_path: Path) -> None:
    first, second = read(tmp_path, '["Not looked at.", {}]\n' + json.dumps(PAIR))
    assert (first.annotated, second.entities) == ((), (ADA, BOB))


def test_the_corpus_of_spacy_2(tmp_path: Path) -> None:
    def sentence(*tokens: tuple[str, str]) -> dict:
        return {"tokens": [{"id": n, "orth": orth, "ner": tag} for n, (orth, tag) in enumerate(tokens)], "brackets": []}

    sentences = [sentence(("Ada", "B-PER"), ("King", "L-PER"), ("left", "O")),
                 sentence(("Bob", "U-PER"), ("x", "I-ORG")), sentence(("Eve", "-")), sentence()]
    options = ReadOptions()
    docs = read(tmp_path, json.dumps([{"id": 3, "paragraphs": [{"raw": "...", "sentences": sentences}]}]), options)
    assert [(d.id, d.text, d.annotated) for d in docs] == [
        ("3-0", "Ada King left", ("entity",)), ("3-1", "Bob x", ("entity",)), ("3-2", "Eve", ())]
    assert docs[0].entities == (Entity("PER", Span("Ada King", 0, 8)),)
    assert options.summary.repairs[Repair.TAGS] > 0


def test_wrong_pairs_are_named(tmp_path: Path) -> None:
    for text, line in ((json.dumps([PAIR, ["Ada", {"entities": [[0, 9, "PER"]]}]]), 2),
                       (json.dumps(PAIR) + '\n["Ada", {"entities": [[0, 9, "PER"]]}]', 2),
                       (json.dumps(PAIR) + '\n["Ada", {"entities": 3}]', 2)):
        with pytest.raises(InputError) as info:
            read(tmp_path, text)
        assert (info.value.file, info.value.line) == (tmp_path / "train.json", line) and info.value.field
    options = ReadOptions()
    assert not read(tmp_path, '[["", {"entities": []}]]', options)
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


def test_other_arrays_are_not_claimed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[["Ada", "PER"]]')
    with pytest.raises(InputError, match="no format we know"):
        guess_format(path)
