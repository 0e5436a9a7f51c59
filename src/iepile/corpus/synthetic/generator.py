"""Annotated documents made by rule, in Chinese and English, as many as wanted.

    for doc in generate(1000, "zh", seed=1, split="train"):
        ...

Document i depends on (seed, split, language, i) and nothing else, so ranges can be made in parallel
(`start`) and in any order. Offsets are exact. Names of the test and dev splits never occur in training, nor
does one wording in seven. The types, relations and events are those of `examples/data/schema_zh.yaml` and
`schema_en.yaml`.

With a pattern file (`pattern_file.py`) they are those of the file; a name kept `apart` is then in one split only.

A document is one to four clauses. A clause states a fact in one of a dozen wordings, or none: it then uses
the words of the facts in another sense. Names recur within a document, and some fit a person as well as a
company.
"""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from iepile.corpus.synthetic.listed_names import ListedNames
from iepile.corpus.synthetic.names import RESIDUES, ChineseNames, Drawing, EnglishNames, Filler
from iepile.corpus.synthetic.pattern_file import PatternFile
from iepile.corpus.synthetic.patterns import Pattern, Wording, pattern, wording
from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Relation, Span

LANGUAGES = ("zh", "en")
SPLITS = tuple(RESIDUES)

HELD_OUT = 7
"""One wording in so many is kept out of training, to be met first in dev and test."""

_NAMES = {"zh": ChineseNames, "en": EnglishNames}
_TRIES = 1000
_ANNOTATED = ("entity", "relation", "event")


def generate(
    n: int, language: str = "zh", seed: int = 0, split: str = "train", start: int = 0,
    patterns: PatternFile | None = None,
) -> Iterator[Document]:
    """Yield documents `start` to `start + n - 1`.

    Args:
        patterns: names and sentences to use, in their language, instead of those that ship.

    Raises:
        InputError: no such language or split, a negative number, or patterns with no name for a split.
    """
    if patterns is None and language not in LANGUAGES:
        raise InputError(f"no language {language!r}", field="language", expected=" or ".join(LANGUAGES))
    if split not in SPLITS:
        raise InputError(f"no split {split!r}", field="split", expected=" or ".join(SPLITS))
    if min(n, seed, start) < 0:
        raise InputError("a negative number", field="n, seed, start", expected="0 or more")
    rng = random.Random()
    if patterns is None:
        data = inventory(language)
        composer = Composer(data, _NAMES[language](data, split, rng), split, rng.random)
        composer.language = language
        number, prefix = LANGUAGES.index(language), f"synthetic-{language}-{split}-{seed}"
    else:
        composer = Composer(patterns.inventory(), ListedNames(patterns, split, rng), split, rng.random)
        composer.language, composer.source, composer.most = patterns.language, patterns.name, patterns.sentences
        number, prefix = len(LANGUAGES), f"{patterns.name}-{split}-{seed}"
    first = (seed << 8 | number << 4 | SPLITS.index(split)) << 64
    return _generate(composer, rng, first, prefix, range(start, start + n))


def _generate(composer: Composer, rng: random.Random, first: int, prefix: str, numbers: range) -> Iterator[Document]:
    for i in numbers:
        rng.seed(first | i)
        yield composer.document(f"{prefix}-{i}")


@functools.cache
def inventory(language: str) -> dict[str, Any]:
    """The data file of a language."""
    return tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8"))


class Composer:
    """Writes one document after the other from what the random generator gives."""

    language = "zh"
    source = "synthetic"
    most = 4
    """Most clauses of a document."""

    def __init__(self, data: Mapping[str, Any], names: Drawing, split: str, rand: Callable[[], float]) -> None:
        types, openers = data["types"], data["openers"]
        self.names, self.random = names, rand
        self.end: str = data["joints"]["end"]
        self.sentence: list[str] = data["joints"]["sentence"]
        self.clause: list[str] = data["joints"]["clause"]
        self.openers = [pattern(text, (), types) for text in openers["plain"] + openers["naming"]]
        facts: dict[str, list[Wording]] = {}
        for group in data["patterns"]:
            states = group["states"]
            label = (group.get("about") or states[0].partition("(")[0]) if states else ""
            wordings = [wording(t, states, types, openers["dated"]) for t in group["texts"]]
            facts.setdefault(label, []).extend(wordings)
        told = [w for wordings in facts.values() for w in wordings]
        self.annotated = tuple(kind for kind, has in zip(_ANNOTATED, (
            any(t for w in told for t in w.inner.types), any(w.inner.relations for w in told),
            any(w.inner.events for w in told)), strict=True) if has)
        if split == "train":
            facts = {label: _seen(wordings) for label, wordings in facts.items()}
        idle = facts.pop("", [])
        self.facts = list(facts.values()) or [idle]
        self.idle = idle or [w for wordings in self.facts for w in wordings]

    def document(self, name: str) -> Document:
        """One document."""
        rand = self.random
        draft = _Draft(self)
        how = rand()
        clauses = min(self.most, 1 if how < 0.25 else 2 if how < 0.6 else 3 if how < 0.85 else 4)
        told = 0
        fresh = True
        for k in range(clauses):
            if k:
                fresh = rand() < 0.7 or not self.clause
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
            elif how < 0.3 and self.openers:
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
        """Append plain text; one full stop ends both a name and its sentence."""
        if text.startswith(".") and next(filter(None, reversed(self.pieces)), "").endswith("."):
            text = text[1:]
        self.pieces.append(text)
        self.at += len(text)

    def add(self, plan: Pattern, first: bool) -> None:
        """Append a filled-in pattern and what it states."""
        fillers: list[Filler] = []
        for slot in plan.slots:
            fillers.append(self._filler(slot, fillers))
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
            self.composer.source,
            tuple(self.entities),
            tuple(self.relations),
            tuple(self.events),
            self.composer.annotated,
        )

    def _filler(self, slot: str, taken: list[Filler]) -> Filler:
        composer, names = self.composer, self.composer.names
        cast = names.casts.get(slot)
        if cast is None:
            return names.draw[slot]()
        known = self.cast.setdefault(cast.name, [])
        if known and composer.random() < cast.chance:
            filler = names.again(slot, known[int(composer.random() * len(known))])
            if not any(filler[1] in other[1] or other[1] in filler[1] for other in taken):
                return filler
        for _ in range(_TRIES):
            filler = names.draw[slot]()
            if filler not in taken:
                break
        else:
            raise InputError(f"too few names for {{{slot}}}: a sentence needs several", field=f"slots.{slot}",
                             fix="give it more values or parts")
        if cast.joins:
            known.append(filler)
        return filler


def _capital(before: str, mention: str) -> Filler:
    if before:
        return before[0].upper() + before[1:], mention
    return before, mention[0].upper() + mention[1:]
