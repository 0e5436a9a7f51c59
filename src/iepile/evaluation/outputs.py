"""What `evaluate` finds and writes besides scores: errors, label orders, confidence, and the page.

These need the texts, or the predictions in other forms, and not only the counts: each reads the file once more.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.report import Report
from iepile.tasks.matching import BY_PLACE, Match

PAGE_DRAWS = 1000


def complete(config: EvaluateConfig, report: Report, match: Match) -> None:
    """Write the errors and the page that the settings want, and add to the report what was found on the way.

    Raises:
        InputError: a file that cannot be written, or a page in a language that it does not have.
        MissingDependency: what pages are made with is not installed.
    """
    wanted = config.sort_by.split(",")
    if config.errors:
        from iepile.evaluation.errors.effects import error_report

        found = error_report(config.path1, config.task, match, config.match_mode, config.errors)
        report.errors, report.confusions = found.counts, found.confusions
    if config.report or "order" in wanted:
        _add_orders(config, report)
    if config.report:
        _write_page(config, report, match)
    elif "confidence" in wanted:
        _add_confidence(config, report, match)


def _add_orders(config: EvaluateConfig, report: Report) -> None:
    from iepile.evaluation.orders import order_scores
    from iepile.evaluation.score import evaluate

    # The answers of one order have no places of their own.
    match = "string" if config.match in BY_PLACE else config.match
    bare = EvaluateConfig(task=config.task, match=match, match_mode=config.match_mode)
    report.orders = order_scores(config.path1, lambda path: evaluate(replace(bare, path1=path)))


def _add_confidence(config: EvaluateConfig, report: Report, match: Match) -> None:
    from iepile.evaluation.errors.errors import stated
    from iepile.evaluation.facts import RecordReader
    from iepile.evaluation.judged import judged
    from iepile.evaluation.pairing import pairs
    from iepile.evaluation.reliability import Reliability

    told, distinct = Reliability(), config.match_mode == "set"
    for text in judged(RecordReader(config.task, match, detail=True), config.path1):
        for group in text.task.groups:
            answered, gold = text.keys(group, match, distinct)
            right = [g is not None for g in pairs(answered, gold, match)]
            facts = stated(text.task, text.answered, group, match, distinct)
            told.add(text.task.name, group, [f.confidence for f in facts], right, len(gold))
    report.reliability = list(told.curves())


def _write_page(config: EvaluateConfig, report: Report, match: Match) -> None:
    from iepile.evaluation.facts import RecordReader
    from iepile.evaluation.judged import judged
    from iepile.evaluation.page.report_page import PageOptions, report_data, write_report
    from iepile.evaluation.reliability import ReliabilityCurve

    options = PageOptions(config.report_language, draws=config.draws or PAGE_DRAWS, seed=config.seed)
    texts = judged(RecordReader(config.task, match, detail=True), config.path1)
    data = report_data(config, report, texts, options, report.orders)
    write_report(config.report, data)
    report.reliability = msgspec.convert(data["reliability"], list[ReliabilityCurve])
