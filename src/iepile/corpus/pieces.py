"""Training rows put together from pieces that are rendered and escaped once.

A row is `open QUESTION, QUESTION middle TEXT answer VALUE, VALUE close`; rows differ in little but the text,
so a record becomes one join of bytes that mostly exist already. This relies on two promises of `Task`:
questions (without descriptions) and answers stand item by item, and an item that is not among the positives
answers as it does where there are no facts at all. `tests/corpus/test_pieces.py` holds every task to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring  # the C version where there is one

import msgspec

from iepile.jsonl import dumps
from iepile.records import Facts
from iepile.schema import Schema
from iepile.tasks.task import Item, Task

KEPT = 1 << 16
"""Items of sampled roles to keep the pieces of: there is no end of new ones."""

Piece = tuple[bytes, bytes]
"""An item's question, and its key and value in an answer."""
Positives = Mapping[str, tuple[str, ...]]

ANSWER = b'\\"}", "output": "{'
"""What stands between the text and the answers."""


class Pieces:
    """The bytes of one task's training rows around the text."""

    def __init__(
        self, task: Task, prompt: str, items: Iterable[Item], schema: Schema | None = None, positions: bool = False
    ) -> None:
        """
        Args:
            items: those that are asked again and again, as the very objects that will be asked.
            schema: gives descriptions to the questions, if any.
            positions: write `facts` as well.
        """
        self.task, self.schema, self.positions = task, schema, positions
        self.open = inner(f'{{"instruction": {dumps(prompt)}, "schema": ') + (b"[" if schema is None else b"")
        self.middle = (b"]" if schema is None else b"") + inner(', "input": "')
        self._named: dict[str, dict[int, Item]] = {}
        for item in items:
            self._named.setdefault(item.name, {})[id(item)] = item
        # By identity, because hashing an item costs more than all the rest; `_named` keeps them alive.
        self._own = {key: self._piece(i) for named in self._named.values() for key, i in named.items()}
        self._drawn: dict[Item, Piece] = {}

    def question(self, batch: Sequence[Item]) -> bytes:
        """The instruction up to the text."""
        return self.open + self._questions(batch, [self._of(i, {}, Facts(), "") for i in batch]) + self.middle

    def end(self, batch: Sequence[Item], positives: Positives, facts: Facts, text: str) -> bytes:
        """A row after the text."""
        values = [self._of(i, positives, facts, text)[1] for i in batch]
        return b"".join((ANSWER, b", ".join(values), self._close(batch, facts)))

    def around(self, batch: Sequence[Item], n: int) -> tuple[bytes, bytes]:
        """`end` of a batch without its n-th answer: what stands before that and what after it."""
        values = [self._of(i, {}, Facts(), "")[1] for i in batch]
        before = b"".join(v + b", " for v in values[:n])
        after = b"".join(b", " + v for v in values[n + 1 :])
        return ANSWER + before, after + self._close(batch, Facts())

    def rows(
        self, head: bytes, batches: Iterable[Sequence[Item]], positives: Positives, facts: Facts, text: str
    ) -> bytes:
        """The rows that ask these batches of a text; each begins with `head`."""
        own, start = self._own, head + self.open
        out: list[bytes] = []
        middle, close = self.middle + twice_escaped(text) + ANSWER, self._close((), Facts())
        if positives:
            own = own | {key: (own[key][0], self.value(i, facts, text))
                         for name in positives for key, i in self._named[name].items()}
        for batch in batches:
            pieces = [own.get(id(i)) or self._of(i, positives, facts, text) for i in batch]
            questions, values = zip(*pieces, strict=True)
            out += (
                start, b", ".join(questions) if self.schema is None else self._questions(batch, pieces), middle,
                b", ".join(values), self._close(batch, facts) if self.positions else close,
            )
        return b"".join(out)

    def _of(self, item: Item, positives: Positives, facts: Facts, text: str) -> Piece:
        found = self._own.get(id(item)) or self._drawn.get(item)
        if found is None:
            if len(self._drawn) >= KEPT:
                self._drawn.clear()
            found = self._drawn[item] = self._piece(item)
        return (found[0], self.value(item, facts, text)) if item.name in positives else found

    def _piece(self, item: Item) -> Piece:
        question = b"" if self.schema is not None else inner(dumps(self.task.question(item)))
        return question, self.value(item, Facts(), "")

    def value(self, item: Item, facts: Facts, text: str) -> bytes:
        """An item's key and value in an answer."""
        return inner(self.task.answer_text(facts, (item,), text)[1:-1])

    def _questions(self, batch: Sequence[Item], pieces: Sequence[Piece]) -> bytes:
        if self.schema is not None:
            return inner(dumps(self.task.questions(batch, self.schema)))
        return b", ".join([p[0] for p in pieces])

    def _close(self, batch: Sequence[Item], facts: Facts) -> bytes:
        if not self.positions:
            return b'}"}\n'
        about = msgspec.to_builtins(self.task.about(facts, batch))
        return b'}", "facts": ' + dumps(about).encode() + b"}\n"


def inner(text: str) -> bytes:
    """The text as it stands inside a JSON string."""
    return encode_basestring(text)[1:-1].encode()


def twice_escaped(text: str) -> bytes:
    """The text as it stands in the instruction, which is a JSON string inside a JSON string."""
    return inner(encode_basestring(text)[1:-1])
