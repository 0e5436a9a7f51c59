"""Precision, recall and F1 of predictions, per task, source and label.

    from iepile.evaluation.score import EvaluateConfig, evaluate
    report = evaluate(EvaluateConfig(path1="pred.json", sort_by="source"))
    report.scores[0].score.f1

A fact is right when its label and its mentions are those of a gold fact of the same text. Scores are
micro averages from unrounded values, in percent; a score with nothing to divide by is 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from msgspec import structs

from iepile.errors import InputError
from iepile.evaluation.completion import PARTS
from iepile.evaluation.config import EvaluateConfig as EvaluateConfig
from iepile.evaluation.count import Cell, Tally
from iepile.evaluation.counted import counted, uncollected
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.macro import macro_row
from iepile.evaluation.outputs import complete
from iepile.evaluation.report import VERSION, Report, Row, Score, SourceCounts
from iepile.jsonl import atomic_writer, check_targets
from iepile.tasks.matching import BY_PLACE, MATCHES, Match
from iepile.tasks.task import get_task

PAGE_LANGUAGES = ("zh", "en")
SORTS = ("source", "label", "language", "order", "confidence")


def evaluate(config: EvaluateConfig) -> Report:
    """Score a file of predictions.

    Raises:
        InputError: a setting that does not exist, no such file, or nothing in it that can be scored.
    """
    match = _check(config)
    wanted = (config.output, config.tables, config.errors, config.report, config.bad_rows)
    check_targets((path or None for path in wanted), (config.path1 or None, config.gold_path or None))
    with ExitStack() as stack:
        rows = config
        if config.gold_path:
            from iepile.evaluation.documents import prediction_rows

            made = stack.enter_context(prediction_rows(config.path1, config.gold_path, config.task))
            rows = replace(config, path1=made, gold_path="")
        report = _as_reference(rows) if config.protocol else _ours(rows, match)
        report.file = config.path1 or config.submit_path
        if not config.protocol:
            complete(rows, report, match)
        if config.tables:
            from iepile.evaluation.table_files import write_tables

            write_tables(report, config.tables)
    if config.output:
        with atomic_writer(config.output) as f:
            f.write(report.to_json())
    return report


def _as_reference(config: EvaluateConfig) -> Report:
    from iepile.evaluation.protocols.protocol import run_protocol

    with uncollected():
        return run_protocol(config)


def _ours(config: EvaluateConfig, match: Match) -> Report:
    reader, tally = counted(config, match)
    if not reader.counts.records:
        raise _nothing(config, reader)
    if match in BY_PLACE:
        _check_places(config, reader)
    return _report(config, tally, reader)


def _check(config: EvaluateConfig) -> Match:
    if not config.path1 and not (config.protocol and config.submit_path):
        raise InputError("not given", field="path1", fix="give --path1, the file of predictions")
    if config.tables:
        from iepile.evaluation.table_files import writer_for

        writer_for(config.tables)
    if config.protocol:
        from iepile.evaluation.protocols.protocol import check_protocol

        for name in ("gold_path", "draws", "errors", "report", "bad_rows"):
            if getattr(config, name):
                raise InputError(f"protocol {config.protocol} has none", field=name, fix="leave out one of the two")
        check_protocol(config)
        return "string"
    if config.report_language not in PAGE_LANGUAGES:
        raise InputError(f"is {config.report_language!r}", field="report_language",
                         expected=" or ".join(PAGE_LANGUAGES))
    allowed = {"match_mode": ("normal", "set"), "match": MATCHES, "metrics_list": ("f1",)}
    for name, values in allowed.items():
        if getattr(config, name) not in values:
            raise InputError(f"is {getattr(config, name)!r}", field=name, expected=" or ".join(values))
    for part in filter(None, config.sort_by.split(",")):
        if part not in SORTS:
            raise InputError(f"is {part!r}", field="sort_by", expected=f"{', '.join(SORTS)}, or several of them")
    if config.draws < 0:
        raise InputError(f"is {config.draws}", field="draws", expected="0 or more")
    return next(m for m in MATCHES if m == config.match)


def _report(config: EvaluateConfig, tally: Tally, reader: RecordReader) -> Report:
    sources = tally.texts
    names = dict.fromkeys(t for t, _ in sources)
    groups = [(t, g) for t in sorted(names) for g in (*get_task(t).groups, *get_task(t).field_groups)]
    totals = {g: [0, 0, 0] for g in groups}
    per_source = {(t, g, s): [0, 0, 0] for t, g in groups for of, s in sorted(sources) if of == t}
    per_label: dict[tuple[str, str, str], list[int]] = {}
    for (task, group, source), cell in tally.cells.items():
        for label, numbers in cell.by_label():
            for have in (totals[task, group], per_source[task, group, source],
                         per_label.setdefault((task, group, label), [0, 0, 0])):
                have[:] = map(sum, zip(have, numbers, strict=True))
    rank = {g: n for n, g in enumerate(groups)}
    labels = sorted(per_label.items(), key=lambda cell: (rank[cell[0][:2]], cell[0][2]))
    sure = _intervals(config, tally) if config.draws else lambda row: row
    return Report(
        setting=f"micro-{config.match}-{config.match_mode}/{VERSION}",
        file=config.path1,
        scores=[sure(Row(*g, Score.of(*n))) for g, n in totals.items() if g[1] in get_task(g[0]).groups],
        field_scores=[sure(Row(*g, Score.of(*n))) for g, n in totals.items() if g[1] in get_task(g[0]).field_groups],
        by_source=[sure(Row(t, g, Score.of(*n), source=part)) for (t, g, part), n in per_source.items()],
        by_label=[Row(t, g, Score.of(*n), label=part) for (t, g, part), n in labels if g in get_task(t).groups],
        sources=[SourceCounts(t, s, *n) for (t, s), n in sorted(sources.items())],
        counts=reader.counts,
        notes=reader.notes,
        macro=[macro_row(*g, (n for (t, of, label), n in per_label.items() if (t, of) == g and label)) for g in groups
               if g[1] in get_task(g[0]).groups],
        completion=[_part(t, part, cell, config) for (t, part), cell in sorted(
            tally.parts.items(), key=lambda x: (x[0][0], PARTS.index(x[0][1])))],
        by_language=[sure(row) for row in _by_language(tally, rank)],
    )


def _by_language(tally: Tally, rank: dict[tuple[str, str], int]) -> list[Row]:
    rows = []
    for (task, group, language), cell in sorted(tally.languages.items(), key=lambda x: (rank[x[0][:2]], x[0][2])):
        counts = (sum(kind[n] * times for kind, times in cell.spread.items()) for n in range(3))
        rows.append(Row(task, group, Score.of(*counts), language=language))
    return rows


def _part(task: str, part: str, cell: Cell, config: EvaluateConfig) -> Row:
    counts = (sum(kind[n] * times for kind, times in cell.spread.items()) for n in range(3))
    row = Row(task, part, Score.of(*counts))
    if not config.draws:
        return row
    from iepile.evaluation.bootstrap import interval

    return structs.replace(row, interval=interval(cell.spread, config.draws, config.seed))


def _intervals(config: EvaluateConfig, tally: Tally) -> Callable[[Row], Row]:
    """What gives a row, of all texts, of a source or of a language, its interval."""
    from iepile.evaluation.bootstrap import interval

    def sure(row: Row) -> Row:
        spread: Counter[tuple[int, int, int]] = Counter()
        cells, wanted = (tally.cells, row.source) if row.language is None else (tally.languages, row.language)
        for (task, group, part), cell in cells.items():
            if (task, group) == (row.task, row.group) and wanted in (None, part):
                spread += cell.spread
        return structs.replace(row, interval=interval(spread, config.draws, config.seed))

    return sure


def _nothing(config: EvaluateConfig, reader: RecordReader) -> InputError:
    first = f" (line {reader.notes[0].line}: {reader.notes[0].problem})" if reader.notes else ""
    return InputError(f"none of the {reader.counts.rows} rows can be scored{first}", file=config.path1,
                      expected="rows with `instruction`, `task`, `label` and `output`",
                      fix="convert the test data with its annotation, predict it, and score that file")


def _check_places(config: EvaluateConfig, reader: RecordReader) -> None:
    counts = reader.counts
    rows = counts.rows - counts.other_task_rows
    if counts.without_facts == rows:
        raise InputError("no row has `facts`", file=config.path1, field="match",
                         fix="predict with `iepile predict`, or score with --match string")
    if counts.gold_without_place and counts.gold_without_place == counts.gold_mentions:
        raise InputError("the labels hold no places", file=config.path1, field="match",
                         fix="keep the places when converting the test data, or score with --match string")
