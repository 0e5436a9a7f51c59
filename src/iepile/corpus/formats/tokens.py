"""A text made of tokens, and the way from token numbers to characters; shared by formats of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Span


class TokenText:
    """Tokens joined to a text: by a space, in Chinese by nothing, or by what `options.join` says.

    >>> words = TokenText(["Ada", "met", "Bob"], ReadOptions())
    >>> words.text, words.span(1, 3)
    ('Ada met Bob', Span(text='met Bob', start=4, end=11))
    """

    def __init__(self, tokens: Sequence[str], options: ReadOptions, language: str | None = None) -> None:
        self.tokens, self.options = tokens, options
        self.language = language or options.language_of(" ".join(tokens))
        join = options.join if options.join is not None else "" if self.language == "zh" else " "
        self.text = join.join(tokens)
        self.starts: list[int] = []
        at = 0
        for token in tokens:
            self.starts.append(at)
            at += len(token) + len(join)

    def span(self, first: int, past: int, mention: str | None = None) -> Span:
        """Tokens `first` to `past`, exclusive, in characters.

        `mention` is how the annotation words it; where the characters differ, white space aside, the text's
        own are kept and DIFFERENT is counted.

        Raises:
            IndexError: no such tokens, or nothing but empty ones.
        """
        if not 0 <= first < past <= len(self.tokens):
            raise IndexError(f"no tokens {first} to {past} in a text of {len(self.tokens)}")
        start, end = self.starts[first], self.starts[past - 1] + len(self.tokens[past - 1])
        text = self.text[start:end]
        if not text:
            raise IndexError(f"no characters in tokens {first} to {past}")
        if mention is not None and "".join(mention.split()) != "".join(text.split()):
            self.options.summary.count(Repair.DIFFERENT)
        return Span(text, start, end)

    def span_of(self, numbers: Iterable[int], mention: str | None = None) -> Span:
        """The stretch that covers these tokens; PIECES is counted where it covers others too.

        Raises:
            IndexError: none, or no such token.
        """
        found = sorted(set(numbers))
        if not found:
            raise IndexError("a mention of no tokens")
        gap = found[-1] - found[0] + 1 != len(found)
        self.options.summary.count(Repair.PIECES, gap)
        return self.span(found[0], found[-1] + 1, None if gap else mention)
