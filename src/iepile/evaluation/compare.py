"""Two runs or more on the same texts: differences, whether they can be luck, and the texts that changed.

    from iepile.evaluation.compare import CompareConfig, compare
    found = compare(CompareConfig(paths=["base.json", "tuned.json"], changed="changed.jsonl"))
    found.comparisons[0].difference.p

Every run is compared with the first. Texts are paired, so what both runs find hard does not blur the difference; only
texts that both runs have are compared, and the others are counted. The p-value is that of approximate randomisation
(bootstrap.py); with several runs it is given as it is and corrected after Holm, since with many runs one will look
better by luck.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.aligning import aligned
from iepile.evaluation.bootstrap import Difference, difference
from iepile.evaluation.documents import prediction_rows
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.judged import Judged, judged
from iepile.evaluation.pairing import Key, pairs
from iepile.evaluation.report import VERSION, Score
from iepile.evaluation.tables import Table
from iepile.jsonl import atomic_writer, check_targets, dumps
from iepile.tasks.matching import MATCHES, Match
from iepile.tasks.task import get_task


@dataclass(kw_only=True)
class CompareConfig:
    """Compare runs on the same texts: which is better, and can it be luck."""

    paths: list[str] = field(default_factory=list)
    """Predictions, as `evaluate` reads them; the first is what the others are compared with."""
    gold_path: str = ""
    """Documents with gold, where the predictions are documents."""
    task: str = ""
    """Compare only rows of this task, and take rows that name none for it; empty: whatever the rows name."""
    match: str = "string"
    """What a mention is compared by: string, normalised, offset, overlap or head (see `evaluate`)."""
    match_mode: str = "normal"
    """`normal`: a fact answered twice must stand in the gold twice; `set`: repeats count once."""
    changed: str = ""
    """Write the texts on which a run got better or worse here, as JSON lines."""
    output: str = ""
    """Write the comparison here, as JSON."""
    draws: int = 10_000
    """Draws of intervals and tests."""
    seed: int = 0
    """Seed of the draws."""


class Comparison(msgspec.Struct, frozen=True):
    """One run against the first, on the texts of both."""

    task: str
    group: str
    file: str
    first: Score
    second: Score
    difference: Difference
    p_corrected: float
    """After Holm, over the runs compared in this group."""
    texts: int
    better: int
    """Texts with fewer faults than in the first run."""
    worse: int


class CompareReport(msgspec.Struct):
    """What `compare` found."""

    setting: str
    first: str
    comparisons: list[Comparison]
    left_out: dict[str, int]
    """Texts that only one of two runs has, by the file that lacks them."""


def compare(config: CompareConfig) -> CompareReport:
    """Compare each run with the first.

    Raises:
        InputError: fewer than two files, a setting that does not exist, other gold in one of the files, or no text in
            common.
    """
    match = _check(config)
    first, *others = config.paths
    found: list[Comparison] = []
    left_out: dict[str, int] = {}
    with ExitStack() as stack:
        target = stack.enter_context(atomic_writer(config.changed)) if config.changed else None
        rows = [stack.enter_context(prediction_rows(p, config.gold_path, config.task)) if config.gold_path else p
                for p in config.paths]
        for path, place in zip(others, rows[1:], strict=True):
            pair = _Pair(config, match, (first, path))
            pair.read((rows[0], place), target)
            found += pair.comparisons()
            for name, n in zip((first, path), pair.alone, strict=True):
                if n:
                    left_out[name] = left_out.get(name, 0) + n
    report = CompareReport(f"micro-{match}-{config.match_mode}/{VERSION}", first, _holm(found), left_out)
    if config.output:
        with atomic_writer(config.output) as f:
            f.write(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return report


class _Pair:
    """Counts of two runs, text by text."""

    def __init__(self, config: CompareConfig, match: Match, paths: tuple[str, str]) -> None:
        self.config, self.match, self.paths = config, match, paths
        self.spread: dict[tuple[str, str], Counter[tuple[int, int, int, int, int]]] = {}
        self.alone = [0, 0]
        """Texts that the first, and that the second lacks."""

    def read(self, rows: tuple[str, str], changed: IO[bytes] | None) -> None:
        first, second = (judged(RecordReader(self.config.task, self.match, detail=True), path) for path in rows)
        for a, b in aligned(first, second, lambda t: (t.task.name, t.source, t.id)):
            if a is None or b is None:
                self.alone[a is not None] += 1
            else:
                self._add(a, b, changed)
        if not self.spread:
            raise InputError(f"no text is both here and in {self.paths[0]}", file=self.paths[1], field="paths",
                             expected="predictions of the same texts, with their labels")

    def _add(self, a: Judged, b: Judged, changed: IO[bytes] | None) -> None:
        distinct = self.config.match_mode == "set"
        turns: dict[str, Any] = {}
        for group in (*a.task.groups, *a.task.field_groups):
            (answered_a, gold), (answered_b, other) = (t.keys(group, self.match, distinct) for t in (a, b))
            if sorted(gold, key=repr) != sorted(other, key=repr):
                raise InputError(f"the gold of text {b.id!r} differs from that in {self.paths[0]} (line {a.line})",
                                 file=self.paths[1], line=b.line, field="label",
                                 fix="predict one file of questions with both models")
            right = [pairs(answered, gold, self.match) for answered in (answered_a, answered_b)]
            counts = (_hits(right[0]), len(answered_a), _hits(right[1]), len(answered_b), len(gold))
            self.spread.setdefault((a.task.name, group), Counter())[counts] += 1
            if group in a.task.groups and (turn := _turn(right, (answered_a, answered_b), gold)):
                turns[group] = turn | {"better_by": _faults(counts[:2], counts[4]) - _faults(counts[2:4], counts[4])}
        if turns and changed is not None:
            row = {"file": self.paths[1], "task": a.task.name, "source": a.source, "id": a.id, "line": a.line,
                   "text": a.text, "changes": turns}
            changed.write(dumps(row).encode() + b"\n")

    def comparisons(self) -> Iterator[Comparison]:
        for (task, group), spread in self.spread.items():
            sums = [sum(kind[n] * times for kind, times in spread.items()) for n in range(5)]
            gain = [(_faults(k[:2], k[4]) - _faults(k[2:4], k[4]), times) for k, times in spread.items()]
            tested = difference(spread, self.config.draws, self.config.seed)
            yield Comparison(
                task, group, self.paths[1], Score.of(sums[0], sums[1], sums[4]), Score.of(sums[2], sums[3], sums[4]),
                tested, tested.p, sum(spread.values()), sum(n for g, n in gain if g > 0),
                sum(n for g, n in gain if g < 0),
            )


def tables(report: CompareReport) -> list[Table]:
    """The comparison for a terminal."""
    names = _names([report.first, *(c.file for c in report.comparisons)])
    several = len(names) > 2
    rows = []
    for c in report.comparisons:
        if c.group not in get_task(c.task).groups:
            continue  # in the file only: they say much the same
        d = c.difference
        p = f"{d.p:.4f}" + (f" ({c.p_corrected:.4f})" if several else "")
        rows.append((names[c.file], c.task, c.group, f"{c.first.f1:.2f}", f"{c.second.f1:.2f}", f"{d.value:+.2f}",
                     f"{d.low:.1f} to {d.high:.1f}", p, str(c.better), str(c.worse), str(c.texts)))
    head = ("run", "task", "facts", "first", "F1", "change", "95 %", "p (Holm)" if several else "p", "better",
            "worse", "texts")
    out = [Table(f"{report.setting}, against {names[report.first]}", head, tuple(rows))]
    if report.left_out:
        alone = tuple((names[path], str(n)) for path, n in report.left_out.items())
        out.append(Table("texts left out", ("not in", "texts"), alone))
    return out


def _names(paths: Iterable[str]) -> dict[str, str]:
    """Each path by as many of its last parts as tell it from the others."""
    parts = {path: Path(path).parts for path in paths}
    for n in range(1, 1 + max(map(len, parts.values()))):
        short = {path: "/".join(p[-n:]) for path, p in parts.items()}
        if len(set(short.values())) == len(short):
            return short
    return {path: path for path in parts}


def _check(config: CompareConfig) -> Match:
    if len(config.paths) < 2:
        raise InputError(f"{len(config.paths)} given", field="paths", expected="two files of predictions, or more",
                         fix="iepile compare FIRST SECOND")
    if config.match_mode not in ("normal", "set"):
        raise InputError(f"is {config.match_mode!r}", field="match_mode", expected="normal or set")
    if config.match not in MATCHES:
        raise InputError(f"is {config.match!r}", field="match", expected=" or ".join(MATCHES))
    if config.draws < 1:
        raise InputError(f"is {config.draws}", field="draws", expected="1 or more")
    check_targets((config.changed or None, config.output or None), config.paths)
    return next(m for m in MATCHES if m == config.match)


def _hits(partners: list[int | None]) -> int:
    return sum(p is not None for p in partners)


def _faults(answers: tuple[int, ...], gold: int) -> int:
    """Facts answered wrongly and facts missed."""
    right, answered = answers
    return answered + gold - 2 * right


def _turn(right: list[list[int | None]], answered: tuple[list[Key], list[Key]], gold: list[Key]) -> dict[str, Any]:
    """What the second run found or lost of the gold, and which wrong answers are new or gone."""
    held = [{g for g in partners if g is not None} for partners in right]
    wrong = [Counter(repr(fact) for fact, p in zip(facts, partners, strict=True) if p is None)
             for facts, partners in zip(answered, right, strict=True)]
    shown = {repr(fact): fact for facts in answered for fact in facts}
    out = {
        "found": [_plain(gold[g]) for g in sorted(held[1] - held[0])],
        "lost": [_plain(gold[g]) for g in sorted(held[0] - held[1])],
        "new wrong": [_plain(shown[name]) for name in (wrong[1] - wrong[0]).elements()],
        "no longer wrong": [_plain(shown[name]) for name in (wrong[0] - wrong[1]).elements()],
    }
    return {what: facts for what, facts in out.items() if facts}


def _plain(key: Key) -> Any:
    return msgspec.to_builtins(key[1])


def _holm(found: list[Comparison]) -> list[Comparison]:
    """p-values corrected for the number of runs (Holm, Scand. J. Statist. 6, 1979), group by group."""
    groups: dict[tuple[str, str], list[int]] = {}
    for n, c in enumerate(found):
        groups.setdefault((c.task, c.group), []).append(n)
    out = list(found)
    for members in groups.values():
        least = 0.0
        for rank, n in enumerate(sorted(members, key=lambda n: (found[n].difference.p, n))):
            least = max(least, min(1.0, (len(members) - rank) * found[n].difference.p))
            out[n] = msgspec.structs.replace(found[n], p_corrected=least)
    return out
