"""The compact model as an engine: reads the same instructions and writes the same answers as an LLM,
with offsets and a confidence for every mention; always valid, always verbatim.

A folder that `export_onnx` wrote is served by ONNX Runtime, without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from iepile.errors import InputError, MissingDependency
from iepile.extraction.engines.engine import Completion, Request
from iepile.instruction import read_instruction
from iepile.models.compact.example import NOWHERE, Label, Offsets, Prediction, Question
from iepile.models.compact.folder import ONNX, read_description
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import Item, Task, get_task
from iepile.training.compact_labels import labels, told_triggers

if TYPE_CHECKING:
    from iepile.models.compact.predictor import Predictor


@dataclass(frozen=True, kw_only=True)
class CompactOptions:
    """How to run the compact model."""

    tokens_per_batch: int = 4096
    """Tokens of text read at a time."""
    window: int = 1024
    """Requests looked at together; polls of one text in a window are answered in one pass."""
    threads: int = 0
    """Threads of torch or ONNX Runtime; 0: its own choice."""


class CompactEngine:
    """Answers with a trained compact model."""

    name = "compact"

    def __init__(self, model: str, options: CompactOptions) -> None:
        """
        Raises:
            InputError: not the folder of a compact model.
            MissingDependency: torch, or for an exported model onnxruntime, is not installed.
        """
        if read_description(model).weights == ONNX:
            from iepile.models.compact.onnx_scorer import load_onnx

            self.model = load_onnx(model, options.threads)
        else:
            self.model = _load_torch(model, options.threads)
        self.options = options
        self.stretch = options.window
        if not self.model.config.nested:
            # Labels that are asked about one text hide one another: those of two callers must not meet.
            self.together = _text_of

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer requests window by window, in the order given."""
        requests = iter(requests)
        while window := list(islice(requests, self.options.window)):
            yield from self._answer(window)

    def _answer(self, window: list[Request]) -> Iterator[Completion]:
        asked: list[tuple[Request, Task, tuple[Item, ...], tuple[str, bool]]] = []
        # What the polls of one text ask is answered in one pass; told triggers must not hide others.
        questions: dict[tuple[str, bool], _Asked] = {}
        for r in window:
            instruction, task = read_instruction(r.instruction), get_task(r.task)
            items = task.read_items(instruction.schema)
            key = (instruction.input, task.poses_facts)
            asked.append((r, task, items, key))
            questions.setdefault(key, _Asked()).add(instruction.input, task, items)
        found = self.model.predict(
            [text for text, _ in questions], [q.question() for q in questions.values()], self.options.tokens_per_batch
        )
        by_key = dict(zip(questions, found, strict=True))
        for r, task, items, key in asked:
            if r.done:
                continue
            facts = _facts(task, items, key[0], by_key[key])
            yield Completion(r.key, task.answer_text(facts, items, key[0]), facts=facts)

    def close(self) -> None:
        """Nothing is held beyond memory."""


def _text_of(request: Request) -> str:
    return read_instruction(request.instruction).input


def _load_torch(model: str, threads: int) -> Predictor:
    try:
        import torch

        from iepile.models.compact.model import CompactModel
    except ImportError as e:
        raise MissingDependency(e.name or "torch", "train", "the compact model") from e
    if threads:
        torch.set_num_threads(threads)
    return CompactModel.load(model)


class _Asked:
    """What several requests ask of one text."""

    def __init__(self) -> None:
        self.spans: dict[Label, None] = {}
        self.pairs: dict[Label, None] = {}
        self.given: dict[Label, list[Offsets]] = {}

    def add(self, text: str, task: Task, items: tuple[Item, ...]) -> None:
        spans, pairs = labels(task, items)
        self.spans.update(dict.fromkeys(spans))
        self.pairs.update(dict.fromkeys(pairs))
        if task.poses_facts:
            self.given.update(told_triggers(text, items))

    def question(self) -> Question:
        return Question(tuple(self.spans), tuple(self.pairs), self.given)


def _facts(task: Task, items: Iterable[Item], text: str, p: Prediction) -> Facts:
    def span(place: Offsets) -> Span:
        return Span(text[place[0] : place[1]], *place)

    entities: list[Entity] = []
    relations: list[Relation] = []
    events: list[Event] = []
    for item in items:
        if task.annotation == "entity":
            found = p.spans.get(Label("entity", item.name), [])
            entities += (Entity(item.name, span((s, e)), _sure(c)) for s, e, c in found)
        elif task.annotation == "relation":
            pairs = p.pairs.get(Label("relation", item.name), [])
            relations += (Relation(item.name, span(h), span(t), confidence=_sure(c)) for h, t, c in pairs)
        else:
            found = p.spans.get(Label("trigger", item.name), [])
            if task.poses_facts:
                found = [(*place, 1.0) for places in told_triggers(text, [item]).values() for place in places]
            events += _events(item, found, p, span)
    return Facts(tuple(entities), tuple(relations), tuple(events))


def _events(
    item: Item, triggers: list[tuple[int, int, float]], p: Prediction, span: Callable[[Offsets], Span]
) -> Iterator[Event]:
    for start, end, c in triggers:
        place = (start, end)
        arguments = tuple(
            Argument(role, span(filler), _sure(sure))
            for role in item.roles
            for trigger, filler, sure in p.pairs.get(Label("argument", role, of=item.name), [])
            if trigger == place
        )
        yield Event(item.name, None if place == NOWHERE else span(place), arguments, _sure(c))


def _sure(probability: float) -> float:
    # Four digits: what is left after them depends on how texts were batched.
    return round(probability, 4)


OPTIONS = CompactOptions


def stretch(options: CompactOptions) -> int:
    """Requests that are batched among themselves."""
    return options.window


def open_engine(model: str, options: CompactOptions) -> CompactEngine:
    """Load the compact model in folder `model`.

    Raises:
        InputError: see `CompactEngine`.
    """
    if not model:
        raise InputError("no model given", field="model", expected="the folder of a compact model")
    return CompactEngine(model, options)
