"""What tokens wrote: the text of an answer, where in it each token ends, and how likely its strings were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iepile.extraction.confidence import string_logprobs, strings_of
from iepile.extraction.constrained import TokenGrammar

_HALF = "\ufffd"
"""What tokenizers write for a character of which bytes are missing."""


def text_and_ends(tokens: list[int], grammar: TokenGrammar | None, tokenizer: Any) -> tuple[str, list[int] | None]:
    """The text of an answer, and the characters of it that are whole after each token.

    Args:
        grammar: what the answer was held to, if it was.

    Returns:
        No ends where they cannot be told: the tokenizer writes tokens otherwise when they stand together.
    """
    if grammar is not None:
        return grammar.text(tokens), grammar.ends(tokens)
    whole = tokenizer.decode(tokens, skip_special_tokens=True)
    text = whole.strip()
    ends = _ends(tokens, tokenizer, whole)
    blank = len(whole) - len(whole.lstrip())
    return text, None if ends is None else [min(max(0, n - blank), len(text)) for n in ends]


def string_logprobs_of(
    text: str, written: str, ends: Sequence[int] | None, logprobs: Sequence[float]
) -> tuple[float, ...] | None:
    """Log-probability of each JSON string of an answer; 0 for those that closing it added.

    Args:
        text: the answer.
        written: what the tokens wrote; more or less than the answer where it was cut and closed.
        ends: see `text_and_ends`.
        logprobs: of each token.
    """
    if ends is None:
        return None
    same = next((n for n, (a, b) in enumerate(zip(text, written, strict=False)) if a != b),
                min(len(text), len(written)))
    kept = [min(n, same) for n, begun in zip(ends, [0, *ends], strict=False) if begun < same]
    said = string_logprobs(text, kept, logprobs)
    # A string that closing added may begin with the token that ended the last one.
    return tuple(p if start < same else 0.0 for p, (start, _) in zip(said, strings_of(text), strict=True))


def _ends(tokens: list[int], tokenizer: Any, whole: str) -> list[int] | None:
    """Ends of tokens, by decoding them a few at a time: what was decoded last says how the next one is written."""
    ends: list[int] = []
    at, first, read, before = 0, 0, 0, ""
    for n in range(1, len(tokens) + 1):
        now = tokenizer.decode(tokens[first:n], skip_special_tokens=True)
        if not now.endswith(_HALF):
            at += len(now) - len(before)
            first, read = read, n
            before = tokenizer.decode(tokens[first:read], skip_special_tokens=True)
        ends.append(at)
    # A half character at the end belongs to the last token.
    if ends and whole.endswith(_HALF):
        ends[-1] = len(whole)
    return ends if not ends or ends[-1] == len(whole) else None
