"""What a question asks of the compact model: the one mapping that training and prediction share."""

from __future__ import annotations

from collections.abc import Iterable

from iepile.errors import InputError
from iepile.models.compact.example import NOWHERE, Label, Offsets
from iepile.tasks.task import Item, Task


def labels(task: Task, items: Iterable[Item]) -> tuple[list[Label], list[Label]]:
    """The span labels and pair labels of the compact model that a question about `items` asks.

    Raises:
        InputError: a task that asks relations by the types of their ends (SPO, KG).
    """
    items = list(items)
    if task.annotation == "relation" and any(i.about or i.roles for i in items):
        raise InputError(f"the compact model does not do {task.name}", field="task",
                         expected="NER, RE, EE, EET or EEA", fix="ask RE and NER, or take a language model")
    if task.annotation == "entity":
        return [Label("entity", i.name) for i in items], []
    if task.annotation == "relation":
        return [], [Label("relation", i.name) for i in items]
    return (
        # Triggers that the question tells (EEA) are not asked: arguments are looked for at them.
        [] if task.poses_facts else [Label("trigger", i.name) for i in items],
        [Label("argument", role, of=i.name) for i in items for role in i.roles],
    )


def told_triggers(text: str, items: Iterable[Item]) -> dict[Label, list[Offsets]]:
    """Where the triggers that questions of EEA tell occur in the text; nowhere for an event without one.

    A word that is told twice for one type is that of two events: they get its first two occurrences.
    """
    out: dict[Label, list[Offsets]] = {}
    for item in items:
        after: dict[str, int] = {}
        for word in item.about or ("",):
            start = text.find(word, after.get(word, 0)) if word else -1
            if start < 0 and word:
                start = text.find(word)
            after[word] = start + len(word)
            place = (start, start + len(word)) if start >= 0 else NOWHERE
            out.setdefault(Label("trigger", item.name), []).append(place)
    return out
