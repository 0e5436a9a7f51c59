"""Extraction from Python: texts and a schema in, grounded facts out.

    from iepile import Schema, load
    model = load("runs/resume/model")
    facts = model.extract("Ada met Bob.", Schema.of_entities("person"))
    facts.entities[0].span.start
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import islice
from types import TracebackType
from typing import Any

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Engine, Request, open_engine
from iepile.extraction.gathering import Gathered, GatheringOptions, gather
from iepile.extraction.grounding import Grounded
from iepile.extraction.plan import Plan, Planner
from iepile.extraction.polls import SchemaPolls, read_examples
from iepile.extraction.predict import SchemaConfig, gathering_options, guess_engine
from iepile.instructions.wording import read_wordings
from iepile.jsonl import read_rows
from iepile.language import language_of
from iepile.records import Document, Facts
from iepile.schema import Schema

TEXTS_AT_ONCE = 256
"""Texts handed to the engine together: enough to batch, few enough to stream."""
SETTINGS = tuple(f.name for f in fields(SchemaConfig) if f.name not in ("schema", "schema_path", "task"))
"""What `load` and `Extractor` take besides what the engine takes."""


class Extractor:
    """A loaded model that answers schemas. Close it, or use it in a `with` block."""

    def __init__(self, engine: Engine, examples: Sequence[Document] = (), **settings: Any) -> None:
        """
        Args:
            engine: answers the questions.
            examples: solved examples that each question shows.
            settings: fields of `SchemaConfig`: `language`, `split_num`, `window`, `orders`, `passes`, ...

        Raises:
            InputError: no such setting, or a value that means nothing.
        """
        for name in settings:
            if name not in SETTINGS or name == "examples":
                raise InputError(f"no setting {name!r}", field=name, expected=", ".join(SETTINGS))
        self.config = replace(SchemaConfig(), **{k: v for k, v in settings.items() if v is not None})
        self.config.check()
        self.engine, self.examples = engine, list(examples)
        gathering_options(self.config, ())
        self._planner = Planner(self.config, engine)
        self._wordings = read_wordings(self.config.wording) if self.config.wording else None

    def extract(self, text: str, schema: Schema, tasks: Sequence[str] | None = None) -> Facts:
        """What one text states about the labels of a schema, with places.

        Raises:
            InputError: an unknown task, or a text that is no Unicode.
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
        polls = SchemaPolls(schema, tasks or (), self.config.split_num or None, self._wordings,
                            self.config.descriptions, self.examples)
        options = gathering_options(self.config, polls.tasks)
        # A generator function would put off errors in the arguments to the first text.
        return (g.grounded for g in self._answers(iter(texts), polls, options))

    def _answers(self, texts: Iterator[str], polls: SchemaPolls, options: GatheringOptions) -> Iterator[Gathered]:
        while some := list(islice(texts, TEXTS_AT_ONCE)):
            plans = [self._plan(text, polls) for text in some]
            found: list[dict[int, Completion]] = [{} for _ in plans]
            completions = self.engine.generate(self._requests(plans))
            for plan, answers in zip(plans, found, strict=True):
                while len(answers) < len(plan.asks):
                    completion = next(completions, None)
                    if completion is None:
                        raise IepileError(f"the engine {self.engine.name} left questions without an answer")
                    if completion.finish == "error":
                        raise IepileError(f"the engine failed: {completion.error}")
                    document, ask = map(int, completion.key.split(":"))
                    found[document][ask] = completion
                yield gather(plan, [answers.pop(k) for k in range(len(plan.asks))], options)

    def _plan(self, text: str, polls: SchemaPolls) -> Plan:
        if not text.isascii() and any("\ud800" <= ch <= "\udfff" for ch in text):
            raise InputError(f"the text {text[:40]!r} holds half a character (a lone surrogate)", field="text",
                             expected="Unicode text", fix="mend its encoding: it was cut or misread")
        asked = polls.polls(self.config.language or language_of(text)) if text.strip() else ()
        return self._planner.plan(text, asked)

    @staticmethod
    def _requests(plans: Sequence[Plan]) -> Iterator[Request]:
        return (ask.request(f"{n}:{k}") for n, plan in enumerate(plans) for k, ask in enumerate(plan.asks))

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
        options: options of the engine, and settings of the extractor (`language`, `window`, `orders`, ...).
            `examples` is a file of documents, or a list of them.

    Raises:
        InputError: no such model, engine or option.
    """
    own = {k: options.pop(k) for k in SETTINGS if k in options}
    examples = own.pop("examples", None) or ()
    if isinstance(examples, str):
        examples = read_examples(read_rows(examples), examples)
    name = guess_engine(str(model)) if engine == "auto" else engine
    return Extractor(open_engine(name, str(model), options), examples, **own)
