"""Sentences that mark the two ends of a relation with <e1> and <e2>; shared by coae, kbp37 and semeval.

    1   "The <e1>engine</e1> of the <e2>car</e2> is new."
    Component-Whole(e1,e2)
    Comment: none

`read_marked` reads such blocks: number, tab and sentence; the label; a comment or none. A file of
sentences without labels is not annotated; the marked ends stay in `meta["head"]` and `meta["tail"]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Relation

_LABEL = re.compile(r"(.+)\((e[12]),(e[12])\)")
"""A label with its direction: the end named first is the head."""
_TAG = re.compile(r"(</?e[12]>)")
_OPENING = re.compile(r"\d+\t")


def read_marked(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a block; a line that starts with a number and a tab opens the next."""
    block: list[str] = []
    opened = 0
    for number, line in options.lines(path):
        if _OPENING.match(line) and block:
            options.place = (path, opened)
            yield options.finish(_block_document(block, options))
            block = []
        if line.strip():
            opened = opened if block else number
            block.append(line.strip())
    if block:
        options.place = (path, opened)
        yield options.finish(_block_document(block, options))


def _block_document(block: list[str], options: ReadOptions) -> Document:
    number, tab, sentence = block[0].partition("\t")
    labels = [line for line in block[1:] if not line.startswith("Comment")]
    if not tab or not number.isdecimal() or len(labels) > 1:
        raise ValueError("a record is: number, tab and sentence; a label; a comment or none")
    comment = next((line.partition(":")[2].strip() for line in block[1:] if line.startswith("Comment")), "")
    if len(sentence) > 1 and sentence[0] == sentence[-1] == '"':
        sentence = sentence[1:-1].strip()
    return marked_document(sentence, labels[0] if labels else None, options, number,
                           {"comment": comment} if comment else {})


def marked_document(
    sentence: str, label: str | None, options: ReadOptions, id: str | None = None, meta: dict[str, object] | None = None
) -> Document:
    """A document of a marked sentence; the relation is left out where an end is empty (EMPTY_MENTION).

    Raises:
        ValueError: the marks are not one <e1>...</e1> and one <e2>...</e2>.
    """
    text, places = _without_marks(sentence)
    ends = {name: options.stretch(text, [place]) for name, place in places.items() if place[0] < place[1]}
    options.summary.count(Repair.EMPTY_MENTION, 2 - len(ends))
    if label is None:
        pair = {key: ends[name].offsets for key, name in (("head", "e1"), ("tail", "e2")) if name in ends}
        return Document(text, id, meta={**(meta or {}), **{key: list(place or ()) for key, place in pair.items()}})
    name, head, tail = m.groups() if (m := _LABEL.fullmatch(label)) else (label, "e1", "e2")
    if head == tail:
        raise ValueError(f"the label {label!r} joins {head} and {tail}")
    found = (Relation(options.label(name), ends[head], ends[tail]),) if len(ends) == 2 else ()
    return Document(text, id, relations=found, annotated=("relation",), meta=meta or {})


def _without_marks(sentence: str) -> tuple[str, dict[str, tuple[int, int]]]:
    """The text, and where e1 and e2 stand in it; blanks that meet at a mark become one, outside the mention."""
    parts = _TAG.split(sentence)
    if sorted(parts[1::2]) != ["</e1>", "</e2>", "<e1>", "<e2>"]:
        raise ValueError("the sentence must mark one <e1>...</e1> and one <e2>...</e2>")
    text, starts = "", {}
    places: dict[str, tuple[int, int]] = {}
    for part in parts:
        if not _TAG.fullmatch(part):
            text += part.lstrip() if not text or text[-1].isspace() else part
        elif part[1] != "/":
            starts[part[1:3]] = len(text)
        else:
            name, start, end = part[2:4], starts.get(part[2:4], len(text) + 1), len(text.rstrip())
            if start > len(text):
                raise ValueError(f"</{name}> comes before <{name}>")
            inner = text[start:end]
            places[name] = (start + len(inner) - len(inner.lstrip()), end)
    return text.rstrip(), places
