"""DocBin files written by spaCy itself."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError, MissingDependency
from iepile.records import Entity, Span

spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
TEXT = "Ada King met Bob."


def write(path: Path, *texts: str, ents: bool = True, groups: bool = False) -> Path:
    from spacy.tokens import DocBin

    nlp = spacy.blank("en")
    docs = DocBin()
    for text in texts:
        doc = nlp.make_doc(text)
        if ents:
            doc.set_ents([s for s in (doc.char_span(0, 8, "PER"), doc.char_span(13, 16, "PER")) if s is not None])
        if groups:
            doc.spans["sc"] = [doc.char_span(0, 3, "GIVEN"), doc.char_span(0, 8, "PER")]
        docs.add(doc)
    docs.to_disk(path)
    return path


def test_entities_and_span_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "train.spacy", TEXT, groups=True)
    options = ReadOptions(labels={"PER": "person"})
    (doc,) = read_documents(path, options=options)
    king, bob = Entity("person", Span("Ada King", 0, 8)), Entity("person", Span("Bob", 13, 16))
    assert doc.entities == (king, bob, Entity("GIVEN", Span("Ada", 0, 3)))
    assert (doc.text, doc.annotated, options.summary.format) == (TEXT, ("entity",), "spacy_docbin")


def test_what_nobody_annotated_and_what_has_no_text(tmp_path: Path) -> None:
    write(tmp_path / "b.spacy", TEXT, "", ents=False)
    write(tmp_path / "a.spacy", "None here.", TEXT)
    options = ReadOptions()
    docs = list(read_documents(tmp_path, options=options))
    assert [(d.text, d.annotated, len(d.entities)) for d in docs] == [
        ("None here.", ("entity",), 0), (TEXT, ("entity",), 2), (TEXT, (), 0)]
    assert options.summary.repairs == {Repair.NO_TEXT: 1}
    assert guess_format(tmp_path)[0].name == "spacy_docbin"


def test_damaged_files_name_the_file(tmp_path: Path) -> None:
    data = write(tmp_path / "a.spacy", TEXT, TEXT).read_bytes()
    draw = random.Random(0)
    refused = 0
    for n in range(60):
        damaged = bytearray(data)
        damaged[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path = tmp_path / "damaged.spacy"
        path.write_bytes(damaged if n % 2 else damaged[: draw.randrange(len(data))])
        try:
            list(read_documents(path, "spacy_docbin"))
        except InputError as e:
            refused += 1
            assert e.file == path and e.expected and e.fix
    assert refused > 40
    with pytest.raises(InputError, match="no such file"):
        list(read_documents(tmp_path / "none.spacy", "spacy_docbin"))


def test_without_spacy_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.spacy", TEXT)
    monkeypatch.setitem(sys.modules, "spacy.tokens", None)
    with pytest.raises(MissingDependency, match=r"iepile\[formats\]"):
        list(read_documents(path))
