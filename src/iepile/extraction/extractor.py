"""Extraction from Python: texts and a schema in, grounded facts out.

    from iepile import Schema, load
    model = load("runs/resume/model")
    facts = model.extract("Ada met Bob.", Schema.of_entities("person"))
    facts.entities[0].span.start
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

from iepile.errors import IepileError
from iepile.extraction.engines.engine import Completion, Engine, Request, open_engine
from iepile.extraction.grounding import Grounded, ground
from iepile.extraction.predict import guess_engine
from iepile.instruction import Instruction
from iepile.instructions.polling import chunk
from iepile.instructions.wording import prompt
from iepile.language import language_of
from iepile.records import Facts
from iepile.schema import Schema
from iepile.tasks.task import Item, Task, get_task

TASKS = ("NER", "RE", "EE")
"""Asked unless others are named: each asks one part of a schema."""
TEXTS_AT_ONCE = 256
"""Texts handed to the engine together: enough to batch, few enough to stream."""


class Extractor:
    """A loaded model that answers schemas. Close it, or use it in a `with` block."""

    def __init__(
        self, engine: Engine, *, language: str | None = None, split_num: int | None = None, fuzzy: bool = True
    ) -> None:
        """
        Args:
            engine: answers the questions.
            language: language of the prompts; by default that of each text.
            split_num: labels a question; by default what each task advises.
            fuzzy: whether mentions that are not in the text word for word may be placed where it is alike.
        """
        self.engine = engine
        self.language, self.split_num, self.fuzzy = language, split_num, fuzzy

    def extract(self, text: str, schema: Schema, tasks: Sequence[str] | None = None) -> Facts:
        """What one text states about the labels of a schema, with places.

        Raises:
            InputError: an unknown task.
            IepileError: the engine failed.
        """
        return next(self.extract_many([text], schema, tasks))

    def extract_many(
        self, texts: Iterable[str], schema: Schema, tasks: Sequence[str] | None = None
    ) -> Iterator[Facts]:
        """`extract` for each of many texts, in their order, as they are answered.

        Raises:
            InputError: an unknown task.
            IepileError: the engine failed.
        """
        return (g.facts for g in self.extract_grounded(texts, schema, tasks))

    def extract_grounded(
        self, texts: Iterable[str], schema: Schema, tasks: Sequence[str] | None = None
    ) -> Iterator[Grounded]:
        """Like `extract_many`, with a report of how each mention was placed."""
        polls = self._polls(schema, tasks or TASKS)
        source = iter(texts)
        # A generator function would put off errors in the arguments to the first text.
        return self._windows(source, polls)

    def _polls(self, schema: Schema, tasks: Sequence[str]) -> list[tuple[Task, list[Item]]]:
        out: list[tuple[Task, list[Item]]] = []
        for task in map(get_task, tasks):
            out += ((task, batch) for batch in chunk(task.items(schema), self.split_num or task.split_num))
        return out

    def _windows(self, texts: Iterator[str], polls: list[tuple[Task, list[Item]]]) -> Iterator[Grounded]:
        while window := list(islice(texts, TEXTS_AT_ONCE)):
            waiting = {n: len(polls) if text else 0 for n, text in enumerate(window)}
            answers: dict[tuple[int, int], Facts] = {}
            completions = self.engine.generate(self._requests(window, polls))
            for n, text in enumerate(window):
                while waiting[n]:
                    completion = next(completions, None)
                    if completion is None:
                        raise IepileError(f"the engine {self.engine.name} left questions without an answer")
                    document, poll = map(int, completion.key.split(":"))
                    answers[document, poll] = self._facts(completion, *polls[poll])
                    waiting[document] -= 1
                yield ground(self._joined(polls, answers, n) if text else Facts(), text, self.fuzzy)

    @staticmethod
    def _joined(polls: list[tuple[Task, list[Item]]], answers: dict[tuple[int, int], Facts], n: int) -> Facts:
        by_task: dict[Task, list[Facts]] = {}
        for k, (task, _) in enumerate(polls):
            by_task.setdefault(task, []).append(answers.pop((n, k)))
        return sum((task.join(parts) for task, parts in by_task.items()), Facts())

    def _requests(self, texts: list[str], polls: list[tuple[Task, list[Item]]]) -> Iterator[Request]:
        for n, text in enumerate(texts):
            if not text:
                continue
            language = self.language or language_of(text)
            for k, (task, items) in enumerate(polls):
                ask = Instruction(prompt(task.name, language), [task.question(i) for i in items], text)
                yield Request(f"{n}:{k}", task.name, ask.render())

    @staticmethod
    def _facts(completion: Completion, task: Task, items: list[Item]) -> Facts:
        if completion.finish == "error":
            raise IepileError(f"the engine failed: {completion.error}")
        return task.parse(completion.text, items).facts if completion.facts is None else completion.facts

    def close(self) -> None:
        """Free what the engine holds."""
        self.engine.close()

    def __enter__(self) -> Extractor:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def load(model: str, engine: str = "auto", **options: Any) -> Extractor:
    """Open a model: a folder of ours, a hub name, or a server's address.

    Args:
        engine: what runs it; `auto` looks at the model.
        options: options of the engine; `language`, `split_num` and `fuzzy` are the extractor's.

    Raises:
        InputError: no such model, engine or option.
    """
    own = {k: options.pop(k) for k in ("language", "split_num", "fuzzy") if k in options}
    name = guess_engine(str(model)) if engine == "auto" else engine
    return Extractor(open_engine(name, str(model), options), **own)
