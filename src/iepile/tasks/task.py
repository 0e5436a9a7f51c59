"""The Task contract: the one place that knows what a label, a fact and an answer of a task are.

Adding a task is adding one file to this folder:

1. Write `tasks/<name>.py` with a subclass of `Task`, whose docstring says in one line what it finds, and a
   module constant `TASK` holding one object of it.
2. Give the prompt of the task a line in `instructions/wording/zh.toml` and `en.toml`.
3. That is all: `iepile tasks` lists it, conversion, training, prediction and scoring find it by name.

The methods that are not abstract suit most tasks; `spo.py`, `kg.py` and `eea.py` show when to replace them.

`tests/tasks/test_recipe.py` follows these steps with a task made up for the purpose.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from iepile.errors import InputError
from iepile.jsonl import dumps
from iepile.records import Facts, Span
from iepile.schema import Schema
from iepile.tasks.matching import Match as Match
from iepile.tasks.shape import Fill, Shape, filled, object_of
from iepile.values import Values

if TYPE_CHECKING:
    from iepile.tasks.value_forms import Form


class Item(msgspec.Struct, frozen=True, order=True):
    """One thing to ask: a label, with its roles where it has some."""

    name: str
    roles: tuple[str, ...] = ()
    """Roles of an event type, attributes of an entity type (KG)."""
    about: tuple[str, ...] = ()
    """What the question states besides: subject type, predicate and object type (SPO), triggers (EEA)."""


class Problem(msgspec.Struct, frozen=True):
    """Something in an answer that could not be used as it was."""

    kind: str
    """`invalid`, `salvaged`, `rewritten`, `not asked`, `wrong form`, `missing`; from grounding `normalised`, `fuzzy`,
    `ungrounded`."""
    detail: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What was read from a model's answer."""

    facts: Facts
    problems: tuple[Problem, ...] = ()

    @property
    def valid(self) -> bool:
        """The text was the JSON object that was asked for, read without repair."""
        return not self.problems


class Triple(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edge for the graph. `kind`: `relation`, `role` (event to participant) or `type` (mention to type)."""

    head: Span
    relation: str
    tail: Span
    kind: str = "relation"
    head_type: str | None = None
    tail_type: str | None = None
    confidence: float | None = None


class Task(ABC):
    """What every task answers. Facts in are `Facts`; a task looks at the list that concerns it."""

    name: ClassVar[str]
    """As in the files: `NER`."""
    annotation: ClassVar[str]
    """The list of a record that holds its annotation: `entity`, `relation` or `event`."""
    split_num: ClassVar[int]
    """Labels a prompt that the IEPile authors advise."""
    groups: ClassVar[tuple[str, ...]]
    """Names of the scores the task yields, in the order they are shown."""
    field_groups: ClassVar[tuple[str, ...]] = ()
    """Names of further scores, as papers of the field report them beside those; each distinct fact of a text counts
    once there."""
    attributes: ClassVar[bool] = False
    """The roles of an item are labels in their own right (KG): training questions sort them as the reference
    does, and hard negatives may choose among them."""
    form: ClassVar[Form | None] = None
    """What stands under a label; where it is told, answers in other forms are read as well."""
    poses_facts: ClassVar[bool] = False
    """Questions state part of what a text holds, so `posed` decides, text by text, what is asked."""

    in_words: ClassVar[bool] = False
    """Questions are plain words that stand beside the text (`instruction`, `input`), and answers are no JSON."""

    @abstractmethod
    def items(self, schema: Schema) -> tuple[Item, ...]:
        """Everything the schema lets one ask, in schema order."""

    @abstractmethod
    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        """Labels present, each with the roles seen, in order of first appearance."""

    @abstractmethod
    def canonical(self, facts: Facts) -> Facts:
        """Only this task's facts, as a perfect answer can state them: repeats and empty ones removed.

        Scoring gold through `canonical` is what makes the training targets score exactly 100.
        """

    @abstractmethod
    def question(self, item: Item) -> Any:
        """The entry of the item in an instruction's `schema` list."""

    @abstractmethod
    def item(self, question: Any) -> Item:
        """The reverse of `question`.

        Raises:
            InputError: not an entry of this task.
        """

    @abstractmethod
    def value(self, facts: Facts, item: Item, text: str) -> Any:
        """What the answer holds under the item's key: values by first occurrence in `text`."""

    @abstractmethod
    def read_value(self, value: Any, item: Item) -> Answer:
        """The tolerant reverse of `value`."""

    @abstractmethod
    def value_shape(self, item: Item, fill: Fill) -> Shape:
        """The shape of every valid `value`; `fill(label)` or `fill("type|role")` is that of one filler."""

    @abstractmethod
    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        """Scoring keys: each of `groups` and `field_groups` -> [(label, key)], repeats kept.

        A label of "" is that of facts which are compared without one (trigger identification).
        """

    @abstractmethod
    def triples(self, facts: Facts) -> list[Triple]:
        """The facts as edges of a graph."""

    @abstractmethod
    def label_rows(self, facts: Facts, positions: bool = False) -> list[dict[str, Any]]:
        """The facts as the annotation list of a record (formats.md 1.1), with places if wanted."""

    @abstractmethod
    def read_label_rows(self, rows: Sequence[Mapping[str, Any]]) -> Facts:
        """The reverse of `label_rows`.

        Raises:
            InputError: a row lacks a field.
        """

    def settled(self, facts: Facts, items: Sequence[Item]) -> Facts:
        """The facts that a schema with these items can ask for, completed where it tells more (KG: types of heads).

        Raises:
            InputError: the facts lack what every question of the task needs.
        """
        return facts

    def posed(self, items: Iterable[Item], facts: Facts, text: str) -> tuple[Item, ...]:
        """What is asked of a text that holds these facts."""
        return tuple(items)

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        """The `schema` value of an instruction; given a schema, with the descriptions that it has.

        Raises:
            InputError: questions of this task have no place for descriptions.
        """
        if schema is not None:
            raise InputError(f"{self.name} questions have no place for descriptions", field="descriptions",
                             fix="drop the flag, or ask NER, RE, KG, EE, EET or EEA")
        return list(map(self.question, items))

    def labels(self, item: Item) -> tuple[str, ...]:
        """Labels under which `keys` counts what the item asks for."""
        return (item.name,)

    def read_items(self, questions: Iterable[Any]) -> tuple[Item, ...]:
        """The items that an instruction's `schema` list asks.

        Raises:
            InputError: an entry is not one of this task's.
        """
        return tuple(map(self.item, questions))

    def read_words(self, question: str) -> tuple[Item, ...]:
        """The items that a question in plain words asks; none where it lists none that can be read.

        Raises:
            InputError: questions of this task are no plain words.
        """
        raise InputError(f"{self.name} is not asked in plain words", field="instruction",
                         fix="convert the documents with `iepile convert`")

    def about(self, facts: Facts, items: Iterable[Item]) -> Facts:
        """This task's facts that `items` ask for, every mention kept with its place."""
        asked = {i.name: i.roles for i in items}
        if self.annotation == "entity":
            return Facts(entities=tuple(e for e in facts.entities if e.type in asked))
        if self.annotation == "relation":
            return Facts(relations=tuple(r for r in facts.relations if r.type in asked))
        return Facts(events=tuple(
            msgspec.structs.replace(e, arguments=tuple(a for a in e.arguments if a.role in asked[e.type]))
            for e in facts.events if e.type in asked
        ))

    def join(self, parts: Iterable[Facts]) -> Facts:
        """The answers to the batches of one text as one, each fact once.

        A label stands in one batch only, so this is the sum; a task whose `Item.roles` may be asked in
        several batches (`PollingOptions.strict`) puts the pieces of a fact together.
        """
        return sum(parts, Facts())

    def key(self, item: Item) -> str:
        """The item's key in the answer object."""
        return item.name

    def answer(self, facts: Facts, items: Iterable[Item], text: str) -> dict[str, Any]:
        """The perfect answer to a question about `items`, as an object in question order."""
        return {self.key(i): self.value(facts, i, text) for i in items}

    def answer_text(self, facts: Facts, items: Iterable[Item], text: str) -> str:
        """`answer` as the JSON text a model is taught."""
        return dumps(self.answer(facts, items, text))

    def values(self, schema: Schema) -> dict[str, Values]:
        """What need not be a piece of the text: label, or `type|role`, to what fills it."""
        return {}

    def shape(self, items: Iterable[Item], values: Mapping[str, Values] | None = None) -> Shape:
        """The shape of every valid answer to a question about `items`.

        Args:
            values: see `values`; every other field holds pieces of the text.
        """
        known = values or {}
        # Two items of one key have one place in an answer, as in `answer`.
        shapes = {self.key(i): self.value_shape(i, lambda name: filled(known.get(name))) for i in items}
        return object_of(shapes.items())

    def parse(
        self, answer: str, items: Sequence[Item], text: str | None = None, values: Mapping[str, Values] | None = None
    ) -> Answer:
        """Read a model's answer; whatever can be saved is, and everything odd is reported. Never raises.

        Args:
            text: what the answer is about. Then other forms than the one asked for are read too (answer_forms.py);
                without it only JSON is mended, as scoring wants it: the form is a part of what a model is taught.
            values: see `values`.
        """
        from iepile.tasks.salvage import loads_tolerant

        asked = {self.key(i): i for i in items}
        got = loads_tolerant(answer, repeats=text is not None)
        value, rewritten = got.value, tuple[str, ...]()
        if text is not None and self.form is not None:
            from iepile.tasks.answer_forms import Asked, arranged

            try:
                wanted = [Asked(key, i.roles, i.about) for key, i in asked.items()]
                value, rewritten = arranged(value, answer, self.form, wanted, text, values or {})
            except RecursionError:
                value = got.value
        if not isinstance(value, dict):
            return Answer(Facts(), (Problem("invalid", got.how or "not a JSON object"),))
        problems = [] if got.how is None else [Problem("salvaged", got.how)]
        problems += (Problem("rewritten", what) for what in rewritten)
        read: list[Answer] = []
        for key, held in value.items():
            if (item := asked.pop(key, None)) is None:
                problems.append(Problem("not asked", key))
                continue
            read.append(self.read_value(held, item))
            problems += read[-1].problems
        problems += (Problem("missing", key) for key in asked)
        return Answer(sum((a.facts for a in read), Facts()), tuple(problems))


def task_names() -> tuple[str, ...]:
    """Names of all tasks that this installation knows, sorted."""
    import iepile.tasks as package

    skip = {"task", "shape", "salvage", "mentions", "matching", "triple_shape", "lenient_json", "aliases",
            "answer_forms", "value_forms", "plain_answers", "triple_text", "triple_brackets",
            "labelled"}
    return tuple(sorted(m.name.upper() for m in pkgutil.iter_modules(package.__path__) if m.name not in skip))


def get_task(name: str) -> Task:
    """The task of that name, upper or lower case.

    Raises:
        InputError: no such task.
    """
    if (task := _loaded.get(name.upper())) is None:
        if name.upper() not in task_names():
            raise InputError(f"unknown task {name!r}", field="task", expected=", ".join(task_names()))
        task = _loaded[name.upper()] = importlib.import_module(f"iepile.tasks.{name.lower()}").TASK
    return task


_loaded: dict[str, Task] = {}
