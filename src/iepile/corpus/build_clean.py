"""The middle steps of a build: the training texts of all data sets cleaned together, then checked for leaks.

Evaluation splits are only normalised: without their hard or repeated texts they would be another benchmark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from iepile.corpus.build_read import BuiltSet
from iepile.corpus.clean import Cleaner, CleanSettings, read_documents, write_report
from iepile.corpus.leaks import LeakCheck, LeakIndex, LeakSettings
from iepile.corpus.rejects import Rejects
from iepile.errors import InputError
from iepile.jsonl import atomic_writer, check_folder, dumps
from iepile.records import Document
from iepile.unified import document_to_row

EVALUATION = ("dev", "test")
Dropped = dict[str, dict[str, int]]
"""Data set -> reason -> documents left out."""


def check_settings(clean: dict[str, Any] | Literal[False], leaks: dict[str, Any] | Literal[False]) -> None:
    """Refuse before any work what the steps would refuse.

    Raises:
        InputError: a setting out of its range.
        MissingDependency: rensa, unless near-duplicates are off.
    """
    if clean is not False:
        Cleaner(_settings(clean, CleanSettings, "clean"))
    if leaks is not False:
        LeakIndex(_settings(leaks, LeakSettings, "leaks"))


def clean_sets(sets: list[BuiltSet], settings: dict[str, Any], source: Path, target: Path) -> Dropped:
    """Clean `source/NAME/SPLIT.jsonl` into `target`, all training splits in one go: duplicates across data sets
    are found too. Writes `report.json` and `rejects.jsonl` beside.

    Raises:
        InputError: a setting out of its range.
        MissingDependency: rensa, unless near-duplicates are off.
    """
    chosen = _settings(settings, CleanSettings, "clean")
    check_folder(target)
    with Rejects(target / "rejects.jsonl") as rejects, _routed(sets, target, "train") as write:
        cleaner = Cleaner(chosen, rejects)
        for doc in cleaner.run(_documents(sets, source, "train")):
            write(doc)
    write_report(str(target / "report.json"), cleaner.report)
    for split in EVALUATION:
        only = Cleaner(msgspec.convert({**settings, "duplicates": "off", "filters": False}, CleanSettings))
        with _routed(sets, target, split) as write:
            for doc in only.run(_documents(sets, source, split)):
                write(doc)
    return cleaner.report.dropped_by_source


def check_leaks(sets: list[BuiltSet], settings: dict[str, Any] | None, source: Path, target: Path, report: Path
                ) -> tuple[Dropped, dict[str, int]]:
    """Copy `source/NAME/SPLIT.jsonl` to `target`, without the training texts that are in any evaluation split.

    `settings` None checks nothing. Returns what was left out, and the documents kept by `NAME/SPLIT`.

    Raises:
        InputError: a setting out of its range.
    """
    kept: dict[str, int] = {}
    with Rejects(None if settings is None else report.with_suffix(".rejects.jsonl")) as rejects:
        check = None
        if settings is not None:
            index = LeakIndex(_settings(settings, LeakSettings, "leaks"))
            for split in EVALUATION:
                index.add(_documents(sets, source, split), split)
            check = LeakCheck(index, rejects)
        for split in ("train", *EVALUATION):
            docs: Iterable[Document] = _documents(sets, source, split)
            if check is not None and split == "train":
                docs = check.run(docs, "train")
            with _routed(sets, target, split) as write:
                for doc in docs:
                    write(doc)
                    kept[f"{doc.source}/{split}"] = kept.get(f"{doc.source}/{split}", 0) + 1
    if check is not None:
        write_report(str(report), check.report)
    return rejects.by_source, kept


def _documents(sets: Iterable[BuiltSet], folder: Path, split: str) -> Iterator[Document]:
    for built in sets:
        path = folder / built.name / f"{split}.jsonl"
        if path.is_file():
            yield from read_documents([str(path)])


@contextmanager
def _routed(sets: Iterable[BuiltSet], folder: Path, split: str) -> Iterator[Any]:
    """A function that writes a document to the file of its data set."""
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for built in sets:
            path = check_folder(folder / built.name) / f"{split}.jsonl"
            path.unlink(missing_ok=True)  # of a run with other settings

        def write(doc: Document) -> None:
            name = doc.source or ""
            if name not in files:
                files[name] = stack.enter_context(atomic_writer(folder / name / f"{split}.jsonl"))
            files[name].write((dumps(document_to_row(doc)) + "\n").encode("utf-8", "surrogatepass"))

        yield write


def _settings(settings: dict[str, Any], kind: type[Any], field: str) -> Any:
    try:
        return msgspec.convert(settings, kind, strict=False)
    except msgspec.ValidationError as e:
        raise InputError(f"{field}: {e}", field=field, fix=f"iepile {field} --help") from None
