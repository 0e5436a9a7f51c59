"""Scores by the rules of others, for comparison with published numbers (formats.md 1.7 and 5).

    report = run_protocol(EvaluateConfig(path1="pred.json", task="NER", protocol="iepile"))
    report.printed                # {'total': {'总样本数': 15, '错误数': 4, 'P': 60.0, ...}}
    write_reference("pred.json", report.printed)   # output_msg/pred.json

`iepile` and `deepke` are the evaluation programs of these two projects. They differ from ours in many small things:
an answer is JSON or an error, texts with equal ids are one, labels that were not asked count, F1 is made from rounded
numbers. `iepile` reads `subject` and `object` in relations, `deepke` reads `head` and `tail`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iepile.errors import InputError
from iepile.evaluation.facts import Counts, Note
from iepile.evaluation.report import VERSION, Report, Row, Score, SourceCounts
from iepile.jsonl import atomic_writer

if TYPE_CHECKING:
    from iepile.evaluation.protocol_iepile import Tally
    from iepile.evaluation.score import EvaluateConfig

PROTOCOLS = ("iepile", "deepke")
"""Names of the protocols."""


def check_protocol(config: EvaluateConfig) -> None:
    """Make sure that the settings go together.

    Raises:
        InputError: no such protocol, no task, or a setting that the protocol does not have.
    """
    name = config.protocol
    if name not in PROTOCOLS:
        raise InputError(f"is {name!r}", field="protocol", expected=" or ".join(PROTOCOLS))
    if not config.task:
        raise InputError("not given", field="task", fix=f"protocol {name} scores one task: name it with --task")
    if config.match != "string":
        raise InputError(f"is {config.match!r}", field="match", expected=f"string: protocol {name} compares characters")
    if config.sort_by not in ("", "source"):
        raise InputError(f"is {config.sort_by!r}", field="sort_by", expected=f"source, or nothing, in protocol {name}")
    if config.metrics_list not in ("", "f1"):
        hint = "the reference ends with a TypeError there; " if "rouge" in config.metrics_list else ""
        raise InputError(f"is {config.metrics_list!r}", field="metrics_list", expected="f1, or nothing",
                         fix=f"{hint}protocol kg2instruction gives ROUGE" if hint else "give --metrics_list f1")


def run_protocol(config: EvaluateConfig) -> Report:
    """Score a file by the rules of `config.protocol`; `printed` is what the reference prints.

    Raises:
        InputError: see `check_protocol`; no such file; a task or row that ends the reference.
    """
    check_protocol(config)
    return _iepile(config)


def reference_result(config: EvaluateConfig) -> dict[str, Any]:
    """What the reference prints as its last line."""
    return run_protocol(config).printed


def reference_path(path1: str) -> Path:
    """Where the reference writes what it prints."""
    return Path(path1).parent / "output_msg" / Path(path1).name


def write_reference(path1: str, printed: dict[str, Any]) -> Path:
    """Write a result where and as the reference writes it: JSON, indented by four, no line end after it.

    Raises:
        InputError: nothing can be written there.
    """
    path = reference_path(path1)
    with atomic_writer(path) as f:
        f.write(json.dumps(printed, ensure_ascii=False, indent=4).encode("utf-8", "surrogatepass"))
    return path


def _iepile(config: EvaluateConfig) -> Report:
    from iepile.evaluation.protocol_answers import TASKS, rules
    from iepile.evaluation.protocol_iepile import printed, tallies

    task = config.task.upper()
    distinct = config.match_mode == "set"
    how = rules(task, config.protocol)
    if how is None:
        raise InputError(f"the reference does not score task {config.task!r}", field="task",
                         expected=", ".join(TASKS), fix="score it without --protocol")
    found = tallies(config.path1, how, distinct)
    wanted = config.metrics_list == "f1"
    out: dict[str, Any] = {"total": printed(found.total, task) if wanted else {}}
    sources = sorted(found.by_source.items())
    if config.sort_by == "source":
        out |= {source: printed(tally, task) if wanted else {} for source, tally in sources}
    return Report(
        setting=f"{config.protocol}-{'set' if distinct else 'normal'}/{VERSION}",
        file=config.path1,
        scores=_rows(task, found.total),
        field_scores=[],
        by_source=[row for source, tally in sources for row in _rows(task, tally, source)],
        by_label=[],
        sources=[SourceCounts(task, source, tally.records, tally.invalid) for source, tally in sources],
        counts=Counts(records=found.total.records, invalid=found.total.invalid),
        notes=_written(config.path1, out),
        printed=out,
    )


def _rows(task: str, tally: Tally, source: str | None = None) -> list[Row]:
    return [Row(task, group, Score(tp, pred, gold, *tally.percentages(group)), source)
            for group, (tp, pred, gold) in tally.counts.items()]


def _written(path1: str, printed: dict[str, Any]) -> list[Note]:
    # Predictions may lie where nothing can be written; the figures are worth having all the same.
    try:
        write_reference(path1, printed)
    except InputError as e:
        return [Note(0, f"{reference_path(path1)} is not written: {e.problem}")]
    return []
