"""What a server answered under a grammar is checked again: servers ignore grammars, cut answers, and add blanks."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from iepile.extraction.confidence import string_logprobs
from iepile.extraction.grammar import complete
from iepile.extraction.server.hollow import without_empty
from iepile.extraction.server.question import Question
from iepile.extraction.server.reply import Reply
from iepile.jsonl import dumps
from iepile.tasks.shape import quoted

_STRING = re.compile(r'("(?:[^"\\]|\\.)*")', re.S)


class Checked(NamedTuple):
    """An answer, and how it keeps to the form."""

    text: str
    whole: bool
    """A valid answer, as it came but for blanks and empty mentions."""
    closed: bool = False
    """The beginning of a valid answer, closed at its last whole value."""


def check(question: Question, written: str, verbatim: bool = True) -> Checked:
    """Hold an answer against the shape that was asked for.

    Args:
        verbatim: whether a mention that is not in the text makes an answer unfit.
    """
    assert question.shape is not None
    text = written.strip()
    even = _even(text)
    for candidate in (text, even, _plain(text), *without_empty(even), *without_empty(_unbroken(even))):
        if candidate and complete(question.shape, candidate, ended=True) == candidate and (
            not verbatim or _verbatim(question, candidate)
        ):
            return Checked(candidate, True)
    for begun in (text, even):
        closed = complete(question.shape, begun) if begun else None
        if closed is not None and (not verbatim or _verbatim(question, closed)):
            return Checked(closed, False, True)
    return Checked(text, False)


def _even(text: str) -> str:
    """The same, whole or cut, with blanks where our JSON has them."""
    pieces = _STRING.split(text)
    return "".join(p if n % 2 else _between(p) for n, p in enumerate(pieces))


def _between(piece: str) -> str:
    before, quote, begun = piece.partition('"')  # a string that was cut keeps its blanks
    return re.sub(r"\s+", "", before).replace(",", ", ").replace(":", ": ") + quote + begun


def _plain(text: str) -> str:
    """The same JSON with characters in place of escapes; empty where it is none."""
    try:
        return dumps(json.loads(text))
    except (ValueError, RecursionError):
        return ""


def _unbroken(text: str) -> str:
    """Empty strings for those with half characters: llama.cpp's grammars let some through."""
    return "".join('""' if n % 2 and "\ufffd" in piece else piece for n, piece in enumerate(_STRING.split(text)))


def _verbatim(question: Question, text: str) -> bool:
    """Whether every mention is in the text, or was told in the question (triggers of EEA)."""
    if "\ufffd" in text and "\ufffd" not in question.request.instruction:
        return False
    if question.request.values or question.task is None:
        return True
    spans = question.task.parse(text, question.items).facts.spans()
    return all(s.text in question.source or quoted(s.text)[1:-1] in question.request.instruction for s in spans)


def logprobs_of(checked: Checked, reply: Reply) -> tuple[float | None, tuple[float, ...] | None]:
    """Log-probability of an answer and of its JSON strings; None where the server does not tell.

    Strings that were put in to close a cut answer have none of their own: 0.
    """
    if not reply.pieces:
        return None, None
    whole = sum(reply.logprobs)
    written = reply.text.strip()
    told = b"".join(reply.pieces)
    begin = told.find(written.encode("utf-8", "surrogatepass"))
    if begin < 0 or (checked.text != written and not checked.closed):
        return whole, None
    shared = next((n for n, (a, b) in enumerate(zip(written, checked.text, strict=False)) if a != b),
                  min(len(written), len(checked.text)))
    ends: list[int] = []
    at = 0
    for piece in reply.pieces:
        at += len(piece)
        # A character that several tokens write is there with the last of them.
        end = len(told[begin:at].decode("utf-8", "ignore")) if at > begin else 0
        ends.append(min(end, shared))
        if end >= shared:
            break
    return whole, string_logprobs(checked.text, ends, reply.logprobs[: len(ends)])
