"""Facts and texts that try to break an answer: quotes, backslashes, braces, control characters, NAN."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks import Item, Task

WORDS = ["NAN", '"', "\\", "\n", "\t", "\x01", "\x7f", "\u2028", "{", "}", "[", "]", ":", ",", "'", "“", "”",
         "，", "🙂", "é", "e\u0301", "a", "Ada", "你好", " ", "\\u0041", '": ["', "```"]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map("".join)
NAMES = ["a", "b", "NAN", '"', "\\", "{", "人物", "x\ny", "a: [", "“q”", "'", "🙂", "\u2028", "\x01",
         "trigger", "subject"]
LABELS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True)


@st.composite
def mentions(draw: st.DrawFn, text: str) -> Span:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, min(len(text), start + 6)))
    return Span(text[start:end], *draw(st.sampled_from([(start, end), (None, None)])))


def _spo(*triple: str) -> Item:
    return Item("_".join(triple), about=triple)


@st.composite
def cases(draw: st.DrawFn, task: Task) -> tuple[str, tuple[Item, ...], Facts]:
    """A text, the items of one question, and facts about the text (also of labels not asked)."""
    text, labels = draw(TEXT), draw(LABELS)
    label = st.sampled_from(labels)
    asked = draw(st.lists(label, unique=True))
    span = mentions(text)
    if task.name == "NER":
        facts = Facts(entities=tuple(draw(st.lists(st.builds(Entity, label, span), max_size=6))))
    elif task.name in ("RE", "TRIPLES"):
        facts = Facts(relations=tuple(draw(st.lists(st.builds(Relation, label, span, span), max_size=6))))
    elif task.name == "SPO":
        kind = st.sampled_from(["t", "u_v", '"'])
        facts = Facts(relations=tuple(draw(st.lists(st.builds(Relation, label, span, span, kind, kind), max_size=6))))
        # One type of a predicate: two would have one key.
        return text, tuple(_spo(draw(kind), name, draw(kind)) for name in asked), facts
    elif task.name == "KG":
        attributes = draw(LABELS)
        relation = st.builds(Relation, st.sampled_from(attributes), span, span, st.none() | label)
        facts = Facts(relations=tuple(draw(st.lists(relation, max_size=6))))
        every = [Item(name, tuple(draw(st.permutations(attributes)))) for name in labels]
        items = tuple(replace(i, roles=i.roles[: draw(st.integers(0, 6))]) for i in every if i.name in asked)
        return text, items, task.settled(facts, every)
    elif task.name == "EET":
        event = st.builds(Event, label, st.none() | span)
        facts = Facts(events=tuple(draw(st.lists(event, max_size=4))))
    else:
        roles = draw(LABELS)
        argument = st.builds(Argument, st.sampled_from(roles), span)
        event = st.builds(Event, label, st.none() | span, st.lists(argument, max_size=5).map(tuple))
        facts = Facts(events=tuple(draw(st.lists(event, max_size=4))))
        some = st.lists(st.sampled_from(roles), unique=True).map(tuple)
        items = tuple(Item(name, draw(some)) for name in asked)
        return text, task.posed(items, facts, text), facts
    return text, tuple(map(Item, asked)), facts
