"""The Engine contract: something that answers instructions. One engine a file, each in three parts:
options, class, constructor.

To add an engine, write `engines/<name>.py` with

1. an options dataclass (`<Name>Options`, a docstring under each field),
2. a class with `name`, `generate` and `close` as in `Engine`,
3. `open_engine(model: str, options: <Name>Options) -> Engine`, and `OPTIONS = <Name>Options`.

An engine that batches by chance of neighbours also has `stretch(options) -> int`, and one that can measure prompts
`open_ruler(model, options) -> Measuring`, without weights: for runs on a cluster.

`iepile predict --engine <name>` finds it by its file name. `tests/extraction/test_engine_recipe.py`
follows these steps.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

import msgspec

from iepile.errors import InputError
from iepile.extraction.manner import Manner
from iepile.records import Facts
from iepile.values import Values


class Request(msgspec.Struct, frozen=True):
    """One instruction to answer."""

    key: str
    """Unique within a run; the completion carries it back."""
    task: str
    """Name of the task, `NER`; empty: a plain question, to be answered in whatever words the model finds."""
    instruction: str
    """The instruction as the rows hold it: a JSON string with `instruction`, `schema`, `input`, or plain words."""
    input: str = ""
    """The text of a plain question; elsewhere the instruction holds it."""
    sample: int = 0
    """0: the best answer. n: the n-th of several drawn at random; equal requests with equal n get equal answers."""
    values: Mapping[str, Values] = {}
    """Fields that need not be pieces of the text: label, or `type|role`, to what fills it."""
    done: bool = False
    """It has its answer already and is here as company only, see `Engine`: no completion is wanted."""
    manner: Manner | None = None
    """How this one is to be answered; None: as the engine's options say. Only for engines that heed it."""


class Completion(msgspec.Struct, frozen=True):
    """The answer to one request."""

    key: str
    text: str
    finish: str = "stop"
    """`stop`: ended by itself; `length`: cut at the token limit; `error`: see `error`."""
    facts: Facts | None = None
    """Facts with offsets and confidence, from engines that know them; else they are read from `text`."""
    tokens: int = 0
    """Tokens generated (0 for engines that generate none)."""
    logprob: float | None = None
    """Sum of the log-probabilities of the generated tokens."""
    string_logprobs: tuple[float, ...] | None = None
    """Log-probability of each JSON string in `text` (keys too), in the order of `confidence.strings_of`."""
    prompt_tokens: int = 0
    """Tokens of the prompt (0 where the engine does not tell)."""
    cost: float = 0.0
    """What the answer cost, in the currency of the prices given; 0 where none were."""
    error: str = ""
    lasting: bool = False
    """The error would come again: the request cannot be answered by this engine, whenever it is asked."""


def encodable(completion: Completion) -> Completion:
    """Without halves of surrogate pairs, as some servers send when they cut an answer: no file can hold them."""
    try:
        completion.text.encode()
    except UnicodeEncodeError:
        return msgspec.structs.replace(completion, text=completion.text.encode("utf-8", "replace").decode())
    return completion


class Engine(Protocol):
    """Answers requests, in any order, batching as it likes; equal requests get equal answers.

    Where the last digits of an answer's log-probability depend on what stands beside it in a batch, the engine has a
    number `stretch`: it batches every so many requests among themselves. A run that goes on hands over a stretch
    that was answered in part whole, so that batches are the same; those `done` need no answer, and a batch of nothing
    else is left out.

    An engine that may be asked by several threads at once, as one that asks a server, has a number `concurrency`: so
    many requests in flight suit it. All others are asked by one thread at a time, which may begin a further iterator
    before it has read one to its end. Where requests that stand together change one another's answers, the engine has
    a function `together`: those it gives equal values are asked in one batch, and never beside those of another caller.
    """

    name: str

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Yield one completion a request as soon as it is known; order is free."""
        ...

    def close(self) -> None:
        """Free what the engine holds."""
        ...


@runtime_checkable
class Measuring(Protocol):
    """An engine that can say how long a prompt is: what long texts are cut into windows by."""

    context: int | None
    """Most tokens of prompt and answer; None: any number."""

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of the prompt of a request, template included. Where it can only be guessed: rather too many."""
        ...

    def answer_room(self, request: Request) -> int:
        """Tokens to keep free for the answer."""
        ...


def engine_names() -> tuple[str, ...]:
    """Names of the engines in this folder, sorted."""
    import iepile.extraction.engines as package

    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "engine"))


def open_engine(name: str, model: str, options: dict[str, Any] | None = None) -> Engine:
    """Load `model` (a folder, hub name or address) with the engine called `name`.

    Args:
        options: fields of the engine's options dataclass.

    Raises:
        InputError: no such engine, an unknown or ill-typed option, or a model that cannot be loaded.
    """
    module, parsed = _engine(name, options)
    engine: Engine = module.open_engine(model, parsed)
    return engine


def open_ruler(name: str, model: str, options: dict[str, Any] | None = None) -> Measuring | None:
    """What measures prompts as the engine would, without the model's weights: its `open_ruler`, if it has one.

    Raises:
        InputError: see `open_engine`.
    """
    module, parsed = _engine(name, options)
    ruler: Measuring | None = module.open_ruler(model, parsed) if hasattr(module, "open_ruler") else None
    return ruler


def stretch_of(name: str, options: dict[str, Any] | None = None) -> int:
    """The `stretch` that an engine would have (see `Engine`): what its `stretch` says of the options, else 1."""
    module, parsed = _engine(name, options)
    return int(module.stretch(parsed)) if hasattr(module, "stretch") else 1


def _engine(name: str, options: dict[str, Any] | None) -> tuple[Any, Any]:
    if name not in engine_names():
        raise InputError(f"unknown engine {name!r}", field="engine", expected=", ".join(engine_names()))
    module = importlib.import_module(f"iepile.extraction.engines.{name}")
    if isinstance(options, module.OPTIONS):
        return module, options
    known = [f.name for f in fields(module.OPTIONS)]
    options = {option.replace("-", "_"): value for option, value in (options or {}).items()}  # as on a command line
    for option in options:
        if option not in known:
            near = get_close_matches(option, known, 1)
            raise InputError(f"engine {name} has no option {option!r}", field="engine_options",
                             expected=", ".join(known), fix=f"did you mean {near[0]}?" if near else None)
    try:
        return module, msgspec.convert(options, module.OPTIONS, strict=False)
    except msgspec.ValidationError as e:
        raise InputError(f"engine {name}: {e}", field="options") from None
