"""Finds the mentions of a list in a text: the longest at each place, whole tokens only, any digits for digits.

>>> g = Gazetteer(["New York", "York", "5 May"])
>>> g.find("In York and New York on 7 May")
[(3, 7, 'York'), (12, 20, 'New York'), (24, 29, '0 May')]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iepile.models.baselines.tokens import Place, first_tokens, tokens

_DIGITS = str.maketrans("123456789０１２３４５６７８９", "0" * 19)


def plain(text: str) -> str:
    """The text with 0 for every digit; as long as before, so that places stay."""
    return text.translate(_DIGITS)


class Gazetteer:
    """Mentions to look for."""

    def __init__(self, mentions: Iterable[str]) -> None:
        """`mentions` are made `plain`."""
        self.mentions = frozenset(filter(None, map(plain, mentions)))
        lengths: dict[str, set[int]] = {}
        for mention in self.mentions:
            for first in first_tokens(mention):
                lengths.setdefault(first, set()).add(len(mention))
        self._lengths = {word: sorted(found, reverse=True) for word, found in lengths.items()}
        """First token -> lengths of the mentions that begin with it, longest first."""

    def find(
        self, text: str, skip: Collection[str] = (), places: list[Place] | None = None
    ) -> list[tuple[int, int, str]]:
        """(start, end, plain mention) of those in the text, from left to right; none overlap.

        Args:
            skip: plain mentions that are not looked for.
            places: the tokens of the text, where they are known.
        """
        folded = plain(text)
        places = tokens(folded) if places is None else places
        ends = {e for _, e in places}
        found: list[tuple[int, int, str]] = []
        past = 0
        for start, end in places:
            if start < past:
                continue
            for length in self._lengths.get(folded[start:end], ()):
                past_mention = start + length
                if past_mention in ends and (mention := folded[start:past_mention]) in self.mentions \
                        and mention not in skip:
                    found.append((start, past_mention, mention))
                    past = past_mention
                    break
        return found
