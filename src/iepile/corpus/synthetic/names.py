"""Names, dates and sums composed from parts; no name of one split can turn up in another.

A name is made of a head and a tail. The residue of their positions modulo ten decides the split it belongs
to, and everything that carries the name (a company and its product, a place and its university) belongs
there too. Dates, sums and plain words are the same in all splits.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

RESIDUES = {"train": (0, 1, 2, 3, 4, 5, 6, 7), "dev": (8,), "test": (9,)}
"""Residues of each split, of ten."""

Filler = tuple[str, str]
"""What stands before the mention (a preposition) and the mention."""


class Cast(NamedTuple):
    """Those of a text who may be met again in it."""

    name: str
    """Slots of one name draw from one cast."""
    chance: float
    """That a slot takes one of them, if there is any."""
    joins: bool = True
    """Whether what is new in the slot joins them."""


class Drawing(Protocol):
    """What fills slots, for one split."""

    @property
    def draw(self) -> Mapping[str, Callable[[], Filler]]:
        """Slot -> something new for it."""

    @property
    def casts(self) -> Mapping[str, Cast]:
        """Of slots whose fillers recur."""

    def again(self, slot: str, filler: Filler) -> Filler:
        """The filler as it is called when the text comes back to it."""


class Names(ABC):
    """Draws what a slot needs, for one split."""

    # Companies alone recur where a pattern asks for an organisation; a council does not buy its rival.
    casts: Mapping[str, Cast] = {**{slot: Cast(slot, 0.35) for slot in "POLD"}, "G": Cast("O", 0.35, joins=False)}

    def __init__(self, inventory: Mapping[str, Any], split: str, rng: random.Random) -> None:
        parts: Mapping[str, str] = inventory["parts"]
        self.random = rng.random
        self.residues = RESIDUES[split]
        self.parts = {key: listed(value) for key, value in parts.items()}
        fillers: Mapping[str, list[str]] = inventory["fillers"]
        self.draw: dict[str, Callable[[], Filler]] = {
            "P": self._person,
            "W": self._woman,
            "H": self._man,
            "O": self._company,
            "G": self._organisation,
            "L": self._place,
            "T": self._date,
            "D": self._product,
            "A": self._amount,
            "N": self._headcount,
            "X": self._deaths,
            "M": self._magnitude,
            **{letter: self._words(words) for letter, words in fillers.items()},
        }

    def again(self, slot: str, filler: Filler) -> Filler:
        """The filler as it is called when the text comes back to it."""
        return filler

    def _any(self, items: Sequence[str]) -> str:
        """One of the items."""
        return items[int(self.random() * len(items))]

    def _pair(self, heads: Sequence[str], tails: Sequence[str]) -> str:
        """A head and a tail whose residue is of this split; the number of tails is a multiple of ten."""
        first = int(self.random() * len(heads))
        residue = self.residues[int(self.random() * len(self.residues))]
        second = int(self.random() * (len(tails) // 10)) * 10 + (residue - first) % 10
        return heads[first] + tails[second]

    def _number(self, low: int, high: int) -> int:
        """A number from low to high - 1."""
        return low + int(self.random() * (high - low))

    def _words(self, words: Sequence[str]) -> Callable[[], Filler]:
        return lambda: ("", self._any(words))

    def _organisation(self) -> Filler:
        """A company or a public body."""
        if self.random() < 0.5:
            return self._company()
        return "", self._any(self.parts["institution"]).replace("{}", self._place()[1])

    @abstractmethod
    def _person(self) -> Filler:
        """A person."""

    def _woman(self) -> Filler:
        """A person whom the text calls a wife."""
        return self._person()

    def _man(self) -> Filler:
        """A person whom the text calls a husband."""
        return self._person()

    @abstractmethod
    def _company(self) -> Filler:
        """A company."""

    @abstractmethod
    def _place(self) -> Filler:
        """A town or district."""

    @abstractmethod
    def _product(self) -> Filler:
        """A product, which may be called as a company is."""

    @abstractmethod
    def _date(self) -> Filler:
        """A date."""

    @abstractmethod
    def _amount(self) -> Filler:
        """A sum of money."""

    @abstractmethod
    def _headcount(self) -> Filler:
        """A number of employees."""

    @abstractmethod
    def _deaths(self) -> Filler:
        """A number of people."""

    @abstractmethod
    def _magnitude(self) -> Filler:
        """The strength of an earthquake."""


class EnglishNames(Names):
    """Names in English."""

    def again(self, slot: str, filler: Filler) -> Filler:
        """The filler, or a person's surname."""
        if slot == "P" and self.random() < 0.4:
            return "", filler[1].rpartition(" ")[2]
        return filler

    def _surname(self) -> str:
        """A family name; it decides the split of a person."""
        return self._pair(self.parts["last_head"], self.parts["last_tail"])

    def _person(self) -> Filler:
        how = self.random()
        if how < 0.08:
            return "", self._surname()
        return self._named(self.parts["women" if how < 0.54 else "men"])

    def _woman(self) -> Filler:
        return self._named(self.parts["women"])

    def _man(self) -> Filler:
        return self._named(self.parts["men"])

    def _named(self, first_names: Sequence[str]) -> Filler:
        first = self._any(first_names)
        if self.random() < 0.18:
            return "", f"{first} {chr(65 + self._number(0, 26))}. {self._surname()}"
        return "", f"{first} {self._surname()}"

    def _stem(self) -> str:
        return self._pair(self.parts["stem_head"], self.parts["stem_tail"])

    def _company(self) -> Filler:
        how, parts = self.random(), self.parts
        # A company called as a person or a town is: only the context tells.
        if how < 0.12:
            return "", self._surname()
        if how < 0.16:
            return "", self._town()
        if how < 0.22:
            return "", self._surname() + " " + self._any(parts["industry"])
        if how < 0.36:
            return "", self._stem()
        if how < 0.65:
            return "", self._stem() + " " + self._any(parts["industry"])
        if how < 0.8:
            return "", self._stem() + " " + self._any(parts["form"])
        return "", f"{self._stem()} {self._any(parts['industry'])} {self._any(parts['form'])}"

    def _town(self) -> str:
        return self._pair(self.parts["place_head"], self.parts["place_tail"])

    def _place(self) -> Filler:
        return "", self._any(self.parts["district"]) + self._town() if self.random() < 0.2 else self._town()

    def _product(self) -> Filler:
        how, name = self.random(), self._stem()
        if how < 0.3:
            return "", name
        line = self._any(self.parts["line"])
        return "", f"{name} {line} {self._number(2, 20)}" if how < 0.65 else f"{name} {line}"

    def _date(self) -> Filler:
        how, parts = self.random(), self.parts
        if how < 0.3:
            return "", self._any(parts["relative"])
        if how < 0.45:
            return "on ", self._any(parts["weekday"])
        if how < 0.6:
            return "in ", str(self._number(1950, 2026))
        if how < 0.8:
            return "in ", f"{self._any(parts['month'])} {self._number(1990, 2026)}"
        day, month = self._number(1, 29), self._any(parts["month"])
        if how < 0.9:
            return "on ", f"{day} {month} {self._number(1990, 2026)}"
        return "on ", f"{month} {day}"

    def _amount(self) -> Filler:
        how = self.random()
        if how < 0.4:
            return (
                "",
                f"${self._number(1, 100)}.{self._number(0, 10)} {'billion' if how < 0.15 else 'million'}",
            )
        if how < 0.6:
            return "", f"{self._number(2, 1000)} million {'euros' if how < 0.5 else 'yuan'}"
        if how < 0.8:
            return "", f"£{self._number(10, 1000)},000"
        return "", f"€{self._number(2, 1000)} million"

    def _headcount(self) -> Filler:
        number = self._number(12, 9000)
        return "", f"{number // 1000},{number % 1000:03d}" if number > 999 else str(number)

    def _deaths(self) -> Filler:
        return "", str(self._number(2, 900))

    def _magnitude(self) -> Filler:
        return "", f"{self._number(3, 9)}.{self._number(0, 10)}"


class ChineseNames(Names):
    """Names in Chinese."""

    def _person(self) -> Filler:
        parts, residues = self.parts, self.residues
        surnames, given = parts["surname"], parts["given"]
        first = int(self.random() * len(surnames))
        middle = -1 if self.random() < 0.25 else int(self.random() * len(given))
        residue = residues[int(self.random() * len(residues))]
        last = int(self.random() * (len(given) // 10)) * 10 + (residue - first - middle) % 10
        return "", surnames[first] + (given[middle] if middle >= 0 else "") + given[last]

    def _stem(self) -> str:
        return self._pair(self.parts["stem_head"], self.parts["stem_tail"])

    def _company(self) -> Filler:
        how, parts = self.random(), self.parts
        # A company called as a person or a town is: only the context tells.
        if how < 0.12:
            return self._person()
        if how < 0.16:
            return "", self._town()
        if how < 0.26:
            return "", self._stem()
        if how < 0.5:
            return "", self._stem() + self._any(parts["industry"])
        if how < 0.65:
            return "", self._stem() + self._any(parts["form"])
        name = self._stem() + self._any(parts["industry"]) + self._any(parts["form"])
        return "", self._place()[1] + name if how > 0.9 else name

    def _town(self) -> str:
        return self._pair(self.parts["place_head"], self.parts["place_tail"])

    def _place(self) -> Filler:
        name = self._town()
        return "", name if self.random() < 0.25 else name + self._any(self.parts["place_kind"])

    def _product(self) -> Filler:
        how, name = self.random(), self._stem()
        if how < 0.3:
            return "", name
        if how < 0.6:
            return "", f"{name}{'XSMTZ'[self._number(0, 5)]}{self._number(2, 20)}"
        line = self._any(self.parts["line"])
        return "", f"{name}{line}{self._number(2, 12)}" if how < 0.75 else name + line

    def _date(self) -> Filler:
        how = self.random()
        if how < 0.3:
            return "", self._any(self.parts["relative"])
        if how < 0.45:
            return "", f"{self._number(1950, 2026)}年"
        if how < 0.65:
            return "", f"{self._number(1990, 2026)}年{self._number(1, 13)}月"
        day = f"{self._number(1, 13)}月{self._number(1, 29)}日"
        return "", f"{self._number(1990, 2026)}年{day}" if how < 0.85 else day

    def _amount(self) -> Filler:
        how = self.random()
        unit = ("元", "美元", "欧元", "元人民币")[self._number(0, 4)]
        if how < 0.4:
            return "", f"{self._number(1, 100)}.{self._number(1, 10)}亿{unit}"
        if how < 0.8:
            return "", f"{self._number(2, 9900)}万{unit}"
        return "", f"{'一二三五六八'[self._number(0, 6)]}{'千百'[self._number(0, 2)]}万{unit}"

    def _headcount(self) -> Filler:
        return "", f"{self._number(12, 9000)}{'人' if self.random() < 0.6 else '名员工'}"

    def _deaths(self) -> Filler:
        return "", f"{self._number(2, 900)}人"

    def _magnitude(self) -> Filler:
        return "", f"{self._number(3, 9)}.{self._number(0, 10)}级"


def listed(value: str) -> list[str]:
    """Parts are separated by `|` or blanks, or are single characters."""
    if "|" in value:
        return value.split("|")
    return value.split() if " " in value else list(value)
