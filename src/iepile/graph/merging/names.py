"""A name taken apart: title, core, ending, and the marks that no two spellings of one thing differ in.

>>> name = read_name("Prof. Ada Byron, PhD", "person")
>>> name.core, name.titles
('ada byron', ('prof', 'phd'))
>>> read_name("北京大学有限公司", None).core
'北京大学'
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from iepile.tasks.matching import normal_form

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_DOTTED = re.compile(r"(?<=\b\w)\.(?=\w\b)")
_JOINING = re.compile(r"['’`´]")
# Points and commas stay between digits: 1.5 is not 15.
_PUNCTUATION = re.compile(r"(?<!\d)[.,]|[.,](?!\d)|[^\w\s.,]|_")
_PIECES = re.compile(r"\d+(?:[.,:/-]\d+)*|[\u3400-\u9fff]|[^\W\d_]+")
_LOOSE = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")


class Name(msgspec.Struct, frozen=True):
    """A name and its parts."""

    text: str
    core: str
    """Words without title and ending, in one case, without accents and punctuation, one blank between them."""
    titles: tuple[str, ...] = ()
    ending: str = ""
    marks: tuple[str, ...] = ()
    """Numbers and signs in the name, sorted: names with other marks are other things."""
    exact: str = ""
    """Of an amount or a date, all of it: such names are equal or different, never similar."""

    @property
    def letters(self) -> str:
        """The core without blanks."""
        return self.core.replace(" ", "")

    @property
    def chinese(self) -> bool:
        """Whether it holds Chinese characters."""
        return not self.core.isascii() and _CHINESE.search(self.core) is not None

    @property
    def capitals(self) -> bool:
        """Whether all its letters are capitals, as in IBM."""
        return self.text.isupper() and len(self.letters) > 1


class Words:
    """words.toml, made ready to look things up in."""

    def __init__(self) -> None:
        data: dict[str, Any] = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))
        self.kinds = {label: kind for kind, labels in data["kinds"].items() for label in labels}
        self.titles = frozenset(data["titles"]["en"])
        self.titles_after = frozenset(data["titles"]["en_after"])
        # Longest first, so that 副总统 is not read as 总统.
        self.chinese_titles = tuple(sorted(data["titles"]["zh"], key=lambda t: (-len(t), t)))
        self.gender = {word: gender for gender, words in data["gender"].items() for word in words}
        self.endings = frozenset(data["endings"]["en"])
        self.chinese_endings = tuple(sorted(data["endings"]["zh"], key=lambda t: (-len(t), t)))
        self.alias_relations = frozenset(data["alias"]["relations"])
        self.stop = frozenset(data["stop"]["en"])
        self.numbers = {w: n for n, words in data["numbers"].items() for w in (n, *words)}
        self.measures = frozenset(data["measures"]["en"])
        self.chinese_measures = frozenset(data["measures"]["zh"])
        self.numerals = frozenset(data["chinese"]["numerals"])
        self.telling = frozenset(data["chinese"]["telling"]) | self.numerals
        self.known = frozenset(data["chinese"]["words"]) | frozenset(data["english"]["words"])


@lru_cache(maxsize=1)
def words() -> Words:
    """What is known about names in general."""
    return Words()


def kind_of(type_: str | None) -> str:
    """`person`, `organisation`, `place`, `other`, or nothing where there is no type."""
    return "" if type_ is None else words().kinds.get(type_.strip().casefold(), "other")


def read_name(text: str, type_: str | None = None) -> Name:
    """Take a name apart; the type tells whether it may have a title or an ending."""
    kind = kind_of(type_)
    plain = normal_form(text)
    if not plain.isascii():
        plain = _without_accents(plain)
    exact = _exact(text, plain)
    if exact:
        return Name(text, plain, exact=exact)
    core = _JOINING.sub("", _DOTTED.sub("", plain)).replace("&", " and ")
    core = _LOOSE.sub("", " ".join(_PUNCTUATION.sub(" ", core).split())) or plain
    titles: tuple[str, ...] = ()
    ending = ""
    chinese = not core.isascii() and _CHINESE.search(core) is not None
    if kind in ("person", ""):
        core, titles = _chinese_titles(core) if chinese else _titles(core, kind)
    if kind != "person":
        core, ending = _chinese_ending(core, kind) if chinese else _ending(core)
    return Name(text, core, titles, ending, _marks(text, core))


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _titles(core: str, kind: str) -> tuple[str, tuple[str, ...]]:
    known, found = words(), []
    parts = core.split()
    # Where the type does not say person, two words must be left: General Motors is no general.
    left = 1 if kind else 2
    while len(parts) > left:
        two = " ".join(parts[:2])
        if two in known.titles and len(parts) > left + 1:
            found.append(two)
            parts = parts[2:]
        elif parts[0] in known.titles:
            found.append(parts[0])
            parts = parts[1:]
        else:
            break
    while len(parts) > left and parts[-1] in known.titles_after:
        found.append(parts.pop())
    return " ".join(parts), tuple(found)


def _chinese_titles(core: str) -> tuple[str, tuple[str, ...]]:
    found: list[str] = []
    again = True
    while again:
        again = False
        for title in words().chinese_titles:
            # One character left is a family name: 王教授 is not yet a name.
            if len(core) < len(title) + 2:
                continue
            if core.endswith(title):
                core, again = core[: -len(title)].rstrip(), True
            elif core.startswith(title):
                core, again = core[len(title) :].lstrip(), True
            if again:
                found.append(title)
                break
    return core, tuple(found)


def _ending(core: str) -> tuple[str, str]:
    parts = core.split()
    found: list[str] = []
    if len(parts) > 1 and parts[0] == "the":
        parts = parts[1:]
    while len(parts) > 1 and parts[-1] in words().endings:
        found.insert(0, parts.pop())
    return " ".join(parts), " ".join(found)


def _chinese_ending(core: str, kind: str) -> tuple[str, str]:
    for ending in words().chinese_endings:
        least = 2 if kind in ("organisation", "place") else 4
        if core.endswith(ending) and len(core) >= len(ending) + least:
            return core[: -len(ending)], ending
    return core, ""


def _marks(text: str, core: str) -> tuple[str, ...]:
    known = words()
    # C, C++ and C# differ in their signs only.
    found = [c for c in text if not (c.isalnum() or c.isspace())
             and (c in "#%@*" or unicodedata.category(c) in ("Sm", "Sc", "So"))]
    if text.rstrip().endswith("-"):
        found.append("-")
    run = ""
    for piece in _PIECES.findall(core):
        if piece in known.numerals:
            run += piece
            continue
        if run:
            found.append(run)
            run = ""
        if piece[0].isdigit():
            found.append(piece.lstrip("0") or "0")
        elif piece in known.numbers and (len(piece) > 1 or core.endswith(f" {piece}")):
            found.append(known.numbers[piece])
    if run:
        found.append(run)
    return tuple(sorted(found))


def _exact(text: str, plain: str) -> str:
    """The whole of an amount or a date with its signs, or nothing."""
    known = words()
    if not (plain[0].isdigit() or plain[0] in known.numerals or plain[0] in known.chinese_measures
            or any(c.isdigit() for c in plain) or plain.split()[0] in known.numbers
            or plain.split()[0] in known.measures):
        return ""
    numerals = others = 0
    for piece in _PIECES.findall(plain):
        if piece[0].isdigit():
            numerals += 2
        elif piece in known.numerals:
            numerals += 1
        elif piece in known.numbers:
            numerals += 2
        elif piece in known.measures and len(piece) > 2:
            numerals += piece in _DATE_WORDS
        elif piece not in known.measures and piece not in known.chinese_measures:
            others += 1
    # One numeral alone may be part of a name, as in 百度.
    if others or numerals < 2:
        return ""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


_DATE_WORDS = frozenset(("january", "february", "march", "april", "june", "july", "august", "september", "october",
                         "november", "december"))
