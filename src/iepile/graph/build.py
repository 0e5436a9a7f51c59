"""`iepile kg`: predictions, documents or a graph in any form, to a store or to any form.

    from iepile.graph.build import KgConfig, build
    build(KgConfig(input_file="pred.json", output_file="graph.db"))

A store is added to: what it knew of a document for a task is replaced, all else stays. Other forms are made anew,
by way of a store that is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms import Form, find_form
from iepile.graph.forms.form import forms
from iepile.graph.loading import Loading, Part
from iepile.graph.readings import Faults, readings
from iepile.graph.store import ENDINGS, Store
from iepile.graph.triples import edges_of
from iepile.jsonl import check_targets, open_bytes, read_rows, readable
from iepile.records import text_id
from iepile.schema import Schema

Tick = Callable[[int, int], None]
"""Told how many of how many rows of the input are read."""


@dataclass
class KgConfig:
    """Make a knowledge graph of predictions or documents; every edge keeps its trail to the text."""

    input_file: str = ""
    """Predictions (rows with `instruction` and `facts` or `output`), documents in the unified format, triples in words
    (`instruction`, `input`, `output`), or a graph in a form that can be read back."""
    output_file: str = ""
    """The graph: `.db`, the store, which is added to; or a form for other programs, made anew, by its ending."""
    format: str = ""
    """Form of the output, where its ending does not tell: see `iepile kg forms`."""
    model: str = ""
    """Name of the model, noted on every edge."""
    snippets: bool = True
    """Quote the sentences that an edge was read from."""
    overwrite: bool = False
    """Begin with an empty store; one that is half made of the same input is still gone on with."""
    merge: bool = False
    """Merge the things that are one, as `iepile kg merge` does."""
    schema_path: str = ""
    """Hold the graph against this schema, as `iepile kg check` does."""
    prune: str = ""
    """With a schema: rules, by commas, whose violations take the edge out of the graph."""


class KgSummary(msgspec.Struct):
    """What a graph was made of."""

    output_file: str
    rows: int = 0
    documents: int = 0
    """In the graph."""
    edges: int = 0
    """Put in now."""
    kinds: dict[str, int] = {}
    """Edges put in, by kind."""
    nodes: int = 0
    """In the graph, after merging."""
    ungrounded: int = 0
    """Edges put in with an end that is not in the text."""
    merges: int = 0
    """Nodes that stand under another name."""
    violations: int = 0
    """Against the schema."""
    pruned: int = 0
    """Edges that are out of the graph for it."""
    replaced: int = 0
    """Parts of documents whose facts were replaced."""
    kept: int = 0
    """Rows that an earlier run, broken off, had put in."""
    invalid: int = 0
    """Answers in which nothing could be read."""
    malformed: int = 0
    """Rows left out, because they could not be read."""
    first_malformed: list[str] = []
    """The first few of them."""


def build(config: KgConfig, tick: Tick | None = None) -> KgSummary:
    """Make a graph of a file, or add the file to one; see `KgConfig`.

    Rows that cannot be read are left out and counted in the summary.

    Raises:
        InputError: an unknown format, a file that cannot be read or written, or no row that can be read.
    """
    for name in ("input_file", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    if config.prune and not config.schema_path:
        raise InputError("goes with a schema", field="prune", fix="give --schema_path")
    if config.schema_path:
        from iepile.graph.checks import Checks

        # Before the work, not after it.
        Checks(Schema.read(config.schema_path), [r for part in config.prune.split(",") if (r := part.strip())])
    form = find_form(config.output_file, config.format)
    if form is None or form.is_form is None or not form.is_form(Path(config.output_file)):
        check_targets([config.output_file], [config.input_file, config.schema_path or None])
    summary = KgSummary(config.output_file, kinds={}, first_malformed=[])
    if form is None:
        if config.overwrite:
            _clear(config)
        with Store(config.output_file, write=True) as store:
            load(store, config, summary, tick)
        _finish(config.output_file, config, summary)
        return summary
    target = Path(config.output_file)
    with _scratch(target.absolute().parent) as path:
        with Store(path, write=True, scratch=True) as store:
            load(store, config, summary, tick)
        _finish(path, config, summary)
        with Store(path) as store:
            form.write(store, target)
    return summary


def _clear(config: KgConfig) -> None:
    target = Path(config.output_file)
    if not target.exists():
        return
    with Store(target) as store:  # another's file is not taken away
        if store.one("SELECT count(*) FROM run WHERE NOT finished AND digest = ?", (_digest(config)[0],)):
            return
    target.unlink()


def _finish(path: str, config: KgConfig, summary: KgSummary) -> None:
    """What is asked for besides, and what the graph now holds."""
    if config.merge:
        from iepile.graph.entity_merging import MergeConfig, merge_graph

        merge_graph(MergeConfig(path))
    if config.schema_path:
        from iepile.graph.checking import CheckConfig, check_graph

        found = check_graph(CheckConfig(path, config.schema_path, config.prune))
        summary.violations, summary.pruned = found.violations, found.pruned
    with Store(path) as store:
        summary.documents = store.one("SELECT count(*) FROM document")
        summary.nodes = store.one("SELECT count(*) FROM thing")
        summary.merges = store.one("SELECT count(*) FROM node WHERE same_as != id")


@contextmanager
def graph_of(path: str, model: str = "") -> Iterator[Store]:
    """The store at `path`; or one, thrown away at the end, made of a graph in another form, or what graphs are made of.

    Raises:
        InputError: no such file, or one with a row that cannot be read.
    """
    if not path:
        raise InputError("not given", field="graph", fix="name the graph")
    if form_of(path) is _stored:
        with Store(path) as store:
            yield store
        return
    with _scratch(None) as made, Store(made, write=True, scratch=True) as store:
        load(store, KgConfig(input_file=path, model=model), KgSummary("", kinds={}), strict=True)
        yield store


@contextmanager
def _scratch(folder: Path | None) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix=".iepile-", dir=folder) as made:
        yield str(Path(made) / "graph.db")


def load(store: Store, config: KgConfig, summary: KgSummary, tick: Tick | None = None, strict: bool = False) -> None:
    """Put the facts of the input into a store; `summary` counts them. `strict`: a bad row is an error."""
    faults = Faults()
    digest, rows = _digest(config)
    loading = Loading(store, config.input_file, digest)
    resumed = loading.line
    for n, (part, edges) in enumerate(_parts(config, faults)):
        if tick and not n % 500:
            tick(faults.rows, max(rows, faults.rows))
        if part.line <= resumed:
            summary.kept = faults.rows
            continue
        loading.put(part, _counted(edges, summary))
    if faults.malformed and (strict or faults.malformed == faults.rows):
        store.db.execute("ROLLBACK")
        raise faults.first[0]
    loading.finish()
    summary.rows, summary.replaced, summary.invalid = faults.rows, loading.replaced, faults.invalid
    summary.malformed, summary.first_malformed = faults.malformed, [str(e).replace("\n", ";") for e in faults.first]


def _counted(edges: Iterator[Edge], summary: KgSummary) -> Iterator[Edge]:
    for edge in edges:
        summary.edges += 1
        summary.kinds[edge.kind] = summary.kinds.get(edge.kind, 0) + 1
        summary.ungrounded += edge.ungrounded
        yield edge


def _parts(config: KgConfig, faults: Faults) -> Iterator[tuple[Part, Iterator[Edge]]]:
    """The parts of the input with their edges."""
    form = form_of(config.input_file)
    if form is not None:
        for n, edge in enumerate(form(Path(config.input_file)), 1):
            faults.rows += 1
            yield Part(edge.document, edge.source, "", n), iter((edge,))
        return
    for reading in readings(config.input_file, faults):
        yield (Part(reading.document, reading.source, reading.task.name, reading.line, text_id(reading.text)),
               edges_of(reading, config.model or None, config.snippets))


def form_of(path: str) -> Callable[[Path], Iterator[Edge]] | None:
    """How a graph is read that lies at `path`; None: it is no graph, but what graphs are made of.

    Raises:
        InputError: no such file, or a form that cannot be read back.
    """
    file = Path(path)
    _no_pipe(file)
    plain = Path(path.removesuffix(".gz").removesuffix(".zst")).suffix.lower()
    if plain in ENDINGS and file.is_file():
        return _stored
    for form in forms().values():
        if form.is_form(file) if form.is_form else plain in form.endings and form.name != "jsonl":
            return _reader(form, path)
    if file.is_dir():
        raise InputError("is a folder", file=path, expected="a file, or a graph that is a folder")
    with open_bytes(path) as f, readable(path):
        if not f.read(1):  # a graph without edges is a graph; predictions without rows are none
            return forms()["jsonl"].read if plain == ".jsonl" else None
    try:
        _, first = next(read_rows(path))
    except InputError:
        return None
    return forms()["jsonl"].read if {"head", "relation", "tail"} <= first.keys() else None


def _no_pipe(file: Path) -> None:
    if file.is_fifo() or file.is_char_device():
        raise InputError("is no file", file=file, expected="a file: it is read more than once",
                         fix="write what comes through the pipe to a file first")


def _reader(form: Form, path: str) -> Callable[[Path], Iterator[Edge]]:
    if form.read is None:
        raise InputError(f"{form.name} keeps too little to be read back", file=path, fix="give the store or JSON lines")
    return form.read


def _stored(path: Path) -> Iterator[Edge]:
    with Store(path) as store:
        yield from store.edges()


def _digest(config: KgConfig) -> tuple[str, int]:
    """Of the content of the input and of what else decides about the edges; and the lines of the input."""
    found, lines = sha256(f"{config.model}\0{config.snippets}\0".encode("utf-8", "surrogatepass")), 0
    file = Path(config.input_file)
    _no_pipe(file)
    for path in sorted(p for p in file.rglob("*") if p.is_file()) if file.is_dir() else [file]:
        try:
            with path.open("rb") as f:
                while block := f.read(1 << 20):
                    found.update(block)
                    lines += block.count(b"\n")
        except FileNotFoundError:
            raise InputError("no such file", file=config.input_file, fix="check the path") from None
        except OSError as e:
            raise InputError(f"cannot be read: {e.strerror}", file=config.input_file) from None
    return found.hexdigest(), lines
