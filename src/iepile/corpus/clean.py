"""Documents made fit to learn from: one spelling, no junk, each text once.

    iepile clean --src_path train.jsonl --tgt_path clean.jsonl --rejects rejects.jsonl --report report.json

    cleaner = Cleaner(CleanSettings(duplicates="across"))
    for doc in cleaner.run(docs):
        ...
    cleaner.report

Give it training texts. An evaluation split should only be normalised (`duplicates="off"`, `filters=False`):
without its hard or repeated texts it would be another benchmark.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iepile.corpus.consistency import Consistency, ConsistencyReport
from iepile.corpus.duplicates import Deduplicator, DuplicateReport, DuplicateSettings
from iepile.corpus.normalise import Normaliser, NormaliseReport, NormaliseSettings
from iepile.corpus.quality import Quality, QualitySettings
from iepile.corpus.rejects import Rejects
from iepile.jsonl import atomic_writer, check_targets, read_rows, write_rows
from iepile.records import Document
from iepile.unified import document_from_row, document_to_row


@dataclass(kw_only=True)
class CleanSettings(DuplicateSettings, QualitySettings, NormaliseSettings):
    """How documents are cleaned."""


@dataclass(kw_only=True)
class CleanConfig(CleanSettings):
    """Clean training documents: one spelling, no junk, each text once, contradictions reported."""

    src_path: list[str]
    """Documents in the unified format; may be given several times. Without `source`, the folder names the data set."""
    tgt_path: str
    """File to write, JSON lines; appears only when complete."""
    rejects: str | None = None
    """Also write what is left out, each with its reason."""
    report: str | None = None
    """Also write the whole report (JSON): counts by data set, examples of contradictions."""


class CleanReport(msgspec.Struct):
    """What cleaning did."""

    read: int
    kept: int
    dropped: dict[str, int]
    """Reason -> records left out."""
    dropped_by_source: dict[str, dict[str, int]]
    normalised: NormaliseReport
    duplicates: DuplicateReport
    consistency: ConsistencyReport


class CleanSummary(msgspec.Struct):
    """The report in a few lines."""

    read: int
    kept: int
    dropped: dict[str, int]
    changed: int
    """Texts that normalisation changed."""
    mentions_emptied: int
    mojibake: int
    united: int
    facts_lost: int
    near_kept: int
    same_text: dict[str, dict[str, int]]
    """Data sets -> how their annotation of one text compares."""
    mentions_several_types: int
    target: str


class Cleaner:
    """The steps in a row: normalisation, quality, duplicates; contradictions are observed on the way."""

    def __init__(self, settings: CleanSettings | None = None, rejects: Rejects | None = None) -> None:
        """Settings; where rejects go (an open `Rejects`, if they are kept in a file).

        Raises:
            InputError: a limit out of its range.
            MissingDependency: rensa, unless near-duplicates are off.
        """
        settings = settings or CleanSettings()
        self.rejects = rejects or Rejects()
        self._read = self._kept = 0
        self._consistency = Consistency()
        self._normaliser = Normaliser(settings)
        self._quality = Quality(settings, self.rejects)
        self._deduplicator = (None if settings.duplicates == "off" else
                              Deduplicator(settings, self.rejects, self._consistency))

    def run(self, docs: Iterable[Document]) -> Iterator[Document]:
        """Yield the cleaned documents, in order. Unless duplicates are off, nothing comes before all are read."""
        good = self._quality.run(self._normaliser.run(self._counted(docs)))
        for doc in good if self._deduplicator is None else self._deduplicator.run(good):
            self._kept += 1
            self._consistency.mentions(doc)
            yield doc

    @property
    def report(self) -> CleanReport:
        """What was done so far."""
        duplicates = DuplicateReport() if self._deduplicator is None else self._deduplicator.report
        return CleanReport(self._read, self._kept, dict(self.rejects.counts), self.rejects.by_source,
                           self._normaliser.report, duplicates, self._consistency.report())

    def _counted(self, docs: Iterable[Document]) -> Iterator[Document]:
        for doc in docs:
            self._read += 1
            yield doc


def clean(config: CleanConfig) -> CleanSummary:
    """Clean files; see `CleanConfig`.

    Raises:
        InputError: bad input, named by file, line and field; nothing is written then.
    """
    check_targets((config.tgt_path, config.rejects, config.report), config.src_path)
    with Rejects(config.rejects) as rejects:
        cleaner = Cleaner(config, rejects)
        write_rows(config.tgt_path, map(document_to_row, cleaner.run(read_documents(config.src_path))))
    report = cleaner.report
    if config.report is not None:
        write_report(config.report, report)
    return CleanSummary(
        report.read, report.kept, report.dropped, report.normalised.changed, report.normalised.mentions_emptied,
        report.normalised.mojibake, report.duplicates.united, report.duplicates.facts_lost,
        report.duplicates.near_kept, report.consistency.same_text, report.consistency.mentions_several_types,
        config.tgt_path)


def read_documents(paths: Iterable[str]) -> Iterator[Document]:
    """The documents of several files; one without `source` gets the name of the file's folder.

    Raises:
        InputError: a record that cannot be read.
    """
    for path in paths:
        folder = Path(os.path.abspath(path)).parent.name  # noqa: PTH100 (resolve() would follow links)
        for line, row in read_rows(path):
            doc = document_from_row(row, path, line)
            yield doc if doc.source is not None else msgspec.structs.replace(doc, source=folder)


def write_report(path: str, report: msgspec.Struct) -> None:
    """Write a report as indented JSON."""
    with atomic_writer(path) as out:
        out.write(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
