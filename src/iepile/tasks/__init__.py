"""What a label, a fact and an answer are, one file a task."""

from iepile.tasks.task import Answer, Item, Match, Problem, Task, Triple, get_task, task_names

__all__ = ["Answer", "Item", "Match", "Problem", "Task", "Triple", "get_task", "task_names"]
