"""The text of an answer while it grows, token by token: characters are given out whole, and nothing that may be the
beginning of a text at which the answer ends.

>>> text = GrowingText(lambda ids: "".join(map(chr, ids)), stop=("END",))
>>> [text.add(ord(c)) for c in "a ENEND!"]
['a', ' ', '', '', 'EN', '', '', '']
>>> text.text, text.ended
('a EN', True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_HALF = "\ufffd"
"""What tokenizers write for a character of which bytes are missing."""
_LONGEST = 4
"""Bytes of a character: after so many tokens without a whole one, they are no character."""


class GrowingText:
    """The text so far."""

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = ()) -> None:
        """
        Args:
            decode: the text of some tokens.
            stop: texts at which the answer ends.
        """
        self._decode, self._stop = decode, tuple(stop)
        self._tokens: list[int] = []
        self._first = self._read = 0
        self._before = ""
        self._held = ""
        self.text = ""
        """What is given out so far."""
        self.ended = False
        """A text was reached at which the answer ends."""

    def add(self, token: int) -> str:
        """The next token is known; gives what can be given out by it."""
        if self.ended:
            return ""
        self._tokens.append(token)
        # Tokens are decoded a few at a time: what was decoded last says how the next one is written.
        now = self._decode(self._tokens[self._first :])
        if now.endswith(_HALF) and len(self._tokens) - self._read < _LONGEST:
            return ""
        piece = now[len(self._before) :]
        self._first, self._read = self._read, len(self._tokens)
        self._before = self._decode(self._tokens[self._first :])
        return self._give(piece)

    def close(self) -> str:
        """No token follows; gives what was held back. A half character at the end is left out."""
        if self.ended:
            return ""
        now = self._decode(self._tokens[self._first :]) if self._read < len(self._tokens) else self._before
        rest = self._give(now[len(self._before) :].rstrip(_HALF))
        held, self._held = self._held, ""
        if not self.ended:
            self.text += held
            rest += held
        self.ended = True
        return rest

    def _give(self, piece: str) -> str:
        waiting = self._held + piece
        found = [at for s in self._stop if (at := waiting.find(s)) >= 0]
        if found:
            out, self._held, self.ended = waiting[: min(found)], "", True
        else:
            kept = max((_overlap(waiting, s) for s in self._stop), default=0)
            out, self._held = waiting[: len(waiting) - kept], waiting[len(waiting) - kept :]
        self.text += out
        return out


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of a text that a stop text begins with."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
