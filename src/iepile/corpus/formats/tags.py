"""From tags on tokens to mentions in a text; shared by the formats that tag tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Entity

TAG = re.compile(r"([BIMELSU])[-_](.+)")
"""A tag other than O: its mark and its label."""


def spans_of_tags(tags: Sequence[str], iob1: bool = False) -> tuple[list[tuple[str, int, int]], int]:
    """Mentions as (label, first token, one past the last token), and how many tags were ill-formed.

    `iob1`: an I may open a mention. Otherwise that, a mention cut off before its E or L, and an E or L
    that ends nothing are ill-formed.
    """
    spans: list[tuple[str, int, int]] = []
    ill = start = 0
    label = ""
    closes = any(tag[:1] in "MELSU" for tag in tags if tag[1:2] in ("-", "_"))
    parsed = [(m[1], m[2]) if (m := TAG.fullmatch(tag)) else ("O", "") for tag in tags]
    for n, (mark, kind) in enumerate([*parsed, ("O", "")]):
        goes_on = mark in "IMEL" and label == kind and label != ""
        if label and not goes_on:
            ill += closes
            spans.append((label, start, n))
            label = ""
        if mark == "O":
            continue
        if not goes_on:
            ill += mark in "IMEL" and not (iob1 and mark == "I")
            start = n
        label = kind
        if mark in "ELSU":
            spans.append((label, start, n + 1))
            label = ""
    return spans, ill


def tagged_document(
    words: TokenText, spans: Sequence[tuple[str, int, int]], options: ReadOptions
) -> Document:
    """A document of a token text with its mentions in characters."""
    entities = tuple(Entity(options.label(kind), words.span(first, past)) for kind, first, past in spans)
    return Document(words.text, language=words.language, entities=entities, annotated=("entity",))
