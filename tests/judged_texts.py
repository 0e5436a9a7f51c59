"""Small judged texts for tests: by hand, and drawn."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from iepile.evaluation.judged import Judged, JudgedRow
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.matching import BY_PLACE, Match
from iepile.tasks.task import Item, get_task

TEXT = "Ada Byron met Bob in New York City. Bob left."


def span(words: str, nth: int = 0) -> Span:
    """A mention at its n-th place in the text, without place if it is not there."""
    start = -1
    for _ in range(nth + 1):
        start = TEXT.find(words, start + 1)
    return Span(words) if start < 0 else Span(words, start, start + len(words))


def text_of(task: str, gold: Facts, answered: Facts, asked: tuple[Item, ...] | None = None) -> Judged:
    """A text that one row asks about, about every label unless told otherwise."""
    t = get_task(task)
    if asked is None:
        seen: dict[str, dict[str, None]] = {}
        for facts in (gold, answered):
            for label, roles in t.positives(facts).items():
                seen.setdefault(label, {}).update(dict.fromkeys(roles))
        asked = tuple(Item(name, tuple(roles)) for name, roles in seen.items())
        if task == "SPO":
            asked = tuple(Item(i.name, (), tuple(i.name.split("_"))) for i in asked)
    labels = frozenset(label for i in asked for label in t.labels(i))
    return Judged(t, "made", "1", TEXT, 7, gold, answered, labels, (), (JudgedRow(7, asked, "stop"),))


def entity(label: str, words: str, nth: int = 0) -> Entity:
    return Entity(label, span(words, nth))


def relation(label: str, head: str, tail: str) -> Relation:
    return Relation(label, span(head), span(tail), "person", "place")


def event(label: str, trigger: str | None, *arguments: tuple[str, str]) -> Event:
    return Event(label, None if trigger is None else span(trigger), tuple(Argument(r, span(w)) for r, w in arguments))


LABEL = st.sampled_from(["a", "b", "c"])
PLACED = st.tuples(st.integers(0, 24), st.integers(1, 9)).map(
    lambda p: Span(TEXT[p[0] : p[0] + p[1]], p[0], p[0] + p[1]))
SPAN = PLACED | PLACED.map(lambda s: Span(s.text)) | st.sampled_from(["Bob", "Carl", "ada byron"]).map(Span)
FACTS = st.builds(
    Facts,
    st.lists(st.builds(Entity, LABEL, SPAN), max_size=6).map(tuple),
    st.lists(st.builds(Relation, LABEL, SPAN, SPAN, LABEL, LABEL), max_size=5).map(tuple),
    st.lists(st.builds(Event, LABEL, st.none() | SPAN, st.lists(
        st.builds(Argument, LABEL, SPAN), max_size=4).map(tuple)), max_size=4).map(tuple),
)
TASKS = ["NER", "RE", "SPO", "KG", "EE", "EET", "EEA"]


def judged_facts(task: str, gold: Facts, answered: Facts, match: Match) -> Judged:
    """As scoring takes them."""
    t = get_task(task)
    text = text_of(task, gold, answered)
    return replace(text, gold=text.gold if match in BY_PLACE else t.canonical(text.gold))
