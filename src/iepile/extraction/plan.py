"""How a text is asked: in which windows, in how many label orders and passes.

    plan = Planner(AskingConfig(orders=3), engine).plan(text, polls)
    [ask.request("0") for ask in plan.asks]

The plan of a text depends on nothing but the text, its polls, the settings and the model, so that a run that was
stopped makes the same plan again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.extraction.engines.engine import Engine, Measuring, Request
from iepile.extraction.polls import Poll
from iepile.extraction.windows import Window, cut

DOCUMENT_WINDOW = 1024
"""Tokens of text a question about a document holds, unless the settings say otherwise."""
SLACK = 256
"""Bytes of a template around a question: with these, what is surely short enough need not be measured."""
MOST_PASSES = 1000
_PIECE = re.compile(r"[^\W\u2e80-\u9fff\uac00-\ud7af]+|\S")


@dataclass(kw_only=True)
class AskingConfig:
    """How often and in which pieces a text is asked."""

    window: int = 0
    """Most tokens of text in one question; longer texts are cut into windows at sentences. 0: rows only where the
    model holds no more, documents at 1,024."""
    overlap: int = 1
    """Sentences that a window shares with the one before."""
    orders: int = 1
    """Label orders that each question is asked in; what they agree on is kept."""
    min_support: float = 0.5
    """Share of the orders that must state a fact, from 0 to 1."""
    passes: int = 1
    """Times that a question is answered: after the best answer others are drawn, and what they add is kept."""
    seed: int = 0
    """Seed of label orders and drawn answers."""

    def check(self) -> None:
        """
        Raises:
            InputError: a value that means nothing.
        """
        for name, least in (("window", 0), ("overlap", 0), ("orders", 1), ("passes", 1)):
            if getattr(self, name) < least:
                raise InputError(f"is {getattr(self, name)}", field=name, expected=f"{least} or more")
        if self.passes > MOST_PASSES:
            raise InputError(f"is {self.passes}", field="passes", expected=f"at most {MOST_PASSES}")
        if not 0 <= self.min_support <= 1:
            raise InputError(f"is {self.min_support}", field="min_support", expected="0 to 1")


class Ask(msgspec.Struct, frozen=True):
    """One question of a plan."""

    window: int
    """Number of the window."""
    poll: int
    """Number of the poll among those of the text."""
    order: int
    """Number of the label order."""
    sample: int
    """0 for the best answer; else the number of the pass."""
    draw: int
    """Number of the drawn answer, as the engine is told; runs of another seed draw others."""
    asked: Poll
    """The poll about the window, in that order."""

    def request(self, key: str) -> Request:
        """The question as an engine takes it."""
        return self.asked.request(key, self.draw)


class Plan(msgspec.Struct, frozen=True):
    """All questions about one text."""

    text: str
    windows: tuple[Window, ...]
    asks: tuple[Ask, ...]


class Planner:
    """Makes the plans of one run."""

    def __init__(self, config: AskingConfig, engine: Engine | None = None) -> None:
        """
        Args:
            engine: tells how long prompts are, if it can; without one, a word or Chinese character is a token.
        """
        self.config = config
        able: Any = engine
        self._measuring: Measuring | None = able if isinstance(able, Measuring) else None

    def plan(self, text: str, polls: Sequence[Poll], windows: Sequence[Window] | None = None,
             document: bool = True) -> Plan:
        """The plan of a text.

        Args:
            windows: as they were cut before; else they are cut here.
            document: a text that is asked by a schema; False: a row whose question is there already.
        """
        if windows is None:
            windows = self._windows(text, polls, document) if text and polls else (Window(0, len(text)),)
        if polls and polls[0].plain:
            return Plan(text, (Window(0, len(text)),), (Ask(0, 0, 0, 0, 0, polls[0]),))
        asks: list[Ask] = []
        alone = len(windows) == 1
        for w, window in enumerate(windows):
            piece = text if alone else text[window.start : window.end]
            for p, poll in enumerate(polls):
                about = poll if alone and poll.whole else poll.about(piece)
                if about is None:
                    continue
                ordered = about.orders(self.config.orders, self.config.seed) if self.config.orders > 1 else [about]
                asks += (Ask(w, p, order, 0, 0, asked) for order, asked in enumerate(ordered))
                drawn = self.config.seed * MOST_PASSES
                asks += (Ask(w, p, 0, n, drawn + n, about) for n in range(1, self.config.passes))
        return Plan(text, tuple(windows), tuple(asks))

    def _windows(self, text: str, polls: Sequence[Poll], document: bool) -> tuple[Window, ...]:
        whole = (Window(0, len(text)),)
        most = self.config.window or (DOCUMENT_WINDOW if document else None)
        if polls[0].plain:
            return whole
        if self._measuring is None:
            # No piece is shorter than a character.
            cuts = most is not None and len(text) > most
            return tuple(cut(text, most, pieces, self.config.overlap)) if cuts and most is not None else whole
        engine = self._measuring
        asked = [poll.around(text).request("") for poll in polls]
        spare = None if engine.context is None else engine.context - max(map(engine.answer_room, asked))
        # No token is shorter than a byte, so that most texts need not be measured.
        longest = max(_bytes(r.instruction) for r in asked) + SLACK
        if (spare is None or longest <= spare) and (most is None or _bytes(text) <= most):
            return whole
        if most is None and spare is not None and all(engine.prompt_tokens(r) <= spare for r in asked):
            return whole
        lengths = [engine.prompt_tokens(poll.around("").request("")) for poll in polls]
        widest = max(range(len(polls)), key=lengths.__getitem__)
        if spare is not None:
            most = min(most or spare, spare - lengths[widest])
        if most is None or most < 1:
            return whole  # where not even the question fits, the engine says so

        def measure(piece: str) -> int:
            return max(1, engine.prompt_tokens(polls[widest].around(piece).request("")) - lengths[widest])

        return tuple(cut(text, most, measure, self.config.overlap))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def pieces(text: str) -> int:
    """Words, Chinese characters and marks of a text: what is counted where no tokenizer can be asked."""
    return sum(1 for _ in _PIECE.finditer(text))
