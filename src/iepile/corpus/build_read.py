"""The first step of a build: a data set's files to documents, one file a split, and the schema they use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from msgspec.structs import replace

from iepile.corpus.catalog import Card, Found
from iepile.corpus.formats.reading import Repair
from iepile.corpus.importing import observed
from iepile.corpus.plan import Plan
from iepile.errors import InputError
from iepile.jsonl import atomic_writer, check_folder, dumps
from iepile.records import Document
from iepile.schema import EntityType, EventType, RelationType, Role, Schema
from iepile.stamps import Stamps
from iepile.tasks.task import get_task
from iepile.unified import document_to_row

_Label = TypeVar("_Label", EntityType, RelationType, EventType, Role)


class BuiltSet(msgspec.Struct):
    """What became of one data set."""

    name: str
    language: str
    domain: str
    role: str
    tasks: list[str]
    formats: list[str]
    read: dict[str, int] = {}
    """Split -> documents read."""
    kept: dict[str, int] = {}
    """Split -> documents after cleaning and the leak check."""
    mentions: int = 0
    grounded: int = 0
    """Mentions with a place in the text."""
    repairs: dict[str, int] = {}
    """What the reader mended or left out."""
    dropped: dict[str, int] = {}
    """Why documents were left out."""
    rows: dict[str, int] = {}
    """`TASK split` -> instruction rows."""


def keep_apart(output: Path, root: Path, raw: Iterable[Path]) -> None:
    """Refuse an output folder in which a build would write over raw data.

    Raises:
        InputError: it is the root, or a data set's folder or inside one, or one lies where the build writes.
    """
    out = output.resolve()
    for folder in (root.resolve(), *(f.resolve() for f in raw)):
        ours = (out / name for name in ("documents", "work", "test", ".stages"))
        inside = out.is_relative_to(folder) and folder != root.resolve()
        if out == folder or inside or any(folder.is_relative_to(name) for name in ours):
            raise InputError(f"{output} is where raw data lies ({folder})", field="output",
                             fix="choose a folder apart from the data sets")


def reader(plan: Plan, target: Path, stamps: Stamps) -> Callable[[Found], tuple[BuiltSet, bool]]:
    """What reads a data set, here or in a worker process; tells whether it was read before."""

    def read(found: Found) -> tuple[BuiltSet, bool]:
        card, folder = found.card, target / found.card.name
        files = {split: [str(path) for path, _ in paths] for split, paths in found.splits.items()}
        settings = [card, files, plan.cut, plan.seed, plan.tasks]
        done = stamps.run(f"read {card.name}", settings, [Path(f) for fs in files.values() for f in fs],
                          [folder], lambda: read_data_set(found, plan, folder))
        return msgspec.convert(done.result, BuiltSet), done.kept

    return read


def read_data_set(found: Found, plan: Plan, folder: Path) -> BuiltSet:
    """Read what was found and write `train.jsonl`, `dev.jsonl`, `test.jsonl` and `schema.json` into `folder`.

    Of a held-out data set only `test` is taken, or what there is instead of it. A data set of one split is
    cut as the card says, else as the plan says.

    Raises:
        InputError: a record that cannot be read.
    """
    card = found.card
    built = BuiltSet(card.name, card.language, card.domain, card.role, tasks_of(card, plan),
                     sorted({form for paths in found.splits.values() for _, form in paths}))
    check_folder(folder)
    for old in folder.glob("*.jsonl"):  # of a run with other settings
        old.unlink()
    kinds = {get_task(task).annotation for task in built.tasks}
    labels = LabelsSeen(card)
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for split, doc in _documents(found, plan, built):
            # Training needs annotation: a text that nobody looked at would teach that nothing is there.
            if split != "test" and not kinds & set(doc.annotated):
                built.dropped["unannotated"] = built.dropped.get("unannotated", 0) + 1
                continue
            if split not in files:
                files[split] = stack.enter_context(atomic_writer(folder / f"{split}.jsonl"))
            doc = replace(doc, source=card.name)  # whatever the data calls itself
            files[split].write((dumps(document_to_row(doc)) + "\n").encode("utf-8", "surrogatepass"))
            built.read[split] = built.read.get(split, 0) + 1
            spans = doc.facts.spans()
            built.mentions += len(spans)
            built.grounded += sum(s.grounded for s in spans)
            labels.add(doc)
    labels.schema().write(folder / "schema.json")
    built.read = {split: built.read[split] for split in ("train", "dev", "test") if split in built.read}
    built.kept = dict(built.read)
    return built


def tasks_of(card: Card, plan: Plan) -> list[str]:
    """The tasks of the plan that the data set serves."""
    return [task for task in plan.tasks if task in (card.task, *card.also)]


def _documents(found: Found, plan: Plan, built: BuiltSet) -> Iterator[tuple[str, Document]]:
    """(split, document), a data set of one split cut by a hash: equal texts stay on one side of the cut."""
    card, names = found.card, list(found.splits)
    if card.role == "held-out":
        names = [next(s for s in ("test", "dev", "all", "train") if s in names)]
    cut: dict[str, float] = {}
    seed = plan.seed
    if names == ["all"] and card.cut is not None and card.role != "held-out":
        cut, seed = {"train": card.cut.train, "dev": card.cut.dev, "test": card.cut.test}, card.cut.seed
    elif len(names) == 1 and card.role != "held-out":
        cut = plan.cut
    repairs: Counter[Repair] = Counter()
    for name in names:
        options = found.options(name)
        for doc in found.read(name, options):
            split = "test" if card.role == "held-out" else side_of(cut, f"{seed}\0{doc.text}") if cut else name
            yield split, doc
        repairs.update(options.summary.repairs)
    built.repairs = {str(k): n for k, n in sorted(repairs.items()) if n}


def side_of(cut: dict[str, float], key: str) -> str:
    """The split that a hash of `key` falls into, by the shares of the splits."""
    at = int.from_bytes(sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    for split, share in cut.items():
        if at < share:
            return split
        at -= share
    return split


class LabelsSeen:
    """The schema of a data set: labels in the card's order, then as they appear, described as the card does."""

    def __init__(self, card: Card) -> None:
        self.card, self.seen = card, Schema()
        self._parts: set[Schema] = set()

    def add(self, doc: Document) -> None:
        """Take up the labels of a document."""
        part = observed(doc)
        if part not in self._parts:  # most documents bring nothing new
            self._parts.add(part)
            self.seen = self.seen + part

    def schema(self) -> Schema:
        """All labels seen."""
        order = {name: n for n, name in enumerate(self.card.names.values())}

        def told(labels: Iterable[_Label]) -> tuple[_Label, ...]:
            ranked = sorted(labels, key=lambda x: order.get(x.name, len(order)))
            return tuple(replace(x, description=self.card.descriptions.get(x.name, "")) for x in ranked)

        return Schema(told(self.seen.entities), told(self.seen.relations),
                      tuple(replace(e, roles=told(e.roles)) for e in told(self.seen.events)))
