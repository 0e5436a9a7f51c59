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
_OF_PLACES = ("市", "省")
_INFLECTIONS = ("s", "es", "n", "an", "ian")
FAR_RARER = 20
"""How much rarer than the word beside it a word must be to be a slip, where it is in more than one name."""


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

    def known(self, piece: str, beside: Iterable[str] = ()) -> bool:
        """Whether it is a word of its own: in words.toml, or in two names of the graph, unless it is far rarer than
        what stands in its place: a slip that many names offer is made more than once.
        """
        if piece in words().known:
            return True
        count = self.counts[piece]
        return count > 1 and count * FAR_RARER > max((self.counts[p] for p in beside), default=0)


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
    """The evidence in two names of one kind of thing (`names.kind_of`), before neighbours; None: there is none."""
    if differ(a, b):
        return None
    if a.exact:
        return Evidence("same name", 1.0, "the same amount or date")
    if a.letters == b.letters:
        return _same_letters(a, b)
    if not (a.chinese or b.chinese) and (found := _word_order(a, b)):
        return found
    if found := _typing_error(a, b, kind, attested):
        return found
    if a.ending != b.ending and not (a.chinese or b.chinese) and (
            found := _typing_error(_with_ending(a), _with_ending(b), kind, attested)):
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
            longer, shorter = sorted((a.ending.split(), b.ending.split()), key=len, reverse=True)
            # Works Company and Works Company Ltd; but not Works Inc. and Works Ltd.
            score = 0.95 if longer[: len(shorter)] == shorter else 0.88
            return Evidence("ending", score, f"the same but for endings ({a.ending}, {b.ending})")
        # 吉林 may be 吉林省 or 吉林市.
        of_place: Short = ("right" if a.ending else "left") if a.ending in _OF_PLACES or b.ending in _OF_PLACES else ""
        return Evidence("ending", 0.95, f"the same but for the ending ({a.ending or b.ending})", of_place)
    same = a.text == b.text
    return Evidence("same name", 1.0 if same else 0.99,
                    "the same name" if same else "the same letters; width, case, accents or punctuation differ")


def _with_ending(name: Name) -> Name:
    """A slip may be in the ending, which is then none that is known."""
    return msgspec.structs.replace(name, core=f"{name.core} {name.ending}".strip(), ending="")


def _word_order(a: Name, b: Name) -> Evidence | None:
    x, y = (sorted(w for w in n.core.split() if w not in words().stop) for n in (a, b))
    if x == y and len(x) > 1:
        return Evidence("word order", 0.95, "the same words in another order")
    return None


def _typing_error(a: Name, b: Name, kind: str, attested: Attested) -> Evidence | None:
    longest = max(len(a.letters), len(b.letters))
    distance = OSA.distance(a.letters, b.letters, score_cutoff=2)
    if distance > 2 or longest < 4:
        return None
    near = 1 - distance / longest
    if near < 0.75:
        return None
    found = _chinese_slip(a, b, distance, attested) if a.chinese or b.chinese else _slip(a, b, kind, attested)
    if found is None:
        return None
    certain, what = found
    return Evidence("typing error", 0.5 + 0.5 * near - (0 if certain else 0.2),
                    f"{distance} typing error{'s' * (distance > 1)} in {longest} letters ({what})")


def _slip(a: Name, b: Name, kind: str, attested: Attested) -> tuple[bool, str] | None:
    """Whether a slip is likely, and which words it is in; None where the words differ otherwise."""
    x, y = a.core.split(), b.core.split()
    if len(x) != len(y):
        return _run_together(x, y, attested) if OSA.distance(a.core, b.core) <= 2 else None
    changed = [(v, w) for v, w in zip(x, y, strict=True) if v != w]
    certain = True
    for v, w in changed:
        known = attested.known(v, (w,)), attested.known(w, (v,))
        if all(known) or (len(v) < 4 and len(w) < 4) or _inflected(v, w, kind):
            return None
        longest, distance = max(len(v), len(w)), OSA.distance(v, w)
        if distance > (1 if longest < 8 else 2):
            return None
        one_known = known[0] != known[1]
        swapped = sorted(v) == sorted(w)
        # Hunan and Henan, Dumont and Dupont: a short name of one word is likely another's.
        alone = len(x) == 1 and longest < 9 and not swapped and set(v) != set(w)
        first = v[0] == w[0] or swapped or (longest > 7 and one_known)
        certain &= longest > 4 and first and not alone and (distance == 1 or (one_known and longest > 10))
    return certain, ", ".join(f"{v} / {w}" for v, w in changed)


def _inflected(v: str, w: str, kind: str) -> bool:
    """Uighur and Uighurs, Columbia and Columbian: other words, and mostly other things; of other kinds of things one
    and many are one thing.
    """
    short, long = sorted((v, w), key=len)
    if long.startswith(short) and long[len(short) :] in _INFLECTIONS:
        return kind != "other" or not long.endswith("s")
    return {v[-3:], w[-3:]} == {"ism", "ist"} or {v[-3:], w[-3:]} == {"sts", "ism"}


def _run_together(x: list[str], y: list[str], attested: Attested) -> tuple[bool, str]:
    """Two words with no blank between them, which nobody else writes so."""
    one, two = ([v for v in a if v not in b] for a, b in ((x, y), (y, x)))
    if len(one) > len(two):
        one, two = two, one
    certain = (len(one) == 1 and len(two) == 2 and min(map(len, two)) > 2 and not attested.known(one[0], two)
               and all(attested.counts[w] > 1 for w in two))
    return certain, f"{' '.join(one)} / {' '.join(two)}" if certain else "one word more"


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
    # 北方 is rarer than 北京, and no slip: of two characters no rarity tells.
    if all(any(map(attested.known, side)) for side in around):
        return None
    if len(x) != len(y):
        # A character too many is a slip where it stands twice; else it may be a word, above all at either end.
        twice = start > 0 and x[start - 1] == (out or into)
        return twice or (start > 0 and end > 0 and min(len(x), len(y)) >= 6), what
    if sorted(out) == sorted(into):
        return True, what
    # Another character is a slip where it makes nonsense of what is known; the last one tells a bureau from a society.
    one_known = any(map(attested.known, around[0])) != any(map(attested.known, around[1]))
    return start > 0 and end > 0 and len(x) > 5 and one_known, what


def _short(a: Name, b: Name, kind: str, side: Short) -> Evidence | None:
    """Whether `a` is a short form of `b`."""
    if a.chinese or b.chinese:
        return _chinese_short(a, b, kind, side) if a.chinese and b.chinese else None
    x, y = a.core.split(), b.core.split()
    if kind != "person" and len(x) == 1 and len(y) > 1 and a.letters in (
            *initials(y), *initials([*y, *b.ending.split()])):
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
    if kind in ("person", "other") or not 2 <= len(x) <= min(5, len(y) - 2) or x[0] != y[0]:
        return None
    rest = iter(y)
    if not all(c in rest for c in x):
        return None
    if y.startswith(x):
        # 中国 begins 中国银行, and is another thing.
        return Evidence("part of the name", 0.8, f"the beginning of {b.text!r}", side)
    # 浙江大学 is whole, and not 浙江工业大学; nor is 国防部 short for 国防情报部, or 人民日报社 for 人民日报出版社.
    if (x[-1] not in y[-3:] or x[-2:] in y or x[-2:] in words().known or (len(x) < 4 and x[:2] in y)
            or any(x[i : i + 2] in y for i in range(2, len(x) - 1)) or (a.ending and not b.ending)):
        return None
    if len(x) == 2:
        # 北大 has the first characters of two words.
        if len(y) != 4 or x[1] != y[2] or x[0] == x[1]:
            return None
        return Evidence("short form", 0.93 if kind == "organisation" else 0.88,
                        f"the first characters of the words of {b.text!r}", side)
    return Evidence("short form", 0.93 if len(x) == 3 else 0.88, f"characters of {b.text!r} in their order", side)
