"""How long training rows are in tokens, what does not fit, and what was done about it.

`DataReport.text()` is shown before a run starts; the whole report is written to `data_report.json`.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from iepile.training.rows import Row
from iepile.training.windows import Reason, Split

REPORT = "data_report.json"
BARS = 10
"""Lines of the histogram."""
ROUND = 64
"""A suggested `cutoff_len` is a multiple of this."""
SHORT = 0.99
"""Share of rows that the smaller suggestion lets through."""


@dataclass(frozen=True)
class Lengths:
    """Tokens a row: prompt and answer together, before anything was split."""

    count: int = 0
    mean: float = 0.0
    p50: int = 0
    p95: int = 0
    p99: int = 0
    max: int = 0

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Lengths:
        """Measure some rows."""
        if not lengths:
            return cls()
        ordered = sorted(lengths)

        def at(share: float) -> int:
            return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

        return cls(len(ordered), round(sum(ordered) / len(ordered), 1), at(0.5), at(0.95), at(0.99), ordered[-1])


@dataclass(frozen=True)
class DataReport:
    """What a training file holds, and what becomes of it."""

    rows: int
    """Rows read."""
    examples: int
    """Examples to train on: rows that fit, and the parts of those that do not."""
    tokens: Lengths
    by_source: dict[str, Lengths]
    by_task: dict[str, Lengths]
    histogram: list[tuple[int, int]]
    """(Most tokens, rows) of each bar."""
    cutoff_len: int
    too_long: int
    """Rows longer than `cutoff_len`."""
    windowed: int
    """Those that were split."""
    parts: int
    """What they were split into."""
    facts: int
    """Facts in the answers of split rows."""
    lost_facts: int
    """Those that no part holds whole."""
    dropped: dict[str, int]
    """Rows left out, by reason."""
    supervised_tokens: int
    """Tokens of the examples that are learned."""
    supervised_share: float
    odd_answers: int
    """Answers to a JSON question that are no JSON object themselves."""
    odd_at: str
    """Where the first of them stands."""
    predicted: int
    """Rows with a `label` beside the answer, as files of predictions have them."""
    fits_most: int
    """A `cutoff_len` under which 99 of 100 rows fit whole."""
    fits_all: int
    """One under which all do."""
    sampled: bool = False
    """The rows are a sample of the file (`streaming`)."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Examples without any fact that `negative_ratio` leaves out, by source."""

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)

    def text(self) -> str:
        """The report for people: sizes, a histogram, sources and tasks."""
        t = self.tokens
        head = f"{self.rows} rows{' (a sample)' if self.sampled else ''}, {self.examples} examples; tokens a row: " \
               f"mean {t.mean}, p50 {t.p50}, p95 {t.p95}, p99 {t.p99}, max {t.max}; " \
               f"{self.supervised_share:.1%} of the tokens are learned"
        most = max((n for _, n in self.histogram), default=1)
        bars = [f"  up to {top:>7} {'#' * math.ceil(40 * n / most):<40} {n}" for top, n in self.histogram]
        groups = [f"  {kind} {name}: {g.count} rows, mean {g.mean}, p95 {g.p95}, max {g.max}"
                  for kind, table in (("source", self.by_source), ("task", self.by_task)) for name, g in table.items()]
        fewer = [f"  {n} examples of {name} without any fact are left out (negative_ratio)"
                 for name, n in self.left_out.items()]
        return "\n".join([head, *bars, *groups, *fewer])

    def warnings(self) -> list[str]:
        """What somebody should know before the run starts."""
        out: list[str] = []
        if self.too_long:
            fates = [f"{self.windowed} are split into {self.parts} parts"] if self.windowed else []
            fates += [f"{n} are left out ({why})" for why, n in self.dropped.items()]
            out.append(
                f"{self.too_long} of {self.rows} rows are longer than cutoff_len {self.cutoff_len} (the longest has "
                f"{self.tokens.max} tokens): {'; '.join(fates)}. "
                + (f"cutoff_len {self.fits_most} fits 99 of 100 rows, {self.fits_all} all"
                   if self.fits_most != self.fits_all else f"cutoff_len {self.fits_all} fits all")
            )
        if self.lost_facts:
            out.append(f"{self.lost_facts} of {self.facts} facts of split rows stand in no part whole and are not "
                       "learned; a higher cutoff_len keeps more")
        if self.odd_answers:
            out.append(f"{self.odd_answers} answers to JSON questions are no JSON object; the first: {self.odd_at}")
        if self.predicted:
            out.append(f"{self.predicted} rows have a label beside the answer, as predictions have: is this a file of "
                       "what a model answered?")
        return out


class Tally:
    """Counts rows as they are read."""

    def __init__(self, cutoff_len: int) -> None:
        self.cutoff_len = cutoff_len
        self.lengths: dict[tuple[str, str], array[int]] = {}
        self.dropped: Counter[str] = Counter()
        self.examples = self.windowed = self.parts = self.facts = self.lost = 0
        self.tokens = self.supervised = self.odd = self.predicted = 0
        self.odd_at = ""

    def row(self, row: Row, tokens: int, odd: bool) -> None:
        """A row, of a length; `odd`: its answer has not the form of its question."""
        self.lengths.setdefault((row.source, row.task), array("i")).append(tokens)
        self.predicted += row.predicted
        self.odd += odd
        if odd and not self.odd_at:
            self.odd_at = f"{row.file}:{row.line}"

    def fate(self, split: Split | Reason) -> None:
        """What became of a row that is too long."""
        if isinstance(split, Reason):
            self.dropped[split.value] += 1
            return
        self.windowed += 1
        self.parts += len(split.parts)
        self.facts += split.facts
        self.lost += split.lost

    def example(self, tokens: int, supervised: int) -> None:
        """An example to train on."""
        self.examples += 1
        self.tokens += tokens
        self.supervised += supervised

    def report(self, sampled: bool = False) -> DataReport:
        """What was counted."""
        every = sorted(n for lengths in self.lengths.values() for n in lengths)
        tokens = Lengths.of(every)
        most = every[max(0, math.ceil(SHORT * len(every)) - 1)] if every else 0
        return DataReport(
            rows=len(every), examples=self.examples, tokens=tokens, by_source=self._by(0), by_task=self._by(1),
            histogram=histogram(every), cutoff_len=self.cutoff_len,
            too_long=sum(n > self.cutoff_len for n in every), windowed=self.windowed, parts=self.parts,
            facts=self.facts, lost_facts=self.lost, dropped=dict(sorted(self.dropped.items())),
            supervised_tokens=self.supervised, supervised_share=round(self.supervised / max(self.tokens, 1), 4),
            odd_answers=self.odd, odd_at=self.odd_at, predicted=self.predicted,
            fits_most=_rounded(most), fits_all=_rounded(tokens.max), sampled=sampled,
        )

    def _by(self, part: int) -> dict[str, Lengths]:
        groups: dict[str, array[int]] = {}
        for names, lengths in self.lengths.items():
            groups.setdefault(names[part] or "(none)", array("i")).extend(lengths)
        return {name: Lengths.of(groups[name]) for name in sorted(groups)}


def histogram(lengths: Iterable[int]) -> list[tuple[int, int]]:
    """(Most tokens, rows) of bars of equal width, at most `BARS`."""
    every = list(lengths)
    if not every:
        return []
    width = math.ceil(max(every) / BARS)
    counts = Counter(max(0, n - 1) // width for n in every)
    return [((bar + 1) * width, counts[bar]) for bar in range(max(counts) + 1)]


def read_report(saved: Mapping[str, Any]) -> DataReport:
    """The reverse of `DataReport.to_json`."""
    import msgspec

    return msgspec.convert(saved, DataReport)


def _rounded(tokens: int) -> int:
    return max(1, math.ceil(tokens / ROUND)) * ROUND
