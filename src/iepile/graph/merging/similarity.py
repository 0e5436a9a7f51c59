"""How much two names speak for one thing: the first rule that holds gives a score and says why.

A score of 0.9 means: merge without more. Rules below it need what else is known, above all neighbours that few others
have (`decision.py`). A pair with other numbers or signs, or two amounts or dates that differ, is never similar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import msgspec
from rapidfuzz.distance import OSA

from iepile.graph.merging.names import Name, words

RULES = ("same name", "title", "ending", "word order", "typing error", "initials", "given name", "short form",
         "family name", "part of the name", "embedding")
"""All rules; `alias` comes before the rule where one of the names is an alias."""
Short = Literal["", "left", "right"]
_OF_PLACES = ("市", "省", "city")


class Evidence(msgspec.Struct, frozen=True):
    """What speaks for a pair."""

    rule: str
    score: float
    words: str
    short: Short = ""
    """Which of the two is a short form, that may stand for other names too."""


class Attested:
    """How many names hold a word, or two characters beside each other in Chinese: a slip of the pen makes new ones."""

    def __init__(self, cores: Iterable[str]) -> None:
        self.counts: Counter[str] = Counter()
        for core in cores:
            self.counts.update(set(pieces(core)))

    def known(self, piece: str) -> bool:
        """Whether it is a word of its own: in two names of the graph, or in words.toml."""
        return self.counts[piece] > 1 or piece in words().known


def pieces(core: str) -> list[str]:
    """The words of a name; of Chinese, each two characters that stand together."""
    return core.split() if core.isascii() else ["".join(two) for two in pairwise(core.replace(" ", ""))]


def differ(a: Name, b: Name) -> bool:
    """Whether the two cannot name one thing: amounts, dates, numbers, signs, or titles of another gender."""
    if a.exact or b.exact:
        return a.exact != b.exact
    if a.marks != b.marks:
        return True
    if a.titles and b.titles and a.titles != b.titles:
        gender = words().gender
        genders = [{gender[t] for t in x.titles if t in gender} for x in (a, b)]
        return bool(genders[0] and genders[1] and genders[0] != genders[1])
    return False


def judge(a: Name, b: Name, kind: str, attested: Attested) -> Evidence | None:
    """The evidence in two names of one kind of thing ("": not known), before neighbours; None: there is none."""
    if differ(a, b):
        return None
    if a.exact:
        return Evidence("same name", 1.0, "the same amount or date")
    if a.letters == b.letters:
        return _same_letters(a, b)
    if not (a.chinese or b.chinese) and (found := _word_order(a, b)):
        return found
    if found := _typing_error(a, b, attested):
        return found
    if len(a.letters) <= len(b.letters):
        return _short(a, b, kind, "left")
    return _short(b, a, kind, "right")


def _same_letters(a: Name, b: Name) -> Evidence:
    one_word = " " not in a.core and not a.chinese
    if a.titles != b.titles:
        title = " ".join((*a.titles, *b.titles))
        if a.titles and b.titles:
            return Evidence("title", 0.8 if one_word else 0.93, f"the same but for titles ({title})")
        # A family name with a title may be anyone's of that family.
        short: Short = ("right" if a.titles else "left") if one_word else ""
        return Evidence("title", 0.91 if one_word else 0.97, f"the same but for the title ({title})", short)
    if a.ending != b.ending:
        if a.ending and b.ending:
            return Evidence("ending", 0.88, f"the same but for endings ({a.ending}, {b.ending})")
        # 吉林 may be 吉林省 or 吉林市.
        of_place: Short = ("right" if a.ending else "left") if a.ending in _OF_PLACES or b.ending in _OF_PLACES else ""
        return Evidence("ending", 0.95, f"the same but for the ending ({a.ending or b.ending})", of_place)
    same = a.text == b.text
    return Evidence("same name", 1.0 if same else 0.99,
                    "the same name" if same else "the same letters; width, case, accents or punctuation differ")


def _word_order(a: Name, b: Name) -> Evidence | None:
    x, y = (sorted(w for w in n.core.split() if w not in words().stop) for n in (a, b))
    if x == y and len(x) > 1:
        return Evidence("word order", 0.95, "the same words in another order")
    return None


def _typing_error(a: Name, b: Name, attested: Attested) -> Evidence | None:
    longest = max(len(a.letters), len(b.letters))
    distance = OSA.distance(a.letters, b.letters, score_cutoff=2)
    if distance > 2 or longest < 4:
        return None
    near = 1 - distance / longest
    if near < 0.75:
        return None
    found = _chinese_slip(a, b, distance, attested) if a.chinese or b.chinese else _slip(a, b, attested)
    if found is None:
        return None
    certain, what = found
    return Evidence("typing error", 0.5 + 0.5 * near - (0 if certain else 0.2),
                    f"{distance} typing error{'s' * (distance > 1)} in {longest} letters ({what})")


def _slip(a: Name, b: Name, attested: Attested) -> tuple[bool, str] | None:
    """Whether a slip is likely, and which words it is in; None where the words differ otherwise."""
    x, y = a.core.split(), b.core.split()
    if len(x) != len(y):
        return (False, "one word more") if OSA.distance(a.core, b.core) <= 2 else None
    changed = [(v, w) for v, w in zip(x, y, strict=True) if v != w]
    certain = True
    for v, w in changed:
        if attested.known(v) and attested.known(w):
            return None
        if len(v) < 4 and len(w) < 4:
            return None
        distance = OSA.distance(v, w)
        if distance > (1 if max(len(v), len(w)) < 8 else 2):
            return None
        swapped = sorted(v) == sorted(w)
        certain &= max(len(v), len(w)) > 4 and (v[0] == w[0] or swapped)
    return certain, ", ".join(f"{v} / {w}" for v, w in changed)


def _chinese_slip(a: Name, b: Name, distance: int, attested: Attested) -> tuple[bool, str] | None:
    x, y = a.letters, b.letters
    if distance > 1:
        return None
    start = 0
    while start < min(len(x), len(y)) and x[start] == y[start]:
        start += 1
    end = 0
    while end < min(len(x), len(y)) - start and x[-1 - end] == y[-1 - end]:
        end += 1
    out, into = x[start : len(x) - end], y[start : len(y) - end]
    what = f"{out or '-'} / {into or '-'}"
    if any(c in words().telling for c in out + into):
        return None
    around = [[s[i : i + 2] for i in range(max(start - 1, 0), min(len(s) - end, len(s) - 1))] for s in (x, y)]
    if all(any(map(attested.known, side)) for side in around):
        return None
    if len(x) != len(y):
        # A character too many is a slip where it stands twice; else it may be a word.
        at, extra = max(start, 1), out or into
        return (x if out else y)[at - 1] == extra or min(len(x), len(y)) >= 6, what
    swapped = sorted(out) == sorted(into)
    return (start > 0 or swapped) and (swapped or len(x) > 4), what


def _short(a: Name, b: Name, kind: str, side: Short) -> Evidence | None:
    """Whether `a` is a short form of `b`."""
    if a.chinese or b.chinese:
        return _chinese_short(a, b, kind, side) if a.chinese and b.chinese else None
    x, y = a.core.split(), b.core.split()
    if kind != "person" and len(x) == 1 and len(y) > 1 and a.letters in initials(y):
        sure = len(a.letters) > 2 and a.capitals
        return Evidence("initials", 0.94 if sure else 0.84, f"the first letters of the words of {b.text!r}", side)
    if kind in ("person", "") and len(x) > 1 and _given(x, y):
        return Evidence("given name", 0.93, f"the same family name, and the first letters of {b.text!r}", side)
    if len(x) < len(y) and x and len(a.letters) > 2:
        if kind in ("person", "") and len(x) == 1 and x[0] == y[-1]:
            return Evidence("family name", 0.8, f"the last word of {b.text!r}", side)
        if kind == "person" and len(x) > 1 and x[0] == y[0] and x[-1] == y[-1]:
            return Evidence("part of the name", 0.87, f"{b.text!r} without the names between", side)
        if y[: len(x)] == x:
            return Evidence("part of the name", 0.75, f"the first words of {b.text!r}", side)
    return None


def initials(parts: list[str]) -> tuple[str, str]:
    """First letters of the words, with and without small words like of."""
    stop = words().stop
    return "".join(w[0] for w in parts), "".join(w[0] for w in parts if w not in stop)


def _given(x: list[str], y: list[str]) -> bool:
    """J Smith and John Smith, J R Smith and John Ronald Smith, J Smith and John R Smith."""
    if x[-1] != y[-1] or len(x[-1]) < 2 or len(x) > len(y) or x == y:
        return False
    given, full = x[:-1], y[:-1]
    if len(given) == 1 and 1 < len(given[0]) == len(full) and given[0] == "".join(w[0] for w in full):
        return True
    some = False
    for v, w in zip(given, full, strict=False):
        some |= v != w and len(v) == 1 < len(w)
        if v != w and not (len(v) == 1 and w.startswith(v)):
            return False
    return some


def _chinese_short(a: Name, b: Name, kind: str, side: Short) -> Evidence | None:
    x, y = a.letters, b.letters
    if kind == "person" or not 2 <= len(x) <= min(5, len(y) - 2) or x[0] != y[0]:
        return None
    rest = iter(y)
    if not all(c in rest for c in x):
        return None
    if y.startswith(x):
        # 中国 begins 中国银行, and is another thing.
        return Evidence("part of the name", 0.8, f"the beginning of {b.text!r}", side)
    # 北京大学 is whole, and not 北京师范大学.
    if x[-1] not in y[-3:] or x[-2:] == y[-2:]:
        return None
    sure = len(x) > 2 or kind == "organisation"
    return Evidence("short form", 0.93 if sure else 0.88, f"characters of {b.text!r} in their order", side)
