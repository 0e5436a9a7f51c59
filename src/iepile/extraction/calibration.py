"""Confidence that means what it says: of the facts with confidence 0.8, four in five are right.

    known = read_calibration("calibration.json")
    sure = above(apply_calibration(facts, known, "NER"), known.threshold(0.9, "NER"))

Raw confidence ranks facts, and support counts the label orders that agree; how often facts of such confidence and
support are right is a matter of model, task and data. `iepile calibrate` counts it on a dev file (calibrate.py);
here its result is read and used. The compact model calibrates its scores itself, by kind of fact and in the same way
(models/compact/calibration.py); fitted on top, this adds what its own dev data did not show.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from math import log
from typing import Any

import msgspec
from msgspec.structs import replace

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON, read_bytes
from iepile.models.compact.calibration import probability
from iepile.records import Argument, Entity, Event, Facts, Relation
from iepile.tasks.task import get_task

VERSION = 1
CLIP = 5e-5
"""Confidences are written with four digits: one of 1 is anything above 1 - CLIP."""
EVERY = "*"
"""Stands for all tasks, or all kinds of facts, together."""


class Curve(msgspec.Struct, frozen=True, omit_defaults=True):
    """From confidence and support to the chance that a fact is right."""

    confidence: float = 1.0
    """Weight of the log-odds of the confidence; 0: it does not matter."""
    dissent: float = 0.0
    """Weight of the share of label orders that do not state the fact; at most 0."""
    offset: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    """Corners (log-odds so far, chance), both ascending, of what is laid over them; none: log-odds as they are."""
    untold: float | None = None
    """Chance of a fact that the model told no confidence of; None: unknown."""

    def score(self, confidence: float | None, support: float | None) -> float | None:
        """Log-odds before the corners; None where the confidence is needed and not there."""
        if confidence is None and self.confidence:
            return None
        odds = self.confidence * log_odds(confidence) if confidence is not None else 0.0
        return odds + self.dissent * (1 - (1.0 if support is None else support)) + self.offset

    def chance(self, confidence: float | None, support: float | None) -> float | None:
        """Chance that a fact is right, to four digits; None: not known."""
        score = self.score(confidence, support)
        if score is None:
            return self.untold
        if not self.steps:
            return probability(score)
        at = bisect_left(self.steps, (score,))
        if at in (0, len(self.steps)):
            return round(self.steps[min(at, len(self.steps) - 1)][1], 4)
        (x0, y0), (x1, y1) = self.steps[at - 1 : at + 1]
        return round(y0 + (y1 - y0) * (score - x0) / (x1 - x0), 4)


class Interval(msgspec.Struct, frozen=True):
    """A figure, and how far it may be off by the draw of the documents (95 %)."""

    value: float
    low: float
    high: float


class Fit(msgspec.Struct, frozen=True):
    """How the chance of one kind of facts was found, and how good it is."""

    curve: Curve
    method: str
    """`as it is`, `logistic`, `logistic with support`, `isotonic`: what cross-validation chose."""
    facts: int
    right: int
    documents: int
    error_before: Interval
    """Expected calibration error of the confidence as it is: mean distance of chance told and chance found."""
    error_after: Interval
    """The same of the chance, each document by curves that were fitted without it."""
    error_by_luck: float
    """What a model would show whose chances were exactly right, with so few facts."""


class Target(msgspec.Struct, frozen=True):
    """A wanted precision, and the threshold for it."""

    wanted: float
    threshold: float | None
    """Least chance of the facts to keep; None: the precision is not reached."""
    precision: float | None = None
    """Of documents whose threshold was found without them."""
    recall: float | None = None
    """The same, of the gold facts that were asked for."""


class Calibration(msgspec.Struct, frozen=True):
    """What `iepile calibrate` found."""

    version: int
    fits: dict[str, Fit]
    """`NER/entity`, ...; `*/*`: all facts of the file, for tasks with too few of their own."""
    targets: dict[str, tuple[Target, ...]]
    """By task, ascending; `*`: all tasks of the file."""

    def curve(self, task: str, kind: str) -> Curve | None:
        """The curve for a kind of facts of a task; None: nothing is known."""
        fit = self.fits.get(f"{task}/{kind}") or self.fits.get(f"{EVERY}/{EVERY}")
        return None if fit is None else fit.curve

    def threshold(self, precision: float, task: str = EVERY) -> float:
        """Least chance of facts that have a precision together.

        Args:
            precision: 0 to 1; taken is the next higher one that was looked for.
            task: facts of this one; of a task that the file had too little of, those of all.

        Raises:
            InputError: the precision was not reached on the dev file.
        """
        targets = self.targets.get(task) or self.targets.get(EVERY, ())
        able = [t for t in targets if t.threshold is not None]
        found = next((t for t in able if t.wanted > precision - 1e-9), None)
        if found is None or found.threshold is None:
            best = max((t.wanted for t in able), default=0.0)
            raise InputError(
                f"a precision of {precision:g} was not reached on the dev file", field="precision",
                expected=f"at most {best:g}" if best else "a calibration of more facts",
                fix="want less, or calibrate on more documents",
            )
        return found.threshold


def log_odds(confidence: float) -> float:
    """Of a confidence with four digits."""
    p = min(max(confidence, CLIP), 1 - CLIP)
    return log(p / (1 - p))


def read_calibration(path: str) -> Calibration:
    """Read what `iepile calibrate` wrote.

    Raises:
        InputError: the file is not such a one, or of a later version.
    """
    try:
        known = msgspec.json.decode(read_bytes(path), type=Calibration)
    except BROKEN_JSON as e:
        raise InputError(f"no calibration: {e}", file=path, fix="fit one with `iepile calibrate`") from None
    if known.version > VERSION:
        raise InputError(f"a calibration of version {known.version}", file=path, expected=f"at most {VERSION}",
                         fix="calibrate anew, or use a newer iepile")
    return known


def kind_of(task: str, fact: Entity | Relation | Event | Argument) -> str | None:
    """The score group of a task that a fact counts in; None: it is not scored (events whose triggers are told)."""
    if isinstance(fact, Event):
        return next((g for g in get_task(task).groups if g in ("event", "trigger")), None)
    return {Entity: "entity", Relation: "relation", Argument: "argument"}[type(fact)]


def apply_calibration(facts: Facts, calibration: Calibration, task: str) -> Facts:
    """The facts with the chance that they are right for confidence; None where it is not known.

    Args:
        facts: of one task, with confidence as the model gave it and the support of a vote.
        task: name of the task.
    """
    def sure(fact: Any) -> Any:
        kind = kind_of(task, fact)
        curve = None if kind is None else calibration.curve(task, kind)
        return replace(fact, confidence=None if curve is None else curve.chance(fact.confidence, fact.support))

    return _each(facts, sure, sure)


def above(facts: Facts, threshold: float) -> Facts:
    """The facts whose confidence is at least this.

    A fact without confidence is not known to be sure, and goes. Arguments are kept or go by themselves; an event
    takes all its arguments with it, and one without confidence stays with the arguments that stay.
    """
    def kept(fact: Any) -> Any:
        return fact if fact.confidence is not None and fact.confidence >= threshold - 1e-9 else None

    def event(e: Event) -> Event | None:
        return e if kept(e) is not None or (e.confidence is None and e.arguments) else None

    return _each(facts, kept, event)


def _each(facts: Facts, change: Callable[[Any], Any], event: Callable[[Event], Event | None]) -> Facts:
    """Every fact changed, arguments before their event; None leaves it out."""
    def all_of(found: tuple[Any, ...], how: Callable[[Any], Any]) -> tuple[Any, ...]:
        return tuple(new for fact in found if (new := how(fact)) is not None)

    events = (replace(e, arguments=all_of(e.arguments, change)) for e in facts.events)
    return Facts(all_of(facts.entities, change), all_of(facts.relations, change), all_of(tuple(events), event))
