"""One task's documents to instruction rows: the polling conversion of IEPile (formats.md 2).

Rows that differ only in the text share everything else, so each batch of labels is rendered and escaped
once; that, and not more processes, is what makes this several times faster than the reference.
"""

from __future__ import annotations

import itertools
from collections import Counter
from hashlib import blake2b
from json.encoder import encode_basestring  # the C version where there is one
from typing import TYPE_CHECKING

import msgspec

from iepile.corpus.completion import META
from iepile.corpus.pieces import Pieces, twice_escaped
from iepile.corpus.support import unsupported
from iepile.errors import InputError
from iepile.instructions.polling import Polling, PollingOptions, read_hard_negatives
from iepile.instructions.wording import prompt, read_wordings
from iepile.jsonl import dumps
from iepile.records import Document, Facts
from iepile.schema import Schema
from iepile.tasks.task import Item, Task

if TYPE_CHECKING:
    from iepile.corpus.convert import ConvertConfig


AROUND = 1024
"""Combinations of source and question to keep rendered."""


class _Poll(msgspec.Struct, frozen=True):
    """What all rows that ask one batch of labels share."""

    items: tuple[Item, ...]
    question: bytes
    """The escaped instruction up to the text."""
    nothing: bytes
    """The row after the text, where the answer is empty."""


class _Asked(msgspec.Struct, frozen=True):
    """Batches that are asked of many texts."""

    polls: list[_Poll]
    asking: dict[str, list[tuple[int, Item, bytes, bytes]]]
    """Label -> the polls that ask it: number, item, and what stands around its answer if it is the only one."""


class Converter:
    """Documents to rows of one task; built once, used for many documents. See `ConvertConfig`."""

    keep = 1.0
    """Share of the training rows with an empty answer that is kept (`negative_ratio`)."""

    def __init__(self, task: Task, schema: Schema, config: ConvertConfig) -> None:
        """
        Raises:
            InputError: nothing to ask, an impossible option, a bad hard-negative file.
        """
        self.task, self.config, self.labels = task, config, schema
        self.items = items = task.items(schema)
        if not items:
            raise InputError(
                f"the schema has nothing that {task.name} can ask",
                file=config.schema_path,
                expected=f"labels for task {task.name}",
                fix="check --task and --schema_path",
            )
        self.known = {i.name: frozenset(i.roles) for i in items}
        self.hard_labels_dropped = 0
        options = PollingOptions(
            config.split_num, config.neg_schema, config.random_sort, config.strict, self._hard(), config.seed
        )
        self.polling = Polling(items, options, task.key, task.attributes)
        self.prompt = prompt(task.name, config.language, read_wordings(config.wording) if config.wording else None)
        self.schema = self._described(schema) if config.descriptions else None
        self.left_out: Counter[str] = Counter()
        """What was met and not asked, by reason."""
        self._settles = type(task).settled is not Task.settled
        again = (*self.polling.items.values(), *itertools.chain(*self.polling.every(), *self.polling.fixed or ()))
        self.pieces = Pieces(task, self.prompt, again, self.schema, config.positions)
        self._asked: dict[int, _Asked] | None = {} if self.polling.again and not task.poses_facts else None
        self._every = None if task.poses_facts else [self._poll(b) for b in self.polling.every()]
        self._heads: dict[str, bytes] = {}
        self._around: dict[tuple[bytes, int], list[bytes]] = {}

    def _hard(self) -> dict[str, tuple[str, ...]] | None:
        c = self.config
        if not c.cluster_mode:
            return None
        if c.split == "test":
            raise InputError("hard negatives are for training rows", field="cluster_mode", fix="drop the flag")
        if c.hard_negative_path is None:
            raise InputError("cluster_mode needs a dictionary", field="hard_negative_path",
                             fix="give --hard_negative_path FILE")
        names = {*self.known, *(label for i in self.items for label in self.task.labels(i))}
        hard, self.hard_labels_dropped = read_hard_negatives(
            c.hard_negative_path, c.hard_negative_dataset, self.task.name, names.__contains__
        )
        return hard

    def _described(self, schema: Schema) -> Schema:
        self.task.questions((), schema)
        if not schema.described:
            raise InputError("the schema has no descriptions", file=self.config.schema_path, field="descriptions",
                             expected="label: description", fix="describe the labels, or drop the flag")
        return schema

    def rows(self, doc: Document) -> list[str]:
        """JSON lines (each with its newline) for one document; empty if there is nothing to ask.

        Raises:
            InputError: a label or role that the schema lacks.
        """
        return [line + "\n" for line in self.blob(doc)[0].decode().split("\n")[:-1]]

    def blob(self, doc: Document) -> tuple[bytes, int]:
        """`rows` as one piece of UTF-8, and how many they are."""
        facts, positives = self._checked(doc)
        text = twice_escaped(doc.text)
        head = self._head(doc.source or "")
        if self.config.split == "test":
            return self._test(doc, facts, head, text)
        head = b"{" + head
        if self.keep < 1:
            return self._some(doc, head, text, facts, positives)
        batches = self._drawn(doc, facts, positives)
        if self._asked is None:
            return self.pieces.rows(head, batches, positives, facts, doc.text), len(batches)
        # What stands between two copies of the text is the same for every record where nothing is found.
        asked = self._asked.get(id(batches)) or self._ask(batches, self._asked)
        polls = asked.polls
        around = (self._around.get((head, id(batches))) or self._surround(head, batches, polls)).copy()
        ends: dict[int, bytes] = {}
        for name in positives:
            for n, item, before, after in asked.asking[name]:
                if n in ends or self.config.positions:
                    ends[n] = self.pieces.end(polls[n].items, positives, facts, doc.text)
                else:
                    ends[n] = before + self.pieces.value(item, facts, doc.text) + after
        for n, end in ends.items():
            around[n + 1] = end + around[n + 1][len(polls[n].nothing):]
        return text.join(around), len(polls)

    def answered(self, doc: Document) -> tuple[int, int]:
        """How many training rows of a document have an answer, and how many an empty one.

        Raises:
            InputError: as `blob`.
        """
        facts, positives = self._checked(doc)
        polls = self._polls(doc, facts, positives)
        full = sum(self._end(p, positives, facts, doc.text) != p.nothing for p in polls)
        return full, len(polls) - full

    def _checked(self, doc: Document) -> tuple[Facts, dict[str, tuple[str, ...]]]:
        """The facts as the schema can ask for them, and the labels they have."""
        facts = doc.facts
        if self._settles:
            facts = self.task.settled(facts, self.items)
            before, after = (len(self.task.canonical(f).relations) for f in (doc.facts, facts))
            if before > after:
                self.left_out["relations that no type of the schema has"] += before - after
        positives = self.task.positives(facts)
        for name, roles in positives.items():
            if name not in self.known or not self.known[name].issuperset(roles):
                self._unknown(name, roles)
        return facts, positives

    def _drawn(self, doc: Document, facts: Facts, positives: dict[str, tuple[str, ...]]) -> list[tuple[Item, ...]]:
        posed = self.task.posed(self.items, facts, doc.text) if self.task.poses_facts else None
        return self.polling.training(positives, doc.key, posed)

    def _polls(self, doc: Document, facts: Facts, positives: dict[str, tuple[str, ...]]) -> list[_Poll]:
        batches = self._drawn(doc, facts, positives)
        if self._asked is None:
            return [self._poll(b) for b in batches]
        return (self._asked.get(id(batches)) or self._ask(batches, self._asked)).polls

    def _ask(self, batches: list[tuple[Item, ...]], known: dict[int, _Asked]) -> _Asked:
        asking: dict[str, list[tuple[int, Item, bytes, bytes]]] = {}
        for n, batch in enumerate(batches):
            for k, item in enumerate(batch):
                asking.setdefault(item.name, []).append((n, item, *self.pieces.around(batch, k)))
        asked = known[id(batches)] = _Asked([self._poll(b) for b in batches], asking)
        return asked

    def _surround(self, head: bytes, batches: list[tuple[Item, ...]], polls: list[_Poll]) -> list[bytes]:
        if len(self._around) >= AROUND:
            self._around.clear()
        return self._around.setdefault((head, id(batches)), _around_text(head, polls))

    def _some(
        self, doc: Document, head: bytes, text: bytes, facts: Facts, positives: dict[str, tuple[str, ...]]
    ) -> tuple[bytes, int]:
        """The rows with an answer, and a share of the others."""
        rows = []
        polls = self._polls(doc, facts, positives)
        for n, poll in enumerate(polls):
            end = self._end(poll, positives, facts, doc.text)
            if end != poll.nothing or self._draw(doc.key, n) < self.keep:
                rows.append(head + poll.question + text + end)
        self.left_out["rows without an answer"] += len(polls) - len(rows)
        return b"".join(rows), len(rows)

    def _draw(self, key: str, row: int) -> float:
        """A number in [0, 1) that hangs on seed, task, record and row alone."""
        words = f"{self.config.seed}\x00{self.task.name}\x00{key}\x00{row}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(words, digest_size=7).digest()) / (1 << 56)

    def _test(self, doc: Document, facts: Facts, head: bytes, text: bytes) -> tuple[bytes, int]:
        if self._every is not None:
            polls = self._every
        elif self.task.annotation in doc.annotated:
            batches = self.polling.batches(self.task.posed(self.items, facts, doc.text))
            polls = [self._poll(b) for b in batches]
        else:
            polls = [self._poll(b) for b in self.polling.every()]
        first = f'{{"id": {dumps(doc.key)}, '.encode() + head
        last = text + b'\\"}"' + self._label(doc) + b"}\n"
        return (first + (last + first).join([p.question for p in polls]) + last if polls else b""), len(polls)

    def _head(self, source: str) -> bytes:
        head = self._heads.get(source)
        if head is None:
            head = f'"task": {dumps(self.task.name)}, "source": {dumps(source)}, "instruction": "'.encode()
            self._heads[source] = head
        return head

    def _end(self, poll: _Poll, positives: dict[str, tuple[str, ...]], facts: Facts, text: str) -> bytes:
        if any(i.name in positives for i in poll.items):
            return self.pieces.end(poll.items, positives, facts, text)
        return poll.nothing

    def _poll(self, batch: tuple[Item, ...]) -> _Poll:
        return _Poll(batch, self.pieces.question(batch), self.pieces.end(batch, {}, Facts(), ""))

    def _label(self, doc: Document) -> bytes:
        if self.task.annotation not in doc.annotated:
            return b""
        rows = dumps(self.task.label_rows(doc.facts, self.config.positions))
        label = b', "label": ' + encode_basestring(rows).encode()
        if META in doc.meta and self.task.name == "RE":  # other tasks tell more of a relation than three names
            label += f', "completed": {dumps(unsupported(doc.relations, doc.text))}'.encode()
        return label

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
