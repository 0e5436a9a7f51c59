"""The numbers that Word writes before the paragraphs of a list: they are in no text, only in rules (`numbering.xml`).

ECMA-376 part 1, 17.9: a paragraph names a list and a level; a level has a format (`decimal`, `lowerRoman`), a start and
a text (`%1.%2`, where %2 is the number of level 2). Articles of contracts are numbered so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LEVELS = 9
_DIGITS = "〇一二三四五六七八九"
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
          (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


class Lists:
    """The lists of a document, and how far each is counted.

    Args:
        numbering: root of `numbering.xml`, or None.
    """

    def __init__(self, numbering: Any) -> None:
        rules = [] if numbering is None else list(numbering)
        kinds = {value(k, "abstractNumId"): k for k in rules if k.tag.endswith("}abstractNum")}
        self._levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._counts: dict[str, list[int | None]] = {}
        for number in (k for k in rules if k.tag.endswith("}num")):
            of = number.find("{*}abstractNumId")
            kind = kinds.get(None if of is None else value(of, "val"))
            if kind is None:
                continue
            levels = dict(_level(level) for level in kind.iterfind("{*}lvl"))
            for override in number.iterfind("{*}lvlOverride"):
                if (level := override.find("{*}lvl")) is not None:
                    levels.update((_level(level),))
                elif (start := override.find("{*}startOverride")) is not None:
                    at = whole(value(override, "ilvl"), 0)
                    levels[at] = (*levels.get(at, ("decimal", f"%{at + 1}.", 1))[:2], whole(value(start, "val"), 1))
            self._levels[value(number, "numId") or ""] = levels

    def next(self, list_: str, level: int) -> str:
        """What stands before the next paragraph of a list at a level (from 0); nothing for a list that is not known."""
        levels = self._levels.get(list_)
        if not levels or level not in levels or not 0 <= level < LEVELS:
            return ""
        counts = self._counts.setdefault(list_, [None] * LEVELS)
        form, text, start = levels[level]
        before = counts[level]
        counts[level] = start if before is None else before + 1
        counts[level + 1:] = [None] * (LEVELS - level - 1)
        if form == "bullet":
            return "-"
        if form == "none":
            return ""
        for at in range(LEVELS):
            if f"%{at + 1}" in text:
                of, _, first = levels.get(at, ("decimal", "", 1))
                count = counts[at]
                text = text.replace(f"%{at + 1}", written(first if count is None else count, of))
        return text.strip()


def _level(level: Any) -> tuple[int, tuple[str, str, int]]:
    said = {name: value(found, "val") for name in ("numFmt", "lvlText", "start")
            if (found := level.find("{*}" + name)) is not None}
    at = whole(value(level, "ilvl"), 0)
    return at, (said.get("numFmt") or "decimal", said.get("lvlText") or "", whole(said.get("start"), 1))


def value(element: Any, name: str) -> str | None:
    """An attribute of the element, whatever its namespace."""
    return next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == name), None)


def whole(text: str | None, default: int) -> int:
    """A number as it is written in an attribute."""
    try:
        return int(text or "")
    except ValueError:
        return default


def written(number: int, form: str) -> str:
    """A number as a list writes it.

    >>> written(4, "lowerRoman"), written(28, "upperLetter"), written(23, "chineseCounting")
    ('iv', 'BB', '二十三')
    """
    make = _FORMS.get(form)
    return str(number) if make is None or not 0 < number < 4000 else make(number)


def _roman(number: int) -> str:
    out = ""
    for worth, letters in _ROMAN:
        out += letters * (number // worth)
        number %= worth
    return out


def _letter(number: int) -> str:
    return chr(ord("A") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _chinese(number: int) -> str:
    if number >= 100:
        return "".join(_DIGITS[int(d)] for d in str(number))
    tens, ones = divmod(number, 10)
    return (("" if tens == 1 else _DIGITS[tens]) + "十" if tens else "") + (_DIGITS[ones] if ones or not tens else "")


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerRoman": lambda n: _roman(n).lower(), "upperRoman": _roman,
    "lowerLetter": lambda n: _letter(n).lower(), "upperLetter": _letter,
    "decimalZero": lambda n: f"{n:02}", "decimalEnclosedParen": lambda n: f"({n})",
    "chineseCounting": _chinese, "chineseCountingThousand": _chinese, "japaneseCounting": _chinese,
    "taiwaneseCounting": _chinese, "taiwaneseCountingThousand": _chinese, "ideographDigital": _chinese,
    "decimalEnclosedCircle": lambda n: chr(0x2460 + n - 1) if n <= 20 else f"({n})",
    "decimalEnclosedCircleChinese": lambda n: chr(0x2460 + n - 1) if n <= 20 else f"({n})",
}
