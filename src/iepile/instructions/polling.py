"""Schema-based polling: which labels are asked of a text, in which batches.

All at once blurs labels that are easily confused, so at most `split_num` go into one prompt; which
negatives are asked follows the IEPile recipe (formats.md 2.3 to 2.5), drawn by a generator of the
record's own, so that neither file order nor the number of workers changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from iepile.errors import InputError
from iepile.instructions.draws import Draws
from iepile.jsonl import BROKEN_JSON, read_bytes
from iepile.tasks.task import Item

T = TypeVar("T")
_name = attrgetter("name")

NEARS = 1 << 14
"""Combinations of positives to keep the hard negatives of."""
ORDERS = 256
"""Orders that `random_sort` chooses from where every record is asked the whole schema: enough for a model to
see any two labels together and apart, few enough to render each but once."""


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

    def __init__(
        self,
        items: Sequence[Item],
        options: PollingOptions,
        key: Callable[[Item], str] = lambda i: i.name,
        attributes: bool = False,
    ) -> None:
        """
        Args:
            key: what an answer calls an item; two of one key never stand in one batch.
            attributes: `Task.attributes`.

        Raises:
            InputError: `neg_schema` outside 0 to 1, or a bad `split_num`.
        """
        if not 0 <= options.neg_schema <= 1:
            raise InputError(f"neg_schema is {options.neg_schema}", field="neg_schema", expected="0 to 1")
        chunk(items, options.split_num)
        self.items = {i.name: i for i in items}
        self.options, self.key, self.attributes = options, key, attributes
        # Known beforehand, so that most schemas are spared the search record by record.
        self._apart = len({key(i) for i in items}) < len(items)
        whole = options.neg_schema == 1 and options.hard is None
        fixed = whole and not options.random_sort
        self._fixed = self.batches(sorted(map(self._in_order, self.items.values()))) if fixed else None
        self._orders: dict[int, list[tuple[Item, ...]]] | None = {} if whole and not fixed else None
        self._every = self.batches(list(self.items.values()))
        self._nears: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
        self._draws_roles = (options.neg_schema < 1 or options.random_sort or attributes) and any(
            i.roles for i in items)

    @property
    def fixed(self) -> list[tuple[Item, ...]] | None:
        """The batches of every training record, where options let none differ from another."""
        return self._fixed

    @property
    def again(self) -> bool:
        """`training` returns one of a few lists, each the same object every time."""
        return self._fixed is not None or self._orders is not None

    def every(self) -> list[tuple[Item, ...]]:
        """Batches that ask the whole schema in schema order: what a test question asks."""
        return self._every

    def training(
        self, positives: Mapping[str, tuple[str, ...]], key: str, posed: Sequence[Item] | None = None
    ) -> list[tuple[Item, ...]]:
        """Batches for a training record: its own labels and negatives.

        Args:
            positives: labels present -> roles seen (`Task.positives`); all must be in the schema.
            key: the record's key; with the seed it fixes every draw.
            posed: what is asked of this text (`Task.posed`), where the task leaves no choice but that of roles.

        Returns:
            No batch where there is nothing to ask.
        """
        if posed is None and self._fixed is not None:
            return self._fixed
        rng = Draws(f"{self.options.seed}\x00{key}")
        if posed is None and self._orders is not None:
            return self._order(rng.below(ORDERS), self._orders)
        if posed is None:
            names = self._hard(positives, rng) if self.options.hard is not None else self._plain(positives, rng)
            posed = [self.items[n] for n in names]
        if self._draws_roles:
            posed = [self._roles(i, positives.get(i.name), rng) for i in posed]
        # No two items of a record share a name.
        return self.batches(rng.shuffled(posed) if self.options.random_sort else sorted(posed, key=_name))

    def _order(self, n: int, known: dict[int, list[tuple[Item, ...]]]) -> list[tuple[Item, ...]]:
        if n not in known:
            rng = Draws(f"{self.options.seed}\x00order\x00{n}")
            known[n] = self.batches(rng.shuffled([self._roles(i, None, rng) for i in self.items.values()]))
        return known[n]

    def batches(self, items: Sequence[Item]) -> list[tuple[Item, ...]]:
        """The items in batches, in their order."""
        if self.options.strict and self.options.split_num > 0:
            items = [part for i in items for part in _split_roles(i, self.options.split_num)]
            return self._one_key_once(items)
        batches = [tuple(b) for b in chunk(items, self.options.split_num)]
        if not self._apart:
            return batches
        # Later items of a key that a batch has already make batches of their own, after the others.
        firsts = [{self.key(i): i for i in reversed(b)} for b in batches]
        later = [i for b, first in zip(batches, firsts, strict=True) for i in b if first[self.key(i)] != i]
        kept = [tuple(i for i in b if first[self.key(i)] == i) for b, first in zip(batches, firsts, strict=True)]
        return kept + (self.batches(later) if later else [])

    def _one_key_once(self, items: Sequence[Item]) -> list[tuple[Item, ...]]:
        """Batches of at most `split_num` in which no key stands twice."""
        batches: list[list[Item]] = []
        for item in items:
            last = batches[-1] if batches else []
            full = len(last) == self.options.split_num or any(self.key(i) == self.key(item) for i in last)
            if last and not full:
                last.append(item)
            else:
                batches.append([item])
        return [tuple(b) for b in batches]

    def _plain(self, positives: Mapping[str, tuple[str, ...]], rng: Draws) -> list[str]:
        if self.options.neg_schema == 1:
            return list(self.items)
        negatives = [n for n in self.items if n not in positives]
        k = rng.binomial(len(self.items), self.options.neg_schema)
        if not positives and self.options.neg_schema > 0:
            k = max(k, 1)
        return [*positives, *rng.sample(negatives, min(k, len(negatives)))]

    def _hard(self, positives: Mapping[str, tuple[str, ...]], rng: Draws) -> list[str]:
        if len(self.items) == 1:
            return list(self.items)
        if not positives:
            k = max(1, rng.binomial(len(self.items), self.options.neg_schema / 2))
            return rng.sample(list(self.items), k)
        close, rest = self._near(tuple(positives))
        return [*close, *rng.sample(rest, len(rest) if self.options.split_num < 0 else self.options.split_num)]

    def _near(self, positives: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """The positives with what is easily taken for them, and all other labels."""
        if positives not in self._nears:
            hard = self.options.hard or {}
            close = dict.fromkeys(positives)
            close.update(dict.fromkeys(n for p in positives for n in hard.get(p, ()) if n in self.items))
            if len(self._nears) >= NEARS:
                self._nears.clear()
            self._nears[positives] = list(close), [n for n in self.items if n not in close]
        return self._nears[positives]

    def _roles(self, item: Item, seen: tuple[str, ...] | None, rng: Draws) -> Item:
        neg = self.options.neg_schema
        if self.attributes and not set(item.roles).isdisjoint(self.options.hard or ()):
            roles = self._hard_attributes(item, seen or (), rng)
        elif not item.roles or neg == 1 or (neg == 0 and seen is not None):
            roles = list(item.roles)
        else:
            others = [r for r in item.roles if r not in (seen or ())]
            k = rng.binomial(len(item.roles), neg)
            drawn = set(rng.sample(others, min(k if seen else max(k, 1), len(others))))
            roles = [r for r in item.roles if r in drawn or r in (seen or ())]
        if self.options.random_sort:
            roles = rng.shuffled(roles)
        elif self.attributes:
            roles.sort()
        return Item(item.name, tuple(roles), item.about)

    def _hard_attributes(self, item: Item, seen: tuple[str, ...], rng: Draws) -> list[str]:
        """Those seen, what is easily taken for them, and some others: as `_hard` does with labels."""
        hard = self.options.hard or {}
        close = {*seen, *(r for s in seen for r in hard.get(s, ()))}
        rest = [r for r in item.roles if r not in close]
        extra = len(rest) if self.options.split_num < 0 else min(len(rest), self.options.split_num)
        close.update(rng.sample(rest, extra))
        return [r for r in item.roles if r in close]

    def _in_order(self, item: Item) -> Item:
        return replace(item, roles=tuple(sorted(item.roles))) if self.attributes else item


def _split_roles(item: Item, size: int) -> list[Item]:
    if len(item.roles) <= size:
        return [item]
    return [replace(item, roles=item.roles[i : i + size]) for i in range(0, len(item.roles), size)]


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
