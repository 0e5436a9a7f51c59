"""Texts that teach nothing: empty, cut off, tables of figures, repeated signs, another language.

The limits are low: a headline, a post full of emoji, a line of a CV, a team sheet and a dateline all pass.
A share of stop words is only measured on a text long enough to have one (`_ENOUGH`).

>>> judge(Document("-----------------"), limits_for("en")).value
'few letters'
>>> judge(Document("Oberwald, 3 May"), limits_for("en"))
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from iepile.corpus.rejects import Reason, Rejects
from iepile.corpus.shingles import tokens
from iepile.errors import InputError
from iepile.language import language_of
from iepile.records import Document


@dataclass(kw_only=True)
class QualitySettings:
    """Which texts are left out. A limit that is given holds for both languages."""

    filters: bool = True
    """Apply the limits below; without, only empty texts are left out."""
    min_characters: int | None = None
    """Fewest characters; default: 2 in Chinese, 3 in English."""
    max_characters: int | None = None
    """Most characters; default: 20,000 in Chinese, 60,000 in English."""
    min_letters: float | None = None
    """Lowest share of letters among characters that are no blanks (a Chinese character is one); default: 0.1."""
    min_stop_words: float | None = None
    """Lowest share of stop words among words (en) or characters (zh) of a long text; default: 0.01 in Chinese,
    0.02 in English."""
    max_repeated_characters: float | None = None
    """Highest share of characters in runs of five or more equal ones; default: 0.7."""
    max_repeated_lines: float | None = None
    """Highest share of lines that were there before, of at least four; default: 0.5."""
    check_language: bool = True
    """Leave out a text without a word in the language its record names."""


class Limits(msgspec.Struct, frozen=True):
    """The limits of one language."""

    min_characters: int
    max_characters: int
    min_letters: float
    min_stop_words: float
    max_repeated_characters: float
    max_repeated_lines: float


DEFAULTS = {
    "zh": Limits(2, 20_000, 0.1, 0.01, 0.7, 0.5),
    "en": Limits(3, 60_000, 0.1, 0.02, 0.7, 0.5),
}
"""Limits by language."""

_ENOUGH = {"zh": 200, "en": 100, "lines": 4, "letters": 20}
"""From how many a share means something: Chinese characters and English words, for stop words; lines; letters of
another language."""

_RUN = re.compile(r"(\S)\1{4,}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")


def limits_for(language: str, settings: QualitySettings | None = None) -> Limits:
    """The limits of a language, changed by what the settings give.

    Raises:
        InputError: a share that is none.
    """
    limits = DEFAULTS[language if language in DEFAULTS else "en"]
    given = {name: value for name in Limits.__struct_fields__
             if settings is not None and (value := getattr(settings, name)) is not None}
    for name, value in given.items():
        if not value >= 0 or (value > 1 and not name.endswith("_characters")) or (
                value > 1 and name == "max_repeated_characters"):
            form = "a share from 0 to 1" if isinstance(getattr(limits, name), float) else "0 or more"
            raise InputError(f"{name} is {value}", field=name, expected=form)
    return msgspec.structs.replace(limits, **given)


def judge(doc: Document, limits: Limits, check_language: bool = True) -> Reason | None:
    """Why a document is left out; None to keep it. The language of its record, else its script, counts."""
    text = doc.text
    if not text or text.isspace():
        return Reason.EMPTY
    size = len(text)
    if size < limits.min_characters:
        return Reason.SHORT
    if size > limits.max_characters:
        return Reason.LONG
    solid = "".join(text.split())
    if sum(map(str.isalpha, solid)) < limits.min_letters * len(solid):
        return Reason.FEW_LETTERS
    if sum(len(m[0]) for m in _RUN.finditer(text)) > limits.max_repeated_characters * len(solid):
        return Reason.REPEATED_CHARACTERS
    if "\n" in text and _repeated_lines(text) > limits.max_repeated_lines:
        return Reason.REPEATED_LINES
    if check_language and doc.language in _STRANGERS and _is_foreign(text, doc.language):
        return Reason.LANGUAGE
    language = doc.language if doc.language in DEFAULTS else language_of(text)
    if size >= _ENOUGH[language] and limits.min_stop_words > 0:
        words = tokens(text)
        if len(words) >= _ENOUGH[language]:
            known = stop_words(language)
            if sum(word in known for word in words) < limits.min_stop_words * len(words):
                return Reason.FEW_STOP_WORDS
    return None


class Quality:
    """The step: documents in, those worth learning from out."""

    def __init__(self, settings: QualitySettings, rejects: Rejects) -> None:
        self.settings, self.rejects = settings, rejects
        self.limits = {language: limits_for(language, settings) for language in DEFAULTS}

    def run(self, docs: Iterable[Document]) -> Iterator[Document]:
        """Pass on what is good enough; the rest goes to the rejects."""
        for doc in docs:
            reason = self._judge(doc)
            if reason is None:
                yield doc
            else:
                self.rejects.drop(doc, reason)

    def _judge(self, doc: Document) -> Reason | None:
        if not self.settings.filters:
            return None if doc.text.strip() else Reason.EMPTY
        language = doc.language if doc.language in DEFAULTS else language_of(doc.text)
        return judge(doc, self.limits[language], self.settings.check_language)


@functools.cache
def stop_words(language: str) -> frozenset[str]:
    """The words (zh: characters) that running text is never without; see the folder `stopwords`."""
    return frozenset(files("iepile.corpus").joinpath(f"stopwords/{language}.txt").read_text("utf-8").split())


_STRANGERS = {"zh": (_CHINESE, _LATIN), "en": (_LATIN, _CHINESE)}


def _is_foreign(text: str, language: str) -> bool:
    """Not one letter of the language, and enough of the other's."""
    own, other = _STRANGERS[language]
    return own.search(text) is None and len(other.findall(text)) >= _ENOUGH["letters"]


def _repeated_lines(text: str) -> float:
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    return 1 - len(frozenset(lines)) / len(lines) if len(lines) >= _ENOUGH["lines"] else 0.0
