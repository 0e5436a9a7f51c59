"""What was seen in training, looked up: mentions, pairs of mentions, trigger words and what filled their roles.

The file of the model is JSON and can be read: `entities` and `triggers` give mentions their label and how sure it is,
`relations` and `arguments` give keys (pairs.py, known_arguments.py) what they speak for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON
from iepile.models.baselines.folder import FolderConfig, digest_of, read_config, write_config
from iepile.models.baselines.gazetteer import Gazetteer
from iepile.models.baselines.known_arguments import candidates, fill, fillers, learn_arguments
from iepile.models.baselines.known_mentions import learn_mentions
from iepile.models.baselines.known_relations import find_pairs, learn_relations, mention_types
from iepile.models.baselines.labelled import Label, Labelled, asked_by_source
from iepile.models.baselines.rates import Chosen, best_of
from iepile.models.baselines.tokens import Place, tokens
from iepile.records import Argument, Entity, Event, Facts, Relation, Span

FILE = "dictionary.json"
_Found = dict[str, tuple[tuple[Label, float], ...]]


class Learned(msgspec.Struct, frozen=True):
    """What the file holds."""

    entities: _Found
    """Plain mention -> its entity type."""
    triggers: _Found
    """Plain trigger -> its event type."""
    types: dict[str, str]
    """Plain mention that takes part in relations -> its type."""
    relations: _Found
    """Key of a pair -> relations."""
    fillers: tuple[str, ...]
    """Plain mentions that fill roles."""
    arguments: _Found
    """Key of a candidate -> roles."""


def learn(
    texts: Sequence[Labelled], on_step: Callable[[int, int], None] | None = None
) -> tuple[Learned, dict[str, Chosen]]:
    """Learn from texts; their order changes nothing.

    Args:
        on_step: called with kinds of facts done and in all.

    Returns:
        What was learned, and by kind (`entity`, `relation`, `trigger`, `argument`) how well the texts are answered,
        each judged by what the others say.
    """
    asked = asked_by_source(texts)

    def tell(done: int) -> None:
        if on_step is not None:
            on_step(done, 4)

    chosen: dict[str, Chosen] = {}
    entities, chosen["entity"] = learn_mentions(texts, "entity", asked)
    tell(1)
    triggers, chosen["trigger"] = learn_mentions(texts, "event", asked)
    tell(2)
    types = mention_types(texts) if any(x.facts.relations for x in texts) else {}
    relations, chosen["relation"] = learn_relations(texts, types, asked)
    tell(3)
    known = fillers(texts)
    arguments, chosen["argument"] = learn_arguments(texts, known, asked)
    tell(4)
    learned = Learned(_rows(entities), _rows(triggers), types, _rows(relations), tuple(sorted(known)),
                      _rows(arguments))
    return learned, {kind: c for kind, c in chosen.items() if c.gold}


def save(learned: Learned, thresholds: Mapping[str, float], folder: Path) -> None:
    """Write the model into an empty folder."""
    (folder / FILE).write_bytes(msgspec.json.encode(learned) + b"\n")
    settings = {f"threshold of {kind}": t for kind, t in thresholds.items()}
    write_config(folder, FolderConfig("dictionary", FILE, digest_of(folder / FILE), settings=settings))


def _rows(kept: Mapping[str, Mapping[Label, float]]) -> _Found:
    return {key: tuple(labels.items()) for key, labels in kept.items()}


class DictionaryModel:
    """Dictionaries, ready to look up in."""

    kind = "dictionary"
    tasks = ("NER", "RE", "SPO", "KG", "EE", "EET", "EEA")

    def __init__(self, folder: str | Path) -> None:
        """
        Raises:
            InputError: not the folder of a dictionary baseline, or a damaged one.
        """
        config = read_config(folder, self.kind)
        path = Path(folder) / config.file
        try:
            learned = msgspec.json.decode(path.read_bytes(), type=Learned)
        except BROKEN_JSON as e:
            raise InputError(f"not a dictionary: {e}", file=path, fix="train again") from None
        self._entities = {m: dict(labels) for m, labels in learned.entities.items()}
        self._triggers = {m: dict(labels) for m, labels in learned.triggers.items()}
        self._relations = {key: dict(labels) for key, labels in learned.relations.items()}
        self._arguments = {key: dict(labels) for key, labels in learned.arguments.items()}
        self._types = learned.types
        self._entity_list, self._trigger_list = Gazetteer(self._entities), Gazetteer(self._triggers)
        self._end_list = Gazetteer(self._types if self._relations else ())
        self._filler_list = Gazetteer(learned.fillers if self._arguments else ())
        self._fillers = lru_cache(maxsize=16)(self._filler_list.find)

    def find(self, text: str) -> Facts:
        """All facts of a text, of every label that was trained."""
        places = tokens(text)
        entities = []
        for start, end, mention in self._entity_list.find(text, places=places):
            for label, rate in self._entities[mention].items():
                entities.append(Entity(label[1], _span(text, (start, end)), rate))
        events = []
        for start, end, mention in self._trigger_list.find(text, places=places):
            for label, rate in self._triggers[mention].items():
                events.append(Event(label[1], _span(text, (start, end)), self.arguments(text, label[1], (start, end)),
                                    rate))
        return Facts(tuple(entities), tuple(self._related(text)), tuple(events))

    def arguments(self, text: str, kind: str, trigger: Place | None) -> tuple[Argument, ...]:
        """What fills the roles of an event.

        Args:
            kind: the event type.
            trigger: where its trigger stands; None for an event without one.
        """
        scored = [(c, best_of(self._arguments, c.keys)) for c in candidates(kind, trigger, self._fillers(text))]
        return tuple(Argument(role, _span(text, c.place), score)
                     for role, (score, c) in sorted(fill(kind, scored).items()))

    def _related(self, text: str) -> list[Relation]:
        out = []
        for pair in find_pairs(text, self._end_list, self._types) if self._relations else ():
            for label, rate in sorted(best_of(self._relations, pair.keys).items()):
                _, name, head_type, tail_type = label
                out.append(Relation(name, _span(text, pair.head), _span(text, pair.tail), head_type or None,
                                    tail_type or None, rate))
        return out


def _span(text: str, place: Place) -> Span:
    return Span(text[slice(*place)], *place)
