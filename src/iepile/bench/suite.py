"""A suite: data sets by their names in the catalog, with the task that is asked and the split that is scored.

    read_suite("zero-shot").sets[0].dataset      # "CrossNER_AI"
    read_suite("mine.yaml")                      # a suite of your own

The suites that are shipped, `supervised` and `zero-shot`, are the lists of the reference's script that converts the
test data of all data sets (`eval_data_convert.bash`): data sets that IEPile trains on, and those that it keeps out.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from iepile.bench.lined import read_lined
from iepile.corpus.catalog import Card, get_card, load_card
from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.tasks.task import get_task

SHIPPED = ("supervised", "zero-shot")
Setting = Literal["supervised", "zero-shot"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One data set of a suite."""

    dataset: str
    """Name in the catalog, or of a card of `cards`."""
    task: str
    """What is asked."""
    split_num: int = 0
    """Labels a prompt; 0: as IEPile advises, 6 for NER and 4 for the others."""
    splits: tuple[Literal["train", "dev", "test"], ...] = ("test", "dev")
    """Split to score: the first of these that is there with annotation."""
    part_of: str = ""
    """Name that papers report the mean of several under: the folds of FewRel."""
    texts: int = 0
    """Test texts in the reference's own copy, where that is known."""
    note: str = ""
    """Where the reference does otherwise."""


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Data sets that are reported together."""

    name: str
    setting: Setting
    """Which published figures stand beside it: of models trained on these data sets, or of others."""
    description: str = ""
    cards: tuple[str, ...] = ()
    """Card files of your own, relative to the file of the suite; a name that the catalog has too is taken from here."""
    sets: tuple[Entry, ...]


class Chosen(msgspec.Struct, frozen=True):
    """An entry with its card and the suite it is of."""

    suite: str
    setting: Setting
    entry: Entry
    card: Card

    @property
    def split_num(self) -> int:
        """Labels a prompt."""
        return self.entry.split_num or (6 if self.entry.task == "NER" else 4)


def read_suite(name: str) -> tuple[Suite, tuple[Chosen, ...]]:
    """A suite that is shipped, or the suite of a file, with the cards of its data sets.

    Raises:
        InputError: no such suite, or a file that is none: with the line.
    """
    if name in SHIPPED:
        path: Path | str = f"{name}.yaml"
        raw = files("iepile.bench").joinpath("suites", f"{name}.yaml").read_bytes()
    elif name.lower().endswith((".yaml", ".yml")):
        path, raw = Path(name), read_bytes(name)
    else:
        near = difflib.get_close_matches(name, (*SHIPPED, "all"), 1)
        raise InputError(f"no suite {name!r}", field="suite", expected=", ".join((*SHIPPED, "all", "a YAML file")),
                         fix=f"did you mean {near[0]}?" if near else None)
    suite, lines = read_lined(raw, path, Suite)
    own = [load_card(Path(path).parent / card) for card in suite.cards]
    by_name = {card.name: card for card in own}
    chosen: list[Chosen] = []
    met: dict[tuple[str, str], int] = {}
    for n, entry in enumerate(suite.sets):
        try:
            chosen.append(Chosen(suite.name, suite.setting, entry, _card(entry, by_name)))
            again = met.setdefault((chosen[-1].card.name, entry.task), n)
            if again != n:
                raise InputError(f"{entry.dataset} stands twice with task {entry.task}", field="dataset",
                                 fix="keep one of them")
        except InputError as e:
            field = e.field if e.field in ("task", "split_num") else "dataset"
            raise e.at(path, lines.at("sets", n, field)) from None
    return suite, tuple(chosen)


def _card(entry: Entry, own: dict[str, Card]) -> Card:
    card = own.get(entry.dataset) or get_card(entry.dataset)
    task = get_task(entry.task)
    if task.name not in (card.task, *card.also):
        raise InputError(f"{card.name} does not serve task {entry.task}", field="task",
                         expected=", ".join((card.task, *card.also)))
    if entry.split_num < -1:
        raise InputError(f"split_num is {entry.split_num}", field="split_num", expected="-1, or 1 and more")
    return card


def read_suites(name: str) -> list[Chosen]:
    """The entries of `all` suites, or of one; see `read_suite`."""
    names = SHIPPED if name == "all" else (name,)
    return [chosen for n in names for chosen in read_suite(n)[1]]
