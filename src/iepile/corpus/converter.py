"""One task's documents to instruction rows: the polling conversion of IEPile (formats.md 2).

Rows that differ only in the text share everything else, so each batch of labels is rendered and escaped
once; that, and not more processes, is what makes this several times faster than the reference.
"""

from __future__ import annotations

from json.encoder import encode_basestring  # the C version where there is one
from typing import TYPE_CHECKING

import msgspec

from iepile.errors import InputError
from iepile.instructions.polling import Polling, PollingOptions, read_hard_negatives
from iepile.instructions.wording import prompt
from iepile.jsonl import dumps
from iepile.records import Document, Facts
from iepile.schema import Schema
from iepile.tasks.task import Item, Task

if TYPE_CHECKING:
    from iepile.corpus.convert import ConvertConfig


class _Poll(msgspec.Struct, frozen=True):
    """What all rows that ask one batch of labels share."""

    items: tuple[Item, ...]
    question: bytes
    """The escaped instruction up to the text."""
    nothing: bytes
    """The row after the text, where the answer is empty."""


class Converter:
    """Documents to rows of one task; built once, used for many documents. See `ConvertConfig`."""

    def __init__(self, task: Task, schema: Schema, config: ConvertConfig) -> None:
        """
        Raises:
            InputError: nothing to ask, an impossible option, a bad hard-negative file.
        """
        self.task, self.config = task, config
        items = task.items(schema)
        if not items:
            raise InputError(
                f"the schema has nothing that {task.name} can ask",
                file=config.schema_path,
                expected=f"labels for task {task.name}",
                fix="check --task and --schema_path",
            )
        self.known = {i.name: frozenset(i.roles) for i in items}
        self.hard_labels_dropped = 0
        self.polling = Polling(
            items,
            PollingOptions(
                config.split_num,
                config.neg_schema,
                config.random_sort,
                config.strict,
                self._hard(),
                config.seed,
            ),
        )
        self.prompt = prompt(task.name, config.language)
        self._polls: dict[tuple[Item, ...], _Poll] = {}
        batches = self.polling.every() if config.split == "test" else self.polling.fixed
        self._fixed = None if batches is None else [self._poll(b) for b in batches]
        self._asking: dict[str, list[int]] = {}
        for n, poll in enumerate(self._fixed or ()):
            for item in poll.items:
                self._asking.setdefault(item.name, []).append(n)
        self._heads: dict[str, bytes] = {}
        self._pieces: dict[bytes, list[bytes]] = {}

    def _hard(self) -> dict[str, tuple[str, ...]] | None:
        c = self.config
        if not c.cluster_mode:
            return None
        if c.split == "test":
            raise InputError("hard negatives are for training rows", field="cluster_mode", fix="drop the flag")
        if c.hard_negative_path is None:
            raise InputError("cluster_mode needs a dictionary", field="hard_negative_path",
                             fix="give --hard_negative_path FILE")
        hard, self.hard_labels_dropped = read_hard_negatives(
            c.hard_negative_path, c.hard_negative_dataset, self.task.name, self.known.__contains__
        )
        return hard

    def rows(self, doc: Document) -> list[str]:
        """JSON lines (each with its newline) for one document; empty if there is nothing to ask.

        Raises:
            InputError: a label or role that the schema lacks.
        """
        return [line + "\n" for line in self.blob(doc)[0].decode().split("\n")[:-1]]

    def blob(self, doc: Document) -> tuple[bytes, int]:
        """`rows` as one piece of UTF-8, and how many they are."""
        positives = self.task.positives(doc.facts)
        for name, roles in positives.items():
            if name not in self.known or not self.known[name].issuperset(roles):
                self._unknown(name, roles)
        text = encode_basestring(encode_basestring(doc.text)[1:-1])[1:-1].encode()
        head = self._head(doc.source or "")
        if self.config.split == "test":
            assert self._fixed is not None
            first = f'{{"id": {dumps(doc.key)}, '.encode() + head
            last = text + b'\\"}"' + self._label(doc) + b"}\n"
            return first + (last + first).join([p.question for p in self._fixed]) + last, len(self._fixed)
        head = b"{" + head
        if self._fixed is None:
            polls = [self._poll(b) for b in self.polling.training(positives, doc.key)]
            pieces = _around_text(head, polls)
            hits = [n for n, p in enumerate(polls) if any(i.name in positives for i in p.items)]
        else:
            # What stands between two copies of the text is the same for every record where nothing is found.
            polls = self._fixed
            pieces = self._pieces.get(head) or self._pieces.setdefault(head, _around_text(head, polls))
            pieces = pieces.copy()
            hits = sorted({n for name in positives for n in self._asking[name]})
        for n in hits:
            rest = head + polls[n + 1].question if n + 1 < len(polls) else b""
            pieces[n + 1] = self._end(polls[n].items, doc.facts, doc.text) + rest
        return text.join(pieces), len(polls)

    def _head(self, source: str) -> bytes:
        head = self._heads.get(source)
        if head is None:
            head = f'"task": {dumps(self.task.name)}, "source": {dumps(source)}, "instruction": "'.encode()
            self._heads[source] = head
        return head

    def _end(self, items: tuple[Item, ...], facts: Facts, text: str) -> bytes:
        """A training row after the text."""
        end = f'\\"}}", "output": {encode_basestring(self.task.answer_text(facts, items, text))}'
        if self.config.positions:
            end += f', "facts": {dumps(msgspec.to_builtins(self.task.about(facts, items)))}'
        return end.encode() + b"}\n"

    def _poll(self, batch: tuple[Item, ...]) -> _Poll:
        found = self._polls.get(batch)
        if found is None:
            if len(self._polls) > 4096:  # sampled negatives make ever new batches
                self._polls.clear()
            schema = dumps([self.task.question(i) for i in batch])
            question = f'{{"instruction": {dumps(self.prompt)}, "schema": {schema}, "input": "'
            found = _Poll(batch, encode_basestring(question)[1:-1].encode(), self._end(batch, Facts(), ""))
            self._polls[batch] = found
        return found

    def _label(self, doc: Document) -> bytes:
        if self.task.annotation not in doc.annotated:
            return b""
        rows = dumps(self.task.label_rows(doc.facts, self.config.positions))
        return b', "label": ' + encode_basestring(rows).encode()

    def _unknown(self, name: str, roles: tuple[str, ...]) -> None:
        if name not in self.known:
            raise InputError(
                f"the schema has no {self.task.name} label {name!r}",
                field=self.task.annotation,
                expected=f"one of: {', '.join(list(self.known)[:12])}",
                fix="add it to the schema, or correct the record",
            )
        bad = next(r for r in roles if r not in self.known[name])
        raise InputError(
            f"the schema gives {name!r} no role {bad!r}",
            field="event.arguments.role",
            expected=f"one of: {', '.join(sorted(self.known[name]))}",
            fix="add it to the schema, or correct the record",
        )


def _around_text(head: bytes, polls: list[_Poll]) -> list[bytes]:
    """What joins copies of the text into the rows of a record in which nothing is found."""
    pieces, end = [], b""
    for poll in polls:
        pieces.append(end + head + poll.question)
        end = poll.nothing
    return [*pieces, end] if polls else [b""]
