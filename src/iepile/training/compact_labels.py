"""What a question asks of the compact model: the one mapping that training and prediction share."""

from __future__ import annotations

from collections.abc import Iterable

from iepile.models.compact.example import Label
from iepile.tasks.task import Item, Task


def labels(task: Task, items: Iterable[Item]) -> tuple[list[Label], list[Label]]:
    """The span labels and pair labels of the compact model that a question about `items` asks."""
    items = list(items)
    if task.annotation == "entity":
        return [Label("entity", i.name) for i in items], []
    if task.annotation == "relation":
        return [], [Label("relation", i.name) for i in items]
    return (
        [Label("trigger", i.name) for i in items],
        [Label("argument", role, of=i.name) for i in items for role in i.roles],
    )
