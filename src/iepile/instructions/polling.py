"""Schema-based polling: which labels are asked of a text, in which batches.

All at once blurs labels that are easily confused, so at most `split_num` go into one prompt; which
negatives are asked follows the IEPile recipe (formats.md 2.3 to 2.5), drawn by a generator of the
record's own, so that neither file order nor the number of workers changes anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON, read_bytes
from iepile.tasks.task import Item

T = TypeVar("T")


def chunk(labels: Sequence[T], split_num: int, strict: bool = False) -> list[list[T]]:
    """Cut labels into batches of `split_num` by the rule that published models were trained with.

    A remainder of less than half a batch joins the last one (so a batch may hold up to
    `split_num + split_num // 2 - 1`), unless `strict`. -1 asks all in one prompt; no labels, no batch.

    >>> [len(c) for c in chunk("abcde", 4)], [len(c) for c in chunk("abcde", 4, strict=True)]
    ([5], [4, 1])
    """
    if split_num == 0 or split_num < -1:
        raise InputError(f"split_num is {split_num}", field="split_num", expected="1 or more, or -1 for all")
    n = len(labels)
    if n == 0:
        return []
    if split_num == -1:
        return [list(labels)]
    if strict:
        return [list(labels[i : i + split_num]) for i in range(0, n, split_num)]
    full = max(n // split_num, 1)
    batches = [list(labels[i * split_num : (i + 1) * split_num]) for i in range(full)]
    rest = list(labels[full * split_num :])
    if len(rest) >= max(1, split_num // 2):
        batches.append(rest)
    else:
        batches[-1] += rest
    return batches


class PollingOptions(msgspec.Struct, frozen=True):
    """How labels are chosen and ordered; see `ConvertConfig` for the meaning of each."""

    split_num: int = 4
    neg_schema: float = 1.0
    random_sort: bool = False
    strict: bool = False
    hard: Mapping[str, tuple[str, ...]] | None = None
    seed: int = 42


class Polling:
    """Chooses and batches the items of one schema, record by record."""

    def __init__(self, items: Sequence[Item], options: PollingOptions) -> None:
        """
        Raises:
            InputError: `neg_schema` outside 0 to 1, or a bad `split_num`.
        """
        if not 0 <= options.neg_schema <= 1:
            raise InputError(f"neg_schema is {options.neg_schema}", field="neg_schema", expected="0 to 1")
        chunk(items, options.split_num)
        self.items = {i.name: i for i in items}
        self.options = options
        fixed = options.neg_schema == 1 and not options.random_sort and options.hard is None
        self._fixed = self._batches(sorted(self.items.values())) if fixed else None
        self._every = self._batches(list(self.items.values()))

    @property
    def fixed(self) -> list[tuple[Item, ...]] | None:
        """The batches of every training record, where options let none differ from another."""
        return self._fixed

    def every(self) -> list[tuple[Item, ...]]:
        """Batches that ask the whole schema in schema order: what a test question asks."""
        return self._every

    def training(self, positives: Mapping[str, tuple[str, ...]], key: str) -> list[tuple[Item, ...]]:
        """Batches for a training record: its own labels and negatives.

        Args:
            positives: labels present -> roles seen (`Task.positives`); all must be in the schema.
            key: the record's key; with the seed it fixes every draw.

        Returns:
            No batch where there is nothing to ask.
        """
        if self._fixed is not None:
            return self._fixed
        rng = random.Random(f"{self.options.seed}\x00{key}")
        names = self._hard(positives, rng) if self.options.hard is not None else self._plain(positives, rng)
        items = [self._roles(self.items[n], positives.get(n), rng) for n in names]
        if self.options.random_sort:
            rng.shuffle(items)
        else:
            items.sort()
        return self._batches(items)

    def _batches(self, items: list[Item]) -> list[tuple[Item, ...]]:
        if self.options.strict and self.options.split_num > 0:
            items = [part for i in items for part in _split_roles(i, self.options.split_num)]
            return _one_type_once(items, self.options.split_num)
        return [tuple(b) for b in chunk(items, self.options.split_num)]

    def _plain(self, positives: Mapping[str, tuple[str, ...]], rng: random.Random) -> list[str]:
        negatives = [n for n in self.items if n not in positives]
        k = _binomial(len(self.items), self.options.neg_schema, rng)
        if not positives and self.options.neg_schema > 0:
            k = max(k, 1)
        return [*positives, *rng.sample(negatives, min(k, len(negatives)))]

    def _hard(self, positives: Mapping[str, tuple[str, ...]], rng: random.Random) -> list[str]:
        hard = self.options.hard or {}
        if len(self.items) == 1:
            return list(self.items)
        if not positives:
            k = max(1, _binomial(len(self.items), self.options.neg_schema / 2, rng))
            return rng.sample(list(self.items), k)
        close = dict.fromkeys(positives)
        close.update(dict.fromkeys(n for p in positives for n in hard.get(p, ()) if n in self.items))
        rest = [n for n in self.items if n not in close]
        extra = len(rest) if self.options.split_num < 0 else min(len(rest), self.options.split_num)
        return [*close, *rng.sample(rest, extra)]

    def _roles(self, item: Item, seen: tuple[str, ...] | None, rng: random.Random) -> Item:
        neg = self.options.neg_schema
        if not item.roles or neg == 1 or (neg == 0 and seen is not None):
            roles = list(item.roles)
        else:
            others = [r for r in item.roles if r not in (seen or ())]
            k = _binomial(len(item.roles), neg, rng)
            drawn = set(rng.sample(others, min(k if seen else max(k, 1), len(others))))
            roles = [r for r in item.roles if r in drawn or r in (seen or ())]
        if self.options.random_sort:
            rng.shuffle(roles)
        return Item(item.name, tuple(roles))


def _binomial(n: int, p: float, rng: random.Random) -> int:
    return n if p >= 1 else sum(rng.random() < p for _ in range(n))


def _split_roles(item: Item, size: int) -> list[Item]:
    if len(item.roles) <= size:
        return [item]
    return [Item(item.name, item.roles[i : i + size]) for i in range(0, len(item.roles), size)]


def _one_type_once(items: list[Item], size: int) -> list[tuple[Item, ...]]:
    """Batches of at most `size` in which no label stands twice (an answer has one key a label)."""
    batches: list[list[Item]] = []
    for item in items:
        if batches and len(batches[-1]) < size and all(i.name != item.name for i in batches[-1]):
            batches[-1].append(item)
        else:
            batches.append([item])
    return [tuple(b) for b in batches]


def read_hard_negatives(
    path: str, dataset: str | None, task: str, allowed: Callable[[str], bool]
) -> tuple[dict[str, tuple[str, ...]], int]:
    """Read a hard-negative dictionary: `label -> [labels]`, or `task -> dataset -> {label -> [labels]}`.

    Args:
        dataset: names the part of a three-level file.
        allowed: whether a label is in the schema.

    Returns:
        The dictionary and how many labels of it the schema lacks: they are left out.

    Raises:
        InputError: unreadable, not one of the two forms, or a data set that the file lacks.
    """
    expected = "label -> [labels], or task -> data set -> {label -> [labels]}"
    raw = read_bytes(path)
    try:
        data = msgspec.json.decode(raw)
        if isinstance(data, dict) and any(isinstance(v, dict) for v in data.values()):
            part = data.get(task)
            if not isinstance(part, dict):
                raise InputError(f"has nothing for task {task}", file=path, expected="one of: " + ", ".join(data))
            if dataset is None or dataset not in part:
                raise InputError("which data set?" if dataset is None else f"has no data set {dataset!r}", file=path,
                                 field="hard_negative_dataset", expected="one of: " + ", ".join(part))
            data = part[dataset]
        table = msgspec.convert(data, dict[str, tuple[str, ...]])
    except (msgspec.MsgspecError, *BROKEN_JSON) as e:
        raise InputError(f"not a hard-negative dictionary: {e}", file=path, expected=expected) from None
    kept = {k: tuple(v for v in dict.fromkeys(vs) if allowed(v)) for k, vs in table.items() if allowed(k)}
    unknown = {label for k, vs in table.items() for label in (k, *vs) if not allowed(label)}
    return kept, len(unknown)
