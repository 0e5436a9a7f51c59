"""Hard negatives, mined: for every label, those that a model is likely to answer in its place.

    mine(schema, "NER", documents=docs, predictions=["dev.pred.json"]).table()

To add a method, write a function that returns `Scored` (see labels.py) and give it a line in `METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from iepile.corpus.mining.confusions import Confusions
from iepile.corpus.mining.data import Observed
from iepile.corpus.mining.dictionary import by_dictionary
from iepile.corpus.mining.embedding import by_embedding
from iepile.corpus.mining.label_text import by_label_text
from iepile.corpus.mining.labels import Label, Scored, labels_of
from iepile.corpus.mining.merge import Merge, Neighbour, best, best_both_ways, merged
from iepile.errors import InputError
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import Task, get_task


class MiningOptions(msgspec.Struct, frozen=True):
    """How neighbours are scored, merged and cut; `NegativesConfig` in ../negatives.py tells of each."""

    methods: dict[str, float] = {}
    """Method -> weight; empty: all that the input allows, at `DEFAULT_WEIGHTS`."""
    top_k: int = 5
    min_score: float = 0.0
    merge: Merge = "rank"
    symmetric: bool = False
    embedding_model: str | None = None
    dictionary: str | None = None
    dictionary_dataset: str | None = None


class _Input(msgspec.Struct):
    task: Task
    labels: tuple[Label, ...]
    options: MiningOptions
    observed: Observed | None = None
    confusions: Confusions | None = None


def _observed(view: str) -> Callable[[_Input], Scored | None]:
    return lambda x: None if x.observed is None else x.observed.scored(view)


METHODS: dict[str, tuple[str, Callable[[_Input], Scored | None]]] = {
    "text": ("schema_path", lambda x: by_label_text(x.labels)),
    "mentions": ("src_path", _observed("mentions")),
    "contexts": ("src_path", _observed("contexts")),
    "fillers": ("src_path", _observed("fillers")),
    "confusions": ("predictions", lambda x: None if x.confusions is None else x.confusions.scored()),
    "embedding": ("embedding_model", lambda x: None if x.options.embedding_model is None
                  else by_embedding(x.labels, x.options.embedding_model)),
    "dictionary": ("dictionary", lambda x: None if x.options.dictionary is None
                   else by_dictionary(x.labels, x.task, x.options.dictionary, x.options.dictionary_dataset)),
}
"""Method -> (the input it needs, how it scores; None where that input was not given)."""

DEFAULT_WEIGHTS = {
    "text": 0.5, "mentions": 1.0, "contexts": 0.5, "fillers": 0.5, "confusions": 4.0, "embedding": 0.5,
    "dictionary": 1.0,
}
"""What a model did confuse says more than what it might; docs/en/negatives.md has the measurements."""


class HardNegatives(msgspec.Struct):
    """What was mined for a task: the neighbours of every label of the schema, best first."""

    task: str
    methods: dict[str, float]
    """Method -> weight, of the methods that found something."""
    neighbours: dict[str, tuple[Neighbour, ...]]
    documents: int = 0
    skipped: dict[str, int] = {}
    """What was left out, counted."""
    predictions: int = 0
    """Texts with gold facts and answers."""

    def table(self) -> dict[str, list[str]]:
        """The dictionary, as `iepile convert --hard_negative_path` reads it."""
        return {a: [n.label for n in row] for a, row in self.neighbours.items()}

    def to_json(self) -> bytes:
        """Everything, scores and evidence included, as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def mine(
    schema: Schema,
    task: str | Task,
    options: MiningOptions | None = None,
    documents: Iterable[Document] | None = None,
    predictions: Sequence[str | Path] | None = None,
) -> HardNegatives:
    """Mine hard negatives for the labels that `task` can ask of the schema.

    Args:
        documents: annotated ones, for `mentions`, `contexts` and `fillers`; their order does not matter.
        predictions: files of rows with `label` and `output`, of texts no model was trained on.

    Raises:
        InputError: nothing to ask, an unknown method, or one without the input it needs.
        MissingDependency: method `embedding` without sentence-transformers.
    """
    options = options or MiningOptions()
    task = get_task(task) if isinstance(task, str) else task
    labels = labels_of(schema, task)
    _check(options, task, labels)
    given = _Input(task, labels, options)
    if documents is not None:
        given.observed = Observed(task, labels).add(documents)
    if predictions:
        given.confusions = Confusions(task, labels).add(predictions)
    found: dict[str, tuple[float, Scored]] = {}
    for name, (needs, method) in METHODS.items():
        weight = options.methods.get(name, 0.0) if options.methods else DEFAULT_WEIGHTS[name]
        if weight and (scored := method(given)) is not None:
            found[name] = (weight, scored)
        elif weight and options.methods:
            raise InputError(f"method {name} needs {needs}", field=needs, fix=f"give --{needs}, or drop the method")
    chosen = (best_both_ways if options.symmetric else best)(
        merged(found, [x.name for x in labels], options.merge), options.top_k, options.min_score
    )
    out = HardNegatives(task.name, {name: w for name, (w, x) in found.items() if any(x.scores.values())}, {
        a: tuple(_neighbour(a, b, score, found) for b, score in row) for a, row in chosen.items()
    })
    if given.observed is not None:
        seen = given.observed
        out.documents = seen.documents
        left = {"documents without annotation": seen.unannotated,
                "facts of labels that the schema lacks": sum(seen.unknown.values())}
        out.skipped = {k: n for k, n in left.items() if n}
    if given.confusions is not None:
        out.predictions = given.confusions.records
    return out


def _check(options: MiningOptions, task: Task, labels: Sequence[Label]) -> None:
    if not labels:
        raise InputError(f"the schema has nothing that {task.name} can ask", field="schema_path",
                         expected=f"labels for task {task.name}", fix="check --task and --schema_path")
    for name, weight in options.methods.items():
        if name not in METHODS:
            raise InputError(f"no method {name!r}", field="method", expected=", ".join(METHODS))
        if not 0 < weight < float("inf"):
            raise InputError(f"method {name} weighs {weight}", field="method", expected="a number above 0")
    if options.top_k < 1 and options.top_k != -1:
        raise InputError(f"top_k is {options.top_k}", field="top_k", expected="1 or more, or -1 for all")
    if not 0 <= options.min_score <= 1:
        raise InputError(f"min_score is {options.min_score}", field="min_score", expected="0 to 1")
    if options.merge not in ("score", "rank"):
        raise InputError(f"merge is {options.merge!r}", field="merge", expected="score or rank")


def _neighbour(a: str, b: str, score: float, found: dict[str, tuple[float, Scored]]) -> Neighbour:
    by = {name: round(s, 6) for name, (_, x) in found.items() if (s := x.scores.get(a, {}).get(b, 0.0)) > 0}
    # Nothing stands here where `symmetric` has a pair that was only found the other way round.
    return Neighbour(b, score, by, {name: found[name][1].evidence(a, b) for name in by})
