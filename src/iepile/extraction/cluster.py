"""An engine that answers on a Ray cluster: copies of another engine, each in a process of its own.

The journal, the order of rows and the output stay where the run was started; only questions go out. A process or node
that dies is replaced and its questions are asked again. What is batched together is the same as in one process, so
answers are the same to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import (
    Completion,
    Engine,
    Measuring,
    Request,
    encodable,
    open_engine,
    open_ruler,
    stretch_of,
)
from iepile.ray_cluster import RETRIES, connected, data_context

SMALL = 32
"""Requests of a block, of engines that do not care what they answer together."""
BLOCKS_A_WORKER = 64
"""Blocks of a dataset, for each worker: every dataset loads the model anew."""


class ClusterEngine:
    """Hands blocks of requests to engines on a cluster."""

    def __init__(self, name: str, make: Callable[[], Engine], stretch: int, address: str, workers: int) -> None:
        """
        Args:
            name: of the engine that answers.
            make: opens it, in each worker.
            stretch: its `stretch`.
            address: `local`, `auto` or HOST:PORT.
            workers: copies.

        Raises:
            InputError: no cluster at `address`.
            MissingDependency: Ray Data is not installed.
        """
        self.name, self.stretch = name, stretch
        self._make, self._workers = make, workers
        self._connection = connected(address, workers)
        self._ray = self._connection.__enter__()

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer requests, as blocks of them come back.

        Raises:
            IepileError: what an engine raised, or Ray gave up.
        """
        size = self.stretch if self.stretch > 1 else SMALL
        stream = iter(requests)
        try:
            while blocks := list(islice(_blocks(stream, size), BLOCKS_A_WORKER * self._workers)):
                yield from self._answers(blocks)
        except self._ray.exceptions.RayError as e:
            why = f"Ray gave up on a question: {e}\n  do:       run again; what is answered is kept"
            raise IepileError(why) from None

    def _answers(self, blocks: list[bytes]) -> Iterator[Completion]:
        import pyarrow as pa

        tables = [pa.table({"requests": pa.array([block], pa.large_binary())}) for block in blocks]
        with data_context(self._ray) as context:
            context.execution_options.preserve_order = False
            data = self._ray.data.from_arrow(tables).map_batches(
                _Answering, fn_constructor_args=(self._make,), batch_size=None, batch_format="pyarrow",
                concurrency=min(self._workers, len(blocks)), max_restarts=-1, max_task_retries=RETRIES)
            # Closed here: an executor that outlives the cluster would start another.
            with closing(iter(data.iter_batches(batch_size=None, batch_format="pyarrow"))) as found:
                for table in found:
                    for value in table["answers"]:
                        answer = _answer.decode(value.as_buffer())
                        if isinstance(answer, _Fault):
                            raise InputError(answer.problem) if answer.of_input else IepileError(answer.problem)
                        yield answer.completion

    def close(self) -> None:
        """Leave the cluster, and end it where it is our own."""
        self._connection.__exit__(None, None, None)


def _blocks(requests: Iterator[Request], size: int) -> Iterator[bytes]:
    while block := list(islice(requests, size)):
        yield msgspec.msgpack.encode(block)


def open_on_cluster(name: str, model: str, options: dict[str, Any], address: str, workers: int) -> Engine:
    """An engine on a cluster.

    Raises:
        InputError: no such engine or option, or no cluster at `address`; a model that cannot be opened shows when the
            first question is asked.
        MissingDependency: Ray Data is not installed.
    """
    make = partial(open_engine, name, model, options)
    ruler = open_ruler(name, model, options)
    if isinstance(ruler, Measuring):
        return MeasuringClusterEngine(ruler, name, make, stretch_of(name, options), address, workers)
    return ClusterEngine(name, make, stretch_of(name, options), address, workers)


class _Answering:
    """What runs in a worker."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None

    def __call__(self, table: Any) -> Iterator[Any]:
        for block in table["requests"]:
            try:
                if self._engine is None:
                    self._engine = self._make()
                for completion in self._engine.generate(_requests.decode(block.as_buffer())):
                    yield _row(_Answered(encodable(completion)))
            except IepileError as e:  # a value: raised in a worker, it would be wrapped
                yield _row(_Fault(str(e), isinstance(e, InputError)))
                return


class _Answered(msgspec.Struct, frozen=True, tag=True):
    completion: Completion


class _Fault(msgspec.Struct, frozen=True, tag=True):
    problem: str
    of_input: bool


_answer = msgspec.msgpack.Decoder(_Answered | _Fault)
_requests = msgspec.msgpack.Decoder(list[Request])


def _row(answer: _Answered | _Fault) -> Any:
    import pyarrow as pa

    return pa.table({"answers": pa.array([msgspec.msgpack.encode(answer)], pa.large_binary())})


class MeasuringClusterEngine(ClusterEngine):
    """A cluster whose engine can say how long prompts are; asked of a copy without weights that stays here."""

    def __init__(self, ruler: Any, *args: Any) -> None:
        super().__init__(*args)
        self._ruler = ruler
        self.context: int | None = ruler.context

    def prompt_tokens(self, request: Request) -> int:
        """See `Measuring`."""
        return int(self._ruler.prompt_tokens(request))

    def answer_room(self, request: Request) -> int:
        """See `Measuring`."""
        return int(self._ruler.answer_room(request))

    def close(self) -> None:
        """Leave the cluster; a connection of the copy that stays here ends too."""
        super().close()
        if hasattr(self._ruler, "close"):
            self._ruler.close()
