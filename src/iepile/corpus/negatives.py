"""Documents, predictions and label names to a dictionary of hard negatives.

    iepile negatives --schema_path schema.yaml --task NER --src_path train.jsonl --predictions dev.pred.json \\
        --tgt_path hard.json
    iepile convert ... --cluster_mode --hard_negative_path hard.json

The same from Python is `mine` (mining/mine.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from iepile.corpus.mining.dictionary import existing, write_dictionary
from iepile.corpus.mining.merge import Neighbour
from iepile.corpus.mining.mine import DEFAULT_WEIGHTS, MiningOptions, mine
from iepile.errors import InputError
from iepile.jsonl import atomic_writer, check_targets, read_rows
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import get_task
from iepile.unified import document_from_row


@dataclass(kw_only=True)
class NegativesConfig:
    """Mine hard negatives: for every label, those that a model is likely to answer in its place."""

    schema_path: str
    """Labels: three-line `schema.json`, or YAML/JSON with entities, relations, events."""
    tgt_path: str | None = None
    """Dictionary to write, as `convert --hard_negative_path` reads it; may be left out with inspect."""
    task: str = "NER"
    """Whose labels: NER, RE, EE, or any other that `iepile tasks` lists."""
    src_path: list[str] = field(default_factory=list)
    """Annotated documents (unified format) for the methods mentions, contexts and fillers; may be repeated."""
    predictions: list[str] = field(default_factory=list)
    """Predictions with labels, of texts the model was not trained on, or their errors as `evaluate --errors` writes
    them, for method confusions; may be repeated."""
    embedding_model: str | None = None
    """Embedding model for method embedding: a folder or a name on the hub (extra `embeddings`)."""
    dictionary: str | None = None
    """A dictionary that is there, flat or of three levels, for method dictionary."""
    dictionary_dataset: str | None = None
    """Data set to take from a three-level dictionary."""
    method: list[str] = field(default_factory=list)
    """Method, or method=weight; may be repeated. Default: all whose input is given."""
    merge: Literal["rank", "score"] = "rank"
    """How methods are merged: by 1 / rank among a label's neighbours, or by score, scaled by the method's largest."""
    top_k: int = 5
    """Labels kept a label, the best; -1 keeps all."""
    min_score: float = 0.0
    """Merged score below which none is kept, 0 to 1."""
    symmetric: bool = False
    """Keep pairs: each label is then a hard negative of its hard negatives."""
    dataset: str | None = None
    """Write the three-level form, under the task and this data set; other parts of the file stay."""
    scores: str | None = None
    """Also write scores and evidence here, as JSON."""
    inspect: list[str] = field(default_factory=list)
    """Show the neighbours of this label, with scores and evidence; may be repeated."""


class NegativesSummary(msgspec.Struct):
    """What was mined."""

    task: str
    labels: int
    pairs: int
    without: int
    """Labels that got no neighbour."""
    methods: dict[str, float]
    """Those that found something, with their weights."""
    documents: int
    predictions: int
    skipped: dict[str, int]
    target: str
    inspected: dict[str, tuple[Neighbour, ...]] = {}


def negatives(config: NegativesConfig) -> NegativesSummary:
    """Mine and write; see `NegativesConfig`.

    Raises:
        InputError: bad input, a label to inspect that the schema lacks, or nothing to do; nothing is written then.
    """
    if config.tgt_path is None and not config.inspect:
        raise InputError("nowhere to write", field="tgt_path", fix="give --tgt_path FILE, or --inspect LABEL")
    # The dictionary is no source here: it may be merged into itself.
    check_targets((config.tgt_path, config.scores), (config.schema_path, *config.src_path, *config.predictions))
    if config.tgt_path is not None:
        existing(config.tgt_path, config.dataset)
    task = get_task(config.task)
    schema = Schema.read(config.schema_path, task.name)
    known = [i.name for i in task.items(schema)]
    for label in config.inspect:
        if label not in known:
            raise InputError(f"the schema has no {task.name} label {label!r}", field="inspect",
                             expected=", ".join(known[:12]))
    options = MiningOptions(
        _weights(config.method), config.top_k, config.min_score, config.merge, config.symmetric,
        config.embedding_model, config.dictionary, config.dictionary_dataset,
    )
    documents = _documents(config.src_path) if config.src_path else None
    found = mine(schema, task, options, documents, config.predictions)
    table = found.table()
    if config.tgt_path is not None:
        write_dictionary(config.tgt_path, table, task.name, config.dataset)
    if config.scores is not None:
        with atomic_writer(config.scores) as f:
            f.write(found.to_json())
    rows = table.values()
    return NegativesSummary(
        task.name, len(table), sum(map(len, rows)), sum(not row for row in rows), found.methods, found.documents,
        found.predictions, found.skipped, config.tgt_path or "", {x: found.neighbours[x] for x in config.inspect},
    )


def _documents(paths: Iterable[str]) -> Iterator[Document]:
    for path in paths:
        for line, row in read_rows(path):
            yield document_from_row(row, path, line)


def _weights(methods: Iterable[str]) -> dict[str, float]:
    out = {}
    for text in methods:
        name, eq, weight = text.partition("=")
        try:
            out[name] = float(weight) if eq else DEFAULT_WEIGHTS.get(name, 1.0)
        except ValueError:
            raise InputError(f"{text!r} cannot be read", field="method", expected="method, or method=weight") from None
    return out
