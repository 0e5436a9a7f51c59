"""The report as a page one can open anywhere: figures with intervals, plots, tables, and a browser of the errors.

    data = report_data(config, report, judged(RecordReader(detail=True), config.path1), PageOptions("en"))
    write_report("report.html", data)

One HTML file, in Chinese and English, that fetches nothing. Its figures are of all texts, which are read once; of the
texts themselves it holds a sample (text_sample.py), so that it stays a few megabytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.errors.effects import ErrorTally
from iepile.evaluation.errors.errors import ERROR_CLASSES, FactError, stated
from iepile.evaluation.judged import Judged
from iepile.evaluation.page.breakdown import LENGTHS, Breakdown, PartRow
from iepile.evaluation.page.browse import RIGHT, shown_text
from iepile.evaluation.page.text_sample import TextSample
from iepile.evaluation.pairing import Key, pairs
from iepile.evaluation.reliability import Reliability
from iepile.evaluation.report import Report
from iepile.page import PAGES, write_page
from iepile.tasks.matching import MATCHES, Match

if TYPE_CHECKING:
    from iepile.evaluation.config import EvaluateConfig
    from iepile.evaluation.orders import OrderScores

MOST_BYTES = 3_000_000
"""Of texts with their facts, as JSON; where a sample has more, a smaller one is drawn."""
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class PageOptions:
    """How the page is made."""

    language: str = "en"
    """`zh` or `en`: the language it opens in."""
    texts: int = 500
    """Texts in the error browser at most."""
    draws: int = 1000
    """Draws of the texts for an interval."""
    seed: int = 0
    """Of the draws and the sample."""


def report_data(
    config: EvaluateConfig, report: Report, texts: Iterable[Judged], options: PageOptions | None = None,
    orders: Iterable[OrderScores] = (),
) -> dict[str, Any]:
    """Everything the page shows, as plain data.

    Args:
        report: of the same file and settings.
        texts: the judged texts of that file; each is let go of unless it is in the sample.
        orders: of the predictions that were asked in several label orders.

    Raises:
        InputError: an unknown language, or a report by the rules of a reference, which judges no single fact.
    """
    options = options or PageOptions()
    if options.language not in LANGUAGES:
        raise InputError(f"is {options.language!r}", field="report_language", expected=" or ".join(LANGUAGES))
    if config.protocol:
        raise InputError("the page shows facts by our own rules", field="protocol", fix="leave out --protocol")
    match, distinct = next(m for m in MATCHES if m == config.match), config.match_mode == "set"
    parts, tally, told = Breakdown(), ErrorTally(match, distinct), Reliability()
    sample: TextSample[Judged] = TextSample(options.texts, options.seed)
    wrong = 0
    for text in texts:
        errors = tally.add(text)
        wrong += bool(errors)
        labels: dict[str, None] = {}
        for group in (*text.task.groups, *text.task.field_groups):
            answered, gold = text.keys(group, match, distinct)
            found = pairs(answered, gold, match)
            parts.add(text, group, answered, gold, found)
            if group in text.task.groups:
                labels |= dict.fromkeys(f"label {text.task.name}/{label}" for label, _ in (*answered, *gold))
                _sure(told, text, group, match, distinct, gold, found)
        sample.offer(text, _strata(text, errors), labels)
    scores = {part: _rows(rows) for part, rows in parts.rows(options.draws, options.seed).items()}
    shown = _within(MOST_BYTES, sample, lambda text: shown_text(text, match, distinct))
    return {
        "language": options.language,
        "file": Path(report.file).name,
        "setting": report.setting, "match": config.match, "match_mode": config.match_mode,
        "groups": [[r.task, r.group, r in report.scores] for r in (*report.scores, *report.field_scores)],
        "parts": scores,
        "completion": [[r.task, r.group, r.score.precision, r.score.recall, r.score.f1, r.score.tp, r.score.pred,
                        r.score.gold] for r in report.completion],
        "counts": [[name, n] for name, n in msgspec.structs.asdict(report.counts).items() if n],
        "notes": [[n.line, n.problem[:300]] for n in report.notes],
        "classes": list(ERROR_CLASSES),
        "errors": [[c.task, c.group, c.kind, c.count, c.f1_if_fixed] for c in tally.counts()],
        "confusions": msgspec.to_builtins(tally.confusions()),
        "reliability": msgspec.to_builtins(told.curves()),
        "orders": msgspec.to_builtins(list(orders)),
        "draws": options.draws,
        "longest": LENGTHS[-1],
        "of": sample.offered, "wrong": wrong,
        "texts": shown,
    }


def write_report(path: str | Path, data: dict[str, Any]) -> None:
    """Write the page; the file appears only when complete.

    Raises:
        MissingDependency: Jinja is not installed.
        InputError: it cannot be written there.
    """
    words = tomllib.loads((PAGES / "evaluation_words.toml").read_text("utf-8"))
    write_page(path, "evaluation.html", data | {"words": words}, title=data["file"], language=data["language"])


def _strata(text: Judged, errors: Sequence[FactError]) -> list[str]:
    kinds = dict.fromkeys(f"class {text.task.name}/{e.group}/{e.kind}" for e in errors)
    return list(kinds) or [f"class {text.task.name}/{RIGHT}"]


def _sure(
    told: Reliability, text: Judged, group: str, match: Match, distinct: bool, gold: Sequence[Key],
    found: Sequence[int | None]
) -> None:
    facts = stated(text.task, text.answered, group, match, distinct)
    told.add(text.task.name, group, [f.confidence for f in facts], [g is not None for g in found], len(gold))


def _rows(rows: Iterable[PartRow]) -> list[list[Any]]:
    """[task, group, value, texts, right, answered, gold, P, R, F1, three times (low, high)] of each."""
    return [[r.task, r.group, r.value, r.texts, r.score.tp, r.score.pred, r.score.gold, r.score.precision,
             r.score.recall, r.score.f1, r.intervals.precision, r.intervals.recall, r.intervals.f1] for r in rows]


def _within(most: int, sample: TextSample[Judged], shown: Callable[[Judged], dict[str, Any]]) -> list[dict[str, Any]]:
    """As many texts of the sample as have at most so many bytes, one at least."""
    texts = sample.drawn()
    while True:
        out = [shown(text) for text in texts]
        size = len(msgspec.json.encode(out))
        if size <= most or len(out) < 2:
            return out
        # Drawn anew, so that what is rare stays in.
        texts = sample.drawn(max(1, min(len(out) - 1, int(0.95 * len(out) * most / size))))
