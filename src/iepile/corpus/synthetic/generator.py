"""Annotated documents made by rule, in Chinese and English, as many as wanted.

    for doc in generate(1000, "zh", seed=1, split="train"):
        ...

Document i depends on (seed, split, language, i) and nothing else, so ranges can be made in parallel
(`start`) and in any order. Offsets are exact. Names of the test and dev splits never occur in training, nor
does one wording in seven. The types, relations and events are those of `examples/data/schema_zh.yaml` and
`schema_en.yaml`.

A document is one to four clauses. A clause states a fact in one of a dozen wordings, or none: it then uses
the words of the facts in another sense. Names recur within a document, and some fit a person as well as a
company.
"""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.corpus.synthetic.names import RESIDUES, ChineseNames, EnglishNames, Filler, Names
from iepile.corpus.synthetic.patterns import Pattern, Wording, pattern, wording
from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Relation, Span

LANGUAGES = ("zh", "en")
SPLITS = tuple(RESIDUES)

HELD_OUT = 7
"""One wording in so many is kept out of training, to be met first in dev and test."""

_NAMES = {"zh": ChineseNames, "en": EnglishNames}
_RECURRING = frozenset("POGLD")
_ANNOTATED = ("entity", "relation", "event")


def generate(
    n: int, language: str = "zh", seed: int = 0, split: str = "train", start: int = 0
) -> Iterator[Document]:
    """Yield documents `start` to `start + n - 1`.

    Raises:
        InputError: no such language or split, or a negative number.
    """
    if language not in LANGUAGES:
        raise InputError(f"no language {language!r}", field="language", expected=" or ".join(LANGUAGES))
    if split not in SPLITS:
        raise InputError(f"no split {split!r}", field="split", expected=" or ".join(SPLITS))
    if min(n, seed, start) < 0:
        raise InputError("a negative number", field="n, seed, start", expected="0 or more")
    return _generate(n, language, seed, split, start)


def _generate(n: int, language: str, seed: int, split: str, start: int) -> Iterator[Document]:
    rng = random.Random()
    composer = Composer(language, split, rng)
    prefix = (seed << 8 | LANGUAGES.index(language) << 4 | SPLITS.index(split)) << 64
    for i in range(start, start + n):
        rng.seed(prefix | i)
        yield composer.document(f"synthetic-{language}-{split}-{seed}-{i}")


@functools.cache
def inventory(language: str) -> dict[str, Any]:
    """The data file of a language."""
    return tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8"))


class Composer:
    """Writes one document after the other from what the random generator gives."""

    def __init__(self, language: str, split: str, rng: random.Random) -> None:
        data = inventory(language)
        types, openers = data["types"], data["openers"]
        self.language, self.random = language, rng.random
        self.names: Names = _NAMES[language](data, split, rng)
        self.surname_only = language == "en"
        self.end: str = data["joints"]["end"]
        self.sentence: list[str] = data["joints"]["sentence"]
        self.clause: list[str] = data["joints"]["clause"]
        self.openers = [pattern(text, (), types) for text in openers["plain"] + openers["naming"]]
        facts: dict[str, list[Wording]] = {}
        for group in data["patterns"]:
            label = group["states"][0].partition("(")[0] if group["states"] else ""
            wordings = [wording(t, group["states"], types, openers["dated"]) for t in group["texts"]]
            facts.setdefault(label, []).extend(wordings)
        if split == "train":
            facts = {label: _seen(wordings) for label, wordings in facts.items()}
        self.idle = facts.pop("")
        self.facts = list(facts.values())

    def document(self, name: str) -> Document:
        """One document."""
        rand = self.random
        draft = _Draft(self)
        how = rand()
        clauses = 1 if how < 0.25 else 2 if how < 0.6 else 3 if how < 0.85 else 4
        told = 0
        fresh = True
        for k in range(clauses):
            if k:
                fresh = rand() < 0.7
                draft.write(self.sentence[0] if fresh else self.clause[int(rand() * len(self.clause))])
            choice = int(rand() * len(self.facts))
            if rand() < 0.2 or told >> choice & 1:
                wordings = self.idle
            else:
                told |= 1 << choice
                wordings = self.facts[choice]
            chosen = wordings[int(rand() * len(wordings))]
            how = rand()
            if not fresh:
                draft.add(chosen.inner, False)
            elif how < 0.12 and chosen.dated is not None:
                draft.add(chosen.dated, True)
            elif how < 0.3:
                draft.add(self.openers[int(rand() * len(self.openers))], True)
                draft.add(chosen.inner, False)
            else:
                draft.add(chosen.first, True)
        draft.write(self.end)
        return draft.document(name)


def _seen(wordings: list[Wording]) -> list[Wording]:
    """The wordings that training may see."""
    return [w for n, w in enumerate(wordings) if (n + 1) % HELD_OUT]


class _Draft:
    """A document in the making."""

    __slots__ = ("at", "cast", "composer", "entities", "events", "pieces", "relations")

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.pieces: list[str] = []
        self.at = 0
        self.cast: dict[str, list[Filler]] = {}
        self.entities: list[Entity] = []
        self.relations: list[Relation] = []
        self.events: list[Event] = []

    def write(self, text: str) -> None:
        """Append plain text."""
        self.pieces.append(text)
        self.at += len(text)

    def add(self, plan: Pattern, first: bool) -> None:
        """Append a filled-in pattern and what it states."""
        fillers: list[Filler] = []
        for letter in plan.slots:
            fillers.append(self._filler(letter, fillers))
        pieces, at, spans = self.pieces, self.at, []
        literals = plan.literals
        for n, fill in enumerate(plan.fills):
            literal = literals[n]
            if isinstance(fill, int):
                before, mention = fillers[fill]
                if first and n == 0 and not literal:
                    before, mention = _capital(before, mention)
                literal += before
            else:
                mention = fill
            pieces.append(literal)
            pieces.append(mention)
            at += len(literal)
            end = at + len(mention)
            spans.append(Span(mention, at, end))
            at = end
        pieces.append(literals[-1])
        self.at = at + len(literals[-1])
        for kind, span in zip(plan.types, spans, strict=True):
            if kind is not None:
                self.entities.append(Entity(kind, span))
        for kind, head, tail, head_type, tail_type in plan.relations:
            self.relations.append(Relation(kind, spans[head], spans[tail], head_type, tail_type))
        for kind, trigger, roles in plan.events:
            arguments = tuple([Argument(role, spans[n]) for role, n in roles])
            self.events.append(Event(kind, spans[trigger], arguments))

    def document(self, name: str) -> Document:
        """The finished document."""
        return Document(
            "".join(self.pieces),
            name,
            self.composer.language,
            "synthetic",
            tuple(self.entities),
            tuple(self.relations),
            tuple(self.events),
            _ANNOTATED,
        )

    def _filler(self, letter: str, taken: list[Filler]) -> Filler:
        composer = self.composer
        if letter not in _RECURRING:
            return composer.names.draw[letter]()
        known = self.cast.setdefault("O" if letter == "G" else letter, [])
        if known and composer.random() < 0.35:
            filler = known[int(composer.random() * len(known))]
            if letter == "P" and composer.surname_only and composer.random() < 0.4:
                filler = "", filler[1].rpartition(" ")[2]
            if not any(filler[1] in other[1] or other[1] in filler[1] for other in taken):
                return filler
        filler = composer.names.draw[letter]()
        while filler in taken:
            filler = composer.names.draw[letter]()
        # Companies alone recur where a pattern asks for one; a council does not buy its rival.
        if letter != "G":
            known.append(filler)
        return filler


def _capital(before: str, mention: str) -> Filler:
    if before:
        return before[0].upper() + before[1:], mention
    return before, mention[0].upper() + mention[1:]
