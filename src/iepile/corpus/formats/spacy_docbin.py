"""spaCy's DocBin, the binary `.spacy` files that its training reads; read through the spaCy library.

    DocBin(docs=[nlp("Ada met Bob.")]).to_disk("train.spacy")

Named entities and the spans of all span groups (overlapping ones of a span categoriser) become entities, each
once; offsets are spaCy's own. A document whose entities nobody set, and that has no group, is not annotated.
A folder is read as all `.spacy` files below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError, MissingDependency
from iepile.records import Document, Entity


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a spaCy `Doc`."""
    for file in options.files(path, ".spacy"):
        for doc in _docs(file):
            if not doc.text:
                options.summary.count(Repair.NO_TEXT)
                continue
            spans = [*doc.ents, *(span for name in sorted(doc.spans) for span in doc.spans[name])]
            entities = (Entity(options.label(s.label_), options.stretch(doc.text, [(s.start_char, s.end_char)]))
                        for s in spans)
            annotated = ("entity",) * (bool(doc.spans) or doc.has_annotation("ENT_IOB"))
            yield options.finish(Document(doc.text, entities=tuple(dict.fromkeys(entities)), annotated=annotated))


def _docs(file: Path) -> Iterator[Any]:
    try:
        from spacy.tokens import DocBin
        from spacy.vocab import Vocab
    except ImportError:
        raise MissingDependency("spacy", "formats", "reading .spacy files") from None
    try:
        yield from DocBin().from_disk(file).get_docs(Vocab())
    except FileNotFoundError:
        raise InputError("no such file", file=file, fix="check the path") from None
    except Exception as e:  # spaCy, its JSON, MessagePack and zlib each raise their own
        raise InputError(f"cannot be read as a DocBin ({type(e).__name__}: {e})", file=file,
                         expected="a file that DocBin.to_disk wrote", fix="write the file again") from e


def sniff(sample: Sample) -> str | None:
    """A file with the ending .spacy, or a folder that has one."""
    files = sample.names if sample.is_folder else [sample.path.name]
    return "it is a .spacy file" if any(name.endswith(".spacy") for name in files) else None


FORMAT = Format("spacy_docbin", "spaCy DocBin files", (".spacy",), read, sniff,
                example='DocBin(docs=[nlp("Ada met Bob.")]).to_disk("train.spacy")')
