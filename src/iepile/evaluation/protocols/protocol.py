"""Scores by the rules of others, for comparison with published numbers (formats.md 1.6, 1.7 and 5).

    report = run_protocol(EvaluateConfig(path1="pred.json", task="NER", protocol="iepile"))
    report.printed                # {'total': {'总样本数': 15, '错误数': 4, 'P': 60.0, ...}}

`iepile` and `deepke` are the evaluation programs of these two projects. They differ from ours in many small things:
an answer is JSON or an error, texts with equal ids are one, labels that were not asked count, F1 is made from rounded
numbers. `iepile` reads `subject` and `object` in relations, `deepke` reads `head` and `tail`. `kg2instruction` scores
DeepKE's older answers in words, `ccks2023` the triples and the text of the contest.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.facts import Counts, Note
from iepile.evaluation.report import VERSION, Report, Row, Score, SourceCounts
from iepile.jsonl import atomic_writer

if TYPE_CHECKING:
    from iepile.evaluation.protocols.iepile import Tally
    from iepile.evaluation.score import EvaluateConfig

PROTOCOLS = ("iepile", "deepke", "kg2instruction", "ccks2023")
"""Names of the protocols."""


def check_protocol(config: EvaluateConfig) -> None:
    """Make sure that the settings go together.

    Raises:
        InputError: no such protocol, no task, or a setting that the protocol does not have.
    """
    name = config.protocol
    if name not in PROTOCOLS:
        raise InputError(f"is {name!r}", field="protocol", expected=" or ".join(PROTOCOLS))
    json_rows = name in ("iepile", "deepke")
    if not (config.path1 or (config.submit_path and not json_rows)):
        raise InputError("not given", field="path1", fix="give the file of predictions")
    if not config.task and name != "ccks2023":
        raise InputError("not given", field="task", fix=f"protocol {name} scores one task: name it with --task")
    if name == "kg2instruction" and not config.standard_path:
        raise InputError("not given", field="standard_path", fix="give the file with the gold")
    if config.match != "string":
        raise InputError(f"is {config.match!r}", field="match", expected=f"string: protocol {name} compares characters")
    if config.sort_by not in (("", "source") if json_rows else ("",)):
        raise InputError(f"is {config.sort_by!r}", field="sort_by",
                         expected=f"{'source, or ' if json_rows else ''}nothing, in protocol {name}")
    if not json_rows and config.language not in ("zh", "en"):
        raise InputError(f"is {config.language!r}", field="language", expected="zh or en")
    if name == "ccks2023":
        weights_of(config)
        if config.rouge_tokens not in ("words", "characters"):
            raise InputError(f"is {config.rouge_tokens!r}", field="rouge_tokens", expected="words or characters")
    metrics = {"iepile": ("", "f1"), "deepke": ("", "f1"), "ccks2023": ("f1",)}.get(
        name, ("f1", "rouge", "f1,rouge", "rouge,f1"))
    if config.metrics_list not in metrics:
        fix = f"give --metrics_list {metrics[-1]}"
        if json_rows and "rouge" in config.metrics_list:
            fix = "the reference ends with a TypeError there; protocol kg2instruction gives ROUGE"
        raise InputError(f"is {config.metrics_list!r}", field="metrics_list",
                         expected=" or ".join(m or "nothing" for m in metrics), fix=fix)


def weights_of(config: EvaluateConfig) -> tuple[float, float]:
    """What F1 and ROUGE-2 count in the score of ccks2023.

    Raises:
        InputError: `weights` is not two numbers.
    """
    try:
        first, second = map(float, config.weights.split(","))
        if min(first, second) < 0 or not math.isfinite(first + second):
            raise ValueError
    except ValueError:
        raise InputError(f"is {config.weights!r}", field="weights",
                         expected="two numbers from 0 on, of F1 and of ROUGE-2: 0.5,0.5") from None
    return first, second


def run_protocol(config: EvaluateConfig) -> Report:
    """Score a file by the rules of `config.protocol`; `printed` is what the reference prints.

    Raises:
        InputError: see `check_protocol`; no such file; a task or row that ends the reference.
    """
    check_protocol(config)
    return {"kg2instruction": _kg2instruction, "ccks2023": _ccks2023}.get(config.protocol, _iepile)(config)


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
    from iepile.evaluation.protocols.answers import TASKS, rules
    from iepile.evaluation.protocols.iepile import printed, tallies

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


def _kg2instruction(config: EvaluateConfig) -> Report:
    from iepile.evaluation.protocols.kg2_answers import TASKS, Reader
    from iepile.evaluation.protocols.kg2instruction import f1, figures

    task = config.task.upper()
    if task not in TASKS:
        raise InputError(f"kg2instruction does not score task {config.task!r}", field="task", expected=", ".join(TASKS))
    submitted = config.submit_path or config.path1
    found = figures(config.standard_path, submitted, Reader(task, config.language, config.NAN, config.prefix),
                    config.match_mode == "set", "rouge" in config.metrics_list.split(","))
    rows = [Row(task, group, msgspec.structs.replace(Score.of(*cell), f1=f1(*cell)))
            for group, cell in found.counts.items()]
    notes = [Note(0, f"{found.missed} texts of {config.standard_path} were not submitted; kg2instruction leaves them "
                     "out")] if found.missed else []
    counts = Counts(records=found.texts, unscored_records=found.missed, invalid=found.unread)
    return _plain_report(config, submitted, rows, counts, notes, found.printed())


def _ccks2023(config: EvaluateConfig) -> Report:
    from iepile.evaluation.protocols.ccks2023 import figures

    submitted = config.path1 or config.submit_path
    found = figures(submitted, config.standard_path, config.match_mode == "set", config.language,
                    list if config.rouge_tokens == "characters" else None)
    told = {"rows of the gold without a prediction": found.unanswered,
            "pieces of answers, or whole ones, that hold no triple": found.unread,
            "predictions whose `kg` is not what their `output` states; `kg` is scored": found.differing}
    counts = Counts(records=found.rows, wrong_form=found.unread)
    return _plain_report(config, submitted, [Row("RE", "relation", found.f1)], counts,
                         [Note(0, f"{n} {what}") for what, n in told.items() if n], found.printed(weights_of(config)))


def _plain_report(
    config: EvaluateConfig, file: str, rows: list[Row], counts: Counts, notes: list[Note], printed: dict[str, Any]
) -> Report:
    mode = "set" if config.match_mode == "set" else "normal"
    return Report(setting=f"{config.protocol}-{mode}/{VERSION}", file=file, scores=rows, field_scores=[], by_source=[],
                  by_label=[], sources=[], counts=counts, notes=notes, printed=printed)


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
