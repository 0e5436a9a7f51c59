"""Where a mention stands: by whole words, and in pieces of tokens; shared by formats that need either."""

from __future__ import annotations

import re
from collections.abc import Iterable

from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Span


def locate_words(text: str, mention: str, options: ReadOptions) -> Span:
    """Place a mention that comes without offsets in a text of words with spaces between.

    Where the text has it once as whole words, it stands there: `Iran` is not looked for in `Iranian`.
    Otherwise as `options.locate` does.
    """
    starts = [m.start() for m in re.finditer(rf"(?<!\S)(?={re.escape(mention)}(?!\S))", text)]
    return options.locate(text, mention, starts[0] if len(starts) == 1 else None)


def token_pieces(words: TokenText, numbers: Iterable[int]) -> list[list[int]]:
    """The stretches [start, end) in characters of tokens that follow each other.

    Raises:
        IndexError: no such token.
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1]:
            runs[-1][1] = number + 1
        else:
            runs.append([number, number + 1])
    return [list(words.span(first, past).offsets or ()) for first, past in runs]
