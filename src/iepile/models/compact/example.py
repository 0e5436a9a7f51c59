"""What the compact model reads and writes: labels, labelled texts, questions, predictions.

Offsets are code points of the text, end exclusive, as in `iepile.records`. The span `NOWHERE`, (0, 0), stands
for "no trigger": an event type whose events name none has it as its trigger span, and its arguments hang on it.

>>> buys = Label("trigger", "acquisition")
>>> buyer = Label("argument", "buyer", of="acquisition")
>>> Example(
...     "Ada Inc. bought Bob Ltd.",
...     spans={buys: [(9, 15)]},
...     pairs={buyer: [((9, 15), (0, 8))]},
...     asked_spans=(buys,),
...     asked_pairs=(buyer,),
... ).pairs[buyer]
[((9, 15), (0, 8))]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Offsets: TypeAlias = tuple[int, int]
"""(start, end) in code points, end exclusive."""

Kind: TypeAlias = Literal["entity", "trigger", "relation", "argument"]

SPAN_KINDS: tuple[Kind, ...] = ("entity", "trigger")
PAIR_KINDS: tuple[Kind, ...] = ("relation", "argument")

NOWHERE: Offsets = (0, 0)
"""The span of a trigger that is not in the text."""


@dataclass(frozen=True, order=True, slots=True)
class Label:
    """A name somebody can ask for; equal names of different kinds are different labels."""

    kind: Kind
    """`entity` and `trigger` label one span; `relation` (head, tail) and `argument` (trigger, filler) a pair."""
    text: str
    """Entity type, event type, relation, or (for `argument`) the role."""
    of: str = ""
    """For `argument` the event type the role belongs to; empty for all others."""

    def __post_init__(self) -> None:
        if self.kind not in SPAN_KINDS + PAIR_KINDS:
            raise ValueError(f"label kind {self.kind!r} is none of {', '.join(SPAN_KINDS + PAIR_KINDS)}")
        if (self.kind == "argument") != bool(self.of):
            raise ValueError(f"{self}: `of` names the event type of an argument, and of nothing else")

    @property
    def anchor(self) -> Label | None:
        """The span label on which the first span of an `argument` must stand; None for all others."""
        return Label("trigger", self.of) if self.kind == "argument" else None


@dataclass(frozen=True, slots=True)
class Example:
    """One text with the answers to the labels that were asked of it.

    A label that was not asked is unknown, not absent: it takes no part in the loss, so that data sets with
    different schemas can be mixed. Spans under a label that was not asked serve as anchors only (triggers given
    by the question, while the arguments are asked).
    """

    text: str
    spans: Mapping[Label, Sequence[Offsets]] = field(default_factory=dict)
    """Spans of `entity` and `trigger` labels. Heads, tails and arguments need not be listed here."""
    pairs: Mapping[Label, Sequence[tuple[Offsets, Offsets]]] = field(default_factory=dict)
    """Of a `relation`: (head, tail); of an `argument`: (trigger, filler)."""
    asked_spans: tuple[Label, ...] = ()
    asked_pairs: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one text. Neither order nor company of the labels changes the answer to any of them."""

    spans: tuple[Label, ...] = ()
    pairs: tuple[Label, ...] = ()
    """An `argument` finds its triggers by itself; its trigger label need not be among `spans`."""
    given: Mapping[Label, Sequence[Offsets]] = field(default_factory=dict)
    """Triggers known beforehand, by `trigger` label: no others are looked for under such a label."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answers to one question; labels in the order asked, spans in the order of the text.

    The last number of every entry is the model's probability, 0 to 1.
    """

    spans: dict[Label, list[tuple[int, int, float]]]
    pairs: dict[Label, list[tuple[Offsets, Offsets, float]]]
