"""Reading made-up and real raw data in tests."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from iepile.corpus.formats.format import get_format, read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.errors import InputError
from iepile.records import Document

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))


def read_text(folder: Path, name: str, content: str, options: ReadOptions | None = None) -> list[Document]:
    """Write the content as a file of the format and read it."""
    path = folder / f"data{get_format(name).extensions[0]}"
    path.write_text(content, encoding="utf-8")
    return list(read_documents(path, name, options))


def read_rows(folder: Path, name: str, *rows: object, options: ReadOptions | None = None) -> list[Document]:
    """Write the records as JSON lines and read them."""
    return read_text(folder, name, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), options)


def refused(folder: Path, name: str, content: str | Sequence[object]) -> InputError:
    """The error of a file (or of JSON records) that cannot be read."""
    with pytest.raises(InputError) as info:
        if isinstance(content, str):
            read_text(folder, name, content)
        else:
            read_rows(folder, name, *content)
    return info.value


def read_real(file: str, name: str) -> tuple[list[Document], Counter[str]]:
    """The documents of a file in the shared data, guessed to be of the format, and the repairs by name."""
    path = SHARED / "data" / file
    if not path.exists():
        pytest.skip("the shared real data is not here")
    options = ReadOptions()
    docs = list(read_documents(path, options=options))
    assert (options.summary.format, options.summary.documents) == (name, len(docs))
    assert all(doc.text[s.start : s.end] == s.text for doc in docs for s in doc.facts.spans() if s.grounded)
    return docs, Counter({repair.name: n for repair, n in options.summary.repairs.items() if n})


def entities(doc: Document) -> list[tuple[str, str, tuple[int, int] | None]]:
    """(type, mention, place) of the entities."""
    return [(e.type, e.span.text, e.span.offsets) for e in doc.entities]
