"""Boson: plain text with mentions in double braces, `{{type:mention}}`; a line is a document.

    此次{{location:南京}}个展，{{person_name:王芳}}将到场

The text is the line without the braces. Braces that do not pair stay in the text and are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity, Span

_MENTION = re.compile(r"\{\{([^{}:]+):([^{}]*)\}\}")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line that is not blank."""
    for _, line in options.lines(path):
        line = line.strip()
        if not line:
            continue
        text, last = "", 0
        entities = []
        for m in _MENTION.finditer(line):
            text += line[last : m.start()]
            last = m.end()
            if m[2]:
                entities.append(Entity(options.label(m[1]), Span(m[2], len(text), len(text) + len(m[2]))))
                text += m[2]
            else:
                options.summary.count(Repair.EMPTY_MENTION)
        text += line[last:]
        options.summary.count(Repair.TAGS, text.count("{{") + text.count("}}"))
        if text.strip():
            yield options.finish(Document(text, entities=tuple(entities), annotated=("entity",)))
        else:
            options.summary.count(Repair.NO_TEXT)


def sniff(sample: Sample) -> str | None:
    """Text with `{{type:mention}}`, which is not JSON."""
    if sample.head.lstrip().startswith(("{\"", "[")) or sample.row is not None:
        return None
    found = _MENTION.search(sample.head)
    return f"text with mentions in double braces, {found[1]!r} first" if found else None


FORMAT = Format(
    "boson", "Boson: text with mentions as {{type:mention}}", (".txt",), read, sniff,
    example="此次{{location:南京}}个展，{{person_name:王芳}}将到场\n",
)
