"""Training texts that are in an evaluation split: found, reported, and left out of training.

    iepile leaks --train train.jsonl --evaluation dev.jsonl --evaluation test.jsonl \\
        --tgt_path clean.jsonl --report leaks.json

    index = LeakIndex(LeakSettings())
    index.add(test_documents, "test")
    check = LeakCheck(index)
    for doc in check.run(train_documents):         # those that leak nothing
        ...
    check.report

The evaluation split is never touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iepile.corpus.clean import read_documents, write_report
from iepile.corpus.leak_index import LeakIndex, LeakSettings, Match, set_name
from iepile.corpus.rejects import Reason, Rejects
from iepile.errors import InputError
from iepile.jsonl import check_targets, write_rows
from iepile.records import Document
from iepile.unified import document_to_row

__all__ = ["Leak", "LeakCheck", "LeakIndex", "LeakReport", "LeakSettings", "LeaksConfig", "LeaksSummary", "Match",
           "SetPair", "leaks"]

QUOTED = 200
"""Characters of a training text that a report quotes."""

_REASONS = {"exact": Reason.LEAK_EXACT, "near": Reason.LEAK_NEAR, "contained": Reason.LEAK_CONTAINED}


@dataclass(kw_only=True)
class LeaksConfig(LeakSettings):
    """Find training texts that are, exactly, nearly or in part, in an evaluation split, and leave them out."""

    train: list[str]
    """Training documents in the unified format; may be given several times."""
    evaluation: list[str]
    """Documents of evaluation splits (dev, test) in the unified format; may be given several times."""
    tgt_path: str | None = None
    """File for the training documents that leak nothing, in order; without, there is only the report."""
    rejects: str | None = None
    """Also write the training documents that leak, each with what it leaks."""
    report: str | None = None
    """Also write the report (JSON): counts by pair of sets, and every leak with its evaluation text."""


class Leak(msgspec.Struct):
    """One training text with the evaluation text that it leaks most plainly."""

    train: str
    """Data set and split."""
    train_key: str
    evaluation: str
    evaluation_key: str
    kind: str
    similarity: float
    text: str
    """How the training text begins."""


class SetPair(msgspec.Struct):
    """What one training set leaks of one evaluation set."""

    train: str
    evaluation: str
    exact: int = 0
    """Training texts whose plainest match in that set is of this kind."""
    near: int = 0
    contained: int = 0
    short: int = 0
    """Of the exact ones, those below `min_words`: headings and datelines, which may be equal by chance."""
    evaluation_texts: int = 0
    """Texts of the evaluation set that are leaked."""
    evaluation_share: float = 0.0
    """The same as a share of that set."""


class LeakReport(msgspec.Struct):
    """What leaks."""

    train: dict[str, int]
    """Training set -> its texts."""
    evaluation: dict[str, int]
    """Evaluation set -> its texts."""
    leaking: dict[str, int]
    """Training set -> texts that leak into any evaluation set."""
    pairs: list[SetPair]
    """By training set and evaluation set, those with leaks."""
    leaks: list[Leak]
    """Every training text that leaks."""


class LeaksSummary(msgspec.Struct):
    """The report without its single leaks."""

    train: int
    evaluation: int
    leaking: int
    kept: int
    pairs: list[SetPair]
    target: str = ""


class LeakCheck:
    """The step: training documents in, those that leak nothing out."""

    def __init__(self, index: LeakIndex, rejects: Rejects | None = None) -> None:
        """The evaluation texts; where leaking documents go."""
        self.index, self.rejects = index, rejects or Rejects()
        self._train: dict[str, int] = {}
        self._leaking: dict[str, int] = {}
        self._pairs: dict[tuple[str, str], SetPair] = {}
        self._touched: dict[tuple[str, str], set[int]] = {}
        self._leaks: list[Leak] = []

    def run(self, docs: Iterable[Document], split: str = "") -> Iterator[Document]:
        """Yield what leaks nothing; `split` names the training split in the report (default: of its `meta`)."""
        for doc in docs:
            name = set_name(doc, split)
            self._train[name] = self._train.get(name, 0) + 1
            matches = self.index.matches(doc)
            if not matches:
                yield doc
                continue
            best = matches[0]
            self._count(name, matches)
            self._leaks.append(Leak(name, doc.key, best.set, best.key, best.kind, round(best.similarity, 4),
                                    doc.text[:QUOTED]))
            self.rejects.drop(doc, _REASONS[best.kind], f"{best.set} {best.key}", best.similarity)

    def _count(self, name: str, matches: list[Match]) -> None:
        self._leaking[name] = self._leaking.get(name, 0) + 1
        seen: dict[str, None] = {}
        for match in matches:
            place = (name, match.set)
            self._touched.setdefault(place, set()).add(match.number)
            if match.set not in seen:  # the first is the plainest
                seen[match.set] = None
                pair = self._pairs.setdefault(place, SetPair(*place))
                setattr(pair, match.kind, getattr(pair, match.kind) + 1)
                pair.short += match.short

    @property
    def report(self) -> LeakReport:
        """What was found so far."""
        pairs = []
        for place, pair in sorted(self._pairs.items()):
            touched = len(self._touched[place])
            pairs.append(msgspec.structs.replace(
                pair, evaluation_texts=touched, evaluation_share=round(touched / self.index.sets[pair.evaluation], 4)))
        return LeakReport(dict(self._train), dict(self.index.sets), dict(self._leaking), pairs, self._leaks)


def leaks(config: LeaksConfig) -> LeaksSummary:
    """Check files; see `LeaksConfig`.

    Raises:
        InputError: bad input, named by file, line and field; nothing is written then.
    """
    evaluation = {os.path.realpath(path) for path in config.evaluation}
    for path in config.train:
        if os.path.realpath(path) in evaluation:
            raise InputError(f"{path} is an evaluation split", field="evaluation",
                             expected="files that are not training texts")
    check_targets((config.tgt_path, config.rejects, config.report), (*config.train, *config.evaluation))
    index = LeakIndex(config)
    for path in config.evaluation:
        index.add(read_documents([path]), _split(path))
    with Rejects(config.rejects) as rejects:
        check = LeakCheck(index, rejects)
        kept = (doc for path in config.train for doc in check.run(read_documents([path]), _split(path)))
        count = (sum(1 for _ in kept) if config.tgt_path is None
                 else write_rows(config.tgt_path, map(document_to_row, kept)))
    report = check.report
    if config.report is not None:
        write_report(config.report, report)
    return LeaksSummary(sum(report.train.values()), len(index), len(report.leaks), count, report.pairs,
                        config.tgt_path or "")


def _split(path: str) -> str:
    """`train` of `train.jsonl.gz`."""
    return Path(path).name.split(".")[0]
