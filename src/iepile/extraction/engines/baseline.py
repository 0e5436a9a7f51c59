"""Baselines as an engine: a feature CRF or dictionaries read the same instructions and write the same answers as a
language model, with offsets and a confidence for every mention; always valid, always verbatim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.instruction import read_instruction
from iepile.models.baselines.crf import CrfModel
from iepile.models.baselines.dictionary import DictionaryModel
from iepile.models.baselines.folder import read_config
from iepile.models.compact.example import NOWHERE
from iepile.records import Event, Facts, Relation, Span
from iepile.tasks.task import Item, Task, get_task
from iepile.training.compact_labels import told_triggers

TEXTS_KEPT = 64
"""Texts whose facts are remembered: the questions about one text come one after another."""


@dataclass(frozen=True, kw_only=True)
class BaselineOptions:
    """A baseline has no options: the folder says what it is."""


class BaselineEngine:
    """Answers with a trained CRF or trained dictionaries."""

    name = "baseline"

    def __init__(self, model: str) -> None:
        """
        Raises:
            InputError: not the folder of a baseline, or a damaged one.
            MissingDependency: the CRF without python-crfsuite.
        """
        self.model = CrfModel(model) if read_config(model).kind == CrfModel.kind else DictionaryModel(model)
        self._find = lru_cache(maxsize=TEXTS_KEPT)(self.model.find)

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer requests in the order given. A task that the baseline does not do gets a lasting error."""
        for request in requests:
            if not request.done:
                yield self._answer(request)

    def _answer(self, request: Request) -> Completion:
        if request.task.upper() not in self.model.tasks:
            what = f"does not do {request.task}" if request.task else "does not read questions in plain words"
            return Completion(request.key, "", finish="error", lasting=True, error=(
                f"the {self.model.kind} baseline {what}; it does {', '.join(self.model.tasks)}"))
        instruction, task = read_instruction(request.instruction), get_task(request.task)
        items = task.read_items(instruction.schema)
        facts = self._facts(task, items, instruction.input)
        return Completion(request.key, task.answer_text(facts, items, instruction.input), facts=facts)

    def _facts(self, task: Task, items: Sequence[Item], text: str) -> Facts:
        if task.poses_facts:
            return task.about(Facts(events=tuple(self._told(text, items))), items)
        found = self._find(text)
        if task.annotation == "relation":
            found = Facts(relations=tuple(r for r in found.relations if _serves(r, task)))
        return task.about(found, items)

    def _told(self, text: str, items: Sequence[Item]) -> Iterator[Event]:
        """Events at the triggers that the questions tell. Only dictionaries do the tasks that do so."""
        assert isinstance(self.model, DictionaryModel)
        for item in items:
            for told in told_triggers(text, [item]).values():
                for place in told:
                    trigger = None if place == NOWHERE else place
                    yield Event(item.name, None if trigger is None else Span(text[slice(*trigger)], *trigger),
                                self.model.arguments(text, item.name, trigger), 1.0)

    def close(self) -> None:
        """Nothing is held beyond memory."""


def _serves(r: Relation, task: Task) -> bool:
    """Whether a relation was learned from rows of the task: they tell which types of its ends belong to the label."""
    types = (r.head_type is not None, r.tail_type is not None)
    return types == {"SPO": (True, True), "KG": (True, False)}.get(task.name, (False, False))


OPTIONS = BaselineOptions


def open_engine(model: str, options: BaselineOptions) -> BaselineEngine:
    """Load the baseline in folder `model`.

    Raises:
        InputError: see `BaselineEngine`.
    """
    if not model:
        raise InputError("no model given", field="model", expected="the folder of a baseline")
    return BaselineEngine(model)
