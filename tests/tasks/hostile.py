"""Facts and texts that try to break an answer: quotes, backslashes, braces, control characters, NAN."""

from __future__ import annotations

from hypothesis import strategies as st

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


@st.composite
def cases(draw: st.DrawFn, task: Task) -> tuple[str, tuple[Item, ...], Facts]:
    """A text, the items of one question, and facts about the text (also of labels not asked)."""
    text, labels = draw(TEXT), draw(LABELS)
    label = st.sampled_from(labels)
    asked = draw(st.lists(label, unique=True))
    span = mentions(text)
    if task.name == "NER":
        facts = Facts(entities=tuple(draw(st.lists(st.builds(Entity, label, span), max_size=6))))
    elif task.name == "RE":
        facts = Facts(relations=tuple(draw(st.lists(st.builds(Relation, label, span, span), max_size=6))))
    else:
        roles = draw(LABELS)
        argument = st.builds(Argument, st.sampled_from(roles), span)
        event = st.builds(Event, label, st.none() | span, st.lists(argument, max_size=5).map(tuple))
        facts = Facts(events=tuple(draw(st.lists(event, max_size=4))))
        some = st.lists(st.sampled_from(roles), unique=True).map(tuple)
        return text, tuple(Item(name, draw(some)) for name in asked), facts
    return text, tuple(map(Item, asked)), facts
