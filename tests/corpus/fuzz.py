"""Damaged files for the readers of raw formats: whatever a file holds, it is read or refused with its place.

    check_reader("bmes", b"Ada B-PER\\nmet O\\n", tmp_path)

`mutations` damages a valid file; the same seed gives the same files. `check_reader` reads each of them to
the end. Allowed is

* success: every grounded span is verbatim, no mention is empty, and the unified record of every document
  reads back;
* an `InputError` that names the file, with a line and a field unless the file as a whole cannot be read.

A format whose data is no single text file has a `Builder` in BUILDERS: the bytes to damage, and how a file
or folder is made of them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus.damage import mutations
from iepile.corpus.formats.format import get_format, read_documents
from iepile.errors import InputError
from iepile.records import Document
from iepile.unified import document_from_row, document_to_row

__all__ = ["BUILDERS", "Builder", "check_document", "check_error", "check_reader", "head_of", "mutations", "seed_data"]

WHOLE_FILE = re.compile(r"empty|not JSON|not UTF-8|cannot be read|the folder has|is a folder")
"""Problems of a file as a whole, which has no line to name."""


@dataclass(frozen=True)
class Builder:
    """How to damage a format that is a folder, or binary."""

    seed: Callable[[], bytes]
    """Valid data."""
    place: Callable[[bytes, Path], Path]
    """Writes (damaged) data into an empty folder; returns the path to read."""
    lines: bool = True
    """False: the data has no lines, so an error need not name one."""


def _brat_folder(data: bytes, folder: Path) -> Path:
    """The text, a blank line and its annotations as one document of a brat folder."""
    text, blank, annotations = data.rpartition(b"\n\n")
    (folder / "doc.txt").write_bytes(text if blank else data)
    (folder / "doc.ann").write_bytes(annotations if blank else b"")
    return folder


def _ipre_folder(data: bytes, folder: Path) -> Path:
    """The sentences, a blank line and their labels as the two files of an IPRE folder."""
    sentences, blank, labels = data.rpartition(b"\n\n")
    (folder / "sent_dev.txt").write_bytes(sentences if blank else data)
    (folder / "sent_relation_dev.txt").write_bytes(labels if blank else b"")
    return folder


def _docbin() -> bytes:
    """A DocBin of one text with an entity, as spaCy writes it."""
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
    doc = spacy.blank("en").make_doc("Ada met Bob.")
    doc.set_ents([doc.char_span(0, 3, "PER")])
    data: bytes = spacy.tokens.DocBin(docs=[doc]).to_bytes()
    return data


def _docbin_file(data: bytes, folder: Path) -> Path:
    path = folder / "docs.spacy"
    path.write_bytes(data)
    return path


BUILDERS: dict[str, Builder] = {
    "brat": Builder(lambda: get_format("brat").example.encode(), _brat_folder),
    "ipre": Builder(lambda: get_format("ipre").example.encode(), _ipre_folder),
    "spacy_docbin": Builder(_docbin, _docbin_file, lines=False),
}


def seed_data(format_name: str) -> bytes:
    """Valid data of a format: what its builder gives, else its example."""
    builder = BUILDERS.get(format_name)
    return builder.seed() if builder else get_format(format_name).example.encode()


def head_of(path: Path, size: int = 6000) -> bytes:
    """The first lines of a file, or the first records of a JSON array, at most about `size` bytes (never none)."""
    data = path.read_bytes()
    if data.lstrip()[:1] == b"[":
        kept: list[bytes] = []
        for record in json.loads(data):
            kept.append(json.dumps(record, ensure_ascii=False).encode())
            if sum(map(len, kept)) > size:
                break
        return b"[" + b",\n".join(kept) + b"]"
    end = data.find(b"\n", size)
    return data if end < 0 else data[: end + 1]


def check_reader(format_name: str, data: bytes, tmp_path: Path, n: int = 200, seed: int = 0) -> dict[str, int]:
    """Read `n` damaged forms of `data`; returns how many could be read and how many were refused.

    Raises:
        AssertionError: one of them does anything else; it is left in `tmp_path` to look at.
    """
    builder = BUILDERS.get(format_name)
    folder = tmp_path / f"fuzz-{format_name}"
    outcomes = {"read": 0, "refused": 0}
    for number, mutated in enumerate(mutations(data, n, seed)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if builder is not None:
            path = builder.place(mutated, folder)
        else:
            path = folder / f"data{get_format(format_name).extensions[0]}"
            path.write_bytes(mutated)
        what = f"{format_name}: mutation {number} of seed {seed}, left in {path}"
        try:
            for doc in read_documents(path, format_name):
                check_document(doc, what)
            outcomes["read"] += 1
        except InputError as e:
            check_error(e, path, what, builder is None or builder.lines)
            outcomes["refused"] += 1
        except AssertionError:
            raise
        except BaseException as e:
            raise AssertionError(f"{what}: {type(e).__name__}: {e}") from e
    return outcomes


def check_document(doc: Document, what: str) -> None:
    """Assert that the document keeps what every reader promises."""
    for span in doc.facts.spans():
        assert span.text, f"{what}: an empty mention"
        if span.start is not None or span.end is not None:
            assert span.grounded, f"{what}: {span} has half a place"
            assert span.start is not None and span.start >= 0, f"{what}: {span} starts before the text"
            assert doc.text[span.start : span.end] == span.text, f"{what}: {span} is not in the text"
    try:
        again = document_from_row(json.loads(json.dumps(document_to_row(doc))))
    except InputError as e:
        raise AssertionError(f"{what}: the unified record does not read back: {e}") from None
    assert again.facts == doc.facts, f"{what}: the unified record reads back otherwise"


def check_error(error: InputError, path: Path, what: str, lines: bool = True) -> None:
    """Assert that the message names the place."""
    assert error.file is not None, f"{what}: names no file: {error}"
    assert Path(error.file) == path or path in Path(error.file).parents, f"{what}: names another file: {error}"
    if lines and not (error.line is None and WHOLE_FILE.search(error.problem)):
        assert error.line is not None and error.line > 0, f"{what}: names no line: {error}"
        assert error.field, f"{what}: names no field: {error}"
