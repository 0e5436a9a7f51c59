"""Answer a file of test rows with a model: rows in, the same rows with answers and grounded facts out.

    from iepile.extraction.predict import PredictConfig, predict
    predict(PredictConfig(input_file="test.json", output_file="pred.json", model="runs/resume/model"))

A killed run goes on where it stopped (see journal.py), and its output is the same to the byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Engine, Request, engine_names, open_engine
from iepile.extraction.grounding import ground
from iepile.extraction.journal import Journal, fingerprint, journal_path
from iepile.instruction import EXPECTED, read_instruction
from iepile.instructions.wording import tasks_of
from iepile.jsonl import BROKEN_JSON, check_target, read_rows, write_rows
from iepile.tasks.task import get_task
from iepile.version import __version__

_OURS = ("output", "facts", "problems", "finish", "error")
"""Fields that are written here; what the input holds under these names is replaced."""


@dataclass
class PredictConfig:
    """What to answer, with which model, and where to write it."""

    input_file: str = ""
    """Test rows, JSON lines: `instruction`, and `task` where the prompt's wording does not tell it."""
    output_file: str = ""
    """Predictions: each input row with `output`, `facts` and what was odd."""
    model: str = ""
    """Model folder, hub name or server address."""
    engine: str = "auto"
    """What runs the model; `auto` looks at the model."""
    engine_options: dict[str, Any] = field(default_factory=dict)
    """Options of the engine, by name."""
    task: str = ""
    """Task of rows that name none and whose prompt has a wording of its own."""
    fuzzy: bool = True
    """Whether a mention that is not in the text word for word may be placed where the text is alike."""
    limit: int = 0
    """Answer only the first rows, this many; 0 answers all."""
    overwrite: bool = False
    """Replace an existing output, and the journal of another run."""


class PredictSummary(msgspec.Struct):
    """What a run did. All counts are of the whole output, resumed rows included."""

    output_file: str
    engine: str
    rows: int = 0
    resumed: int = 0
    """Rows that an earlier, interrupted run had answered."""
    invalid: int = 0
    """Answers in which no JSON object could be read."""
    salvaged: int = 0
    """Answers that were read after repair."""
    not_asked: int = 0
    """Labels or roles answered that were not asked; they are left out of the facts."""
    mentions: int = 0
    moved: int = 0
    """Mentions that were placed where the text differs from the answer (normalised or fuzzy)."""
    ungrounded: int = 0
    """Mentions that are not in the text."""
    cut: int = 0
    """Answers cut at the token limit."""
    errors: int = 0
    """Requests that the engine failed on."""
    first_error: str = ""
    tokens: int = 0
    """Tokens generated."""
    seconds: float = 0.0
    """Time spent on answering in this run."""
    rows_per_second: float = 0.0
    """Rows answered in this run, per second."""


def guess_engine(model: str) -> str:
    """The engine that runs a model: told by its address or its folder.

    Raises:
        InputError: no engine for an address is there.
    """
    if model.startswith(("http://", "https://")):
        servers = [n for n in engine_names() if n in ("openai", "server", "http")]
        if not servers:
            raise InputError("no engine for a server address", field="engine", expected=", ".join(engine_names()))
        return servers[0]
    try:
        settings = msgspec.json.decode((Path(model) / "config.json").read_bytes())
    except (OSError, *BROKEN_JSON):
        return "transformers"
    return "compact" if isinstance(settings, dict) and settings.get("kind") == "compact" else "transformers"


def predict(
    config: PredictConfig,
    engine: Engine | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PredictSummary:
    """Answer every row of a file.

    Args:
        engine: answers the requests; opened from `config.model` when not given.
        progress: called with rows done and rows in all.

    Returns:
        Counts; the rows are in `config.output_file`, in input order.

    Raises:
        InputError: a row without a readable instruction or task (found before the work starts), an output
            that exists, or a model that cannot be opened.
        IepileError: the engine failed; what it answered so far is kept for the next run.
    """
    for name in ("input_file", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    if engine is None and not config.model:
        raise InputError("no model", field="model", fix="give the folder, hub name or address of a model")
    if engine is not None:
        name = engine.name
    else:
        name = guess_engine(config.model) if config.engine == "auto" else config.engine
    total = sum(1 for _ in _tasks(config))
    print_of_run = fingerprint(config.input_file, _settings(config, name))
    resumable = journal_path(config.output_file).exists()
    check_target(config.output_file, overwrite=config.overwrite or resumable)
    summary = PredictSummary(config.output_file, name, rows=total)
    with Journal.open(config.output_file, print_of_run, total, config.overwrite) as journal:
        summary.resumed = journal.resumed
        if journal.resumed and progress:
            progress(journal.resumed, total)
        try:
            if len(journal) < total:
                _answer(config, journal, engine, summary, progress)
        except BaseException:
            if not len(journal):
                journal.remove()  # there is nothing to go on with
            raise
        write_rows(config.output_file, _output(config, journal, summary))
        journal.remove()
    return summary


def _settings(config: PredictConfig, engine: str) -> dict[str, Any]:
    return {
        # The top package names the verbs of all floors, so it is not imported by name here.
        "version": __version__,
        "engine": engine,
        "model": config.model,
        "files": _model_files(config.model),
        "options": config.engine_options,
        "task": config.task,
        "limit": config.limit,
    }


def _model_files(model: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a model's files: a model trained anew must not answer half of a file."""
    folder = Path(model)
    if not model or not folder.is_dir():
        return []
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return [(p.relative_to(folder).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in found]


def _tasks(config: PredictConfig) -> Iterator[tuple[dict[str, Any], str]]:
    """Rows with the name of their task, each checked.

    Raises:
        InputError: with file and line.
    """
    known: dict[tuple[str | None, str], str] = {}
    for n, (line, row) in enumerate(read_rows(config.input_file)):
        if config.limit and n >= config.limit:
            return
        try:
            text = row.get("instruction")
            if not isinstance(text, str):
                raise InputError("no `instruction`", field="instruction",
                                 expected=EXPECTED, fix="convert the data with `iepile convert --split test`")
            instruction = read_instruction(text)
            key = (row.get("task") or None, instruction.prompt)
            if key not in known:
                known[key] = _task_name(*key, config.task, instruction.schema)
            get_task(known[key]).read_items(instruction.schema)
        except InputError as e:
            raise e.at(config.input_file, line) from None
        yield row, known[key]


def _task_name(named: object, prompt: str, default: str, schema: list[Any]) -> str:
    if named is not None:
        return get_task(str(named)).name
    found = list(dict.fromkeys(task for task, _ in tasks_of(prompt, schema)))
    if default:
        return get_task(default).name
    if len(found) == 1:
        return found[0]
    why = "its prompt is of several tasks: " + ", ".join(found) if found else "its prompt is no wording we know"
    raise InputError(f"the row names no task, and {why}", field="task", expected='"task": "NER"',
                     fix="name the task in the rows, or give --task")


def _answer(
    config: PredictConfig,
    journal: Journal,
    engine: Engine | None,
    summary: PredictSummary,
    progress: Callable[[int, int], None] | None,
) -> None:
    own = engine is None
    if engine is None:
        engine = open_engine(summary.engine, config.model, config.engine_options)
    requests = (
        Request(str(n), task, row["instruction"])
        for n, (row, task) in enumerate(_tasks(config)) if n not in journal
    )
    done, started = journal.resumed, time.monotonic()
    try:
        for completion in engine.generate(requests):
            journal.append(_row_number(completion, summary), completion)
            done += 1
            if progress:
                progress(done, summary.rows)
    finally:
        if own:
            engine.close()
    summary.seconds = time.monotonic() - started
    summary.rows_per_second = (done - journal.resumed) / max(summary.seconds, 1e-9)
    if len(journal) < summary.rows:
        raise IepileError(f"the engine {engine.name} answered {done} of {summary.rows} rows and stopped without "
                          "an error; this is a fault of the engine. Run again to ask for the rest")


def _row_number(completion: Completion, summary: PredictSummary) -> int:
    if not completion.key.isdecimal() or int(completion.key) >= summary.rows:
        raise IepileError(f"the engine {summary.engine} answered {completion.key!r}, which was not asked; "
                          "this is a fault of the engine")
    return int(completion.key)


def _output(config: PredictConfig, journal: Journal, summary: PredictSummary) -> Iterator[Mapping[str, Any]]:
    for n, (row, task) in enumerate(_tasks(config)):
        yield _output_row(row, task, journal.read(n), config.fuzzy, summary)


def _output_row(
    row: dict[str, Any], task_name: str, completion: Completion, fuzzy: bool, summary: PredictSummary
) -> dict[str, Any]:
    task = get_task(task_name)
    instruction = read_instruction(row["instruction"])
    problems: list[dict[str, str]] = []
    facts = completion.facts
    if completion.finish == "error":
        summary.errors += 1
        summary.first_error = summary.first_error or completion.error
    else:
        answer = task.parse(completion.text, task.read_items(instruction.schema))
        facts = answer.facts if facts is None else facts
        problems += ({"kind": p.kind, "detail": p.detail} for p in answer.problems)
        kinds = [p.kind for p in answer.problems]
        summary.invalid += "invalid" in kinds
        summary.salvaged += "salvaged" in kinds
        summary.not_asked += kinds.count("not asked")
    out = {k: v for k, v in row.items() if k not in _OURS}
    # A row that named no task carries it from here on: scoring does not know prompts.
    out |= {"task": task.name} if not row.get("task") else {}
    out |= {"output": completion.text, "facts": {}}
    if facts:
        grounded = ground(facts, instruction.input, fuzzy)
        out["facts"] = msgspec.to_builtins(grounded.facts)
        for p in grounded.placements:
            summary.mentions += 1
            if p.method == "none":
                summary.ungrounded += 1
                problems.append({"kind": "ungrounded", "detail": p.answered})
            elif p.method != "exact":
                summary.moved += 1
                problems.append({"kind": p.method, "detail": f"{p.answered} -> {p.span.text}"})
    if problems:
        out["problems"] = problems
    if completion.finish != "stop":
        out["finish"] = completion.finish
        summary.cut += completion.finish == "length"
    if completion.error:
        out["error"] = completion.error
    summary.tokens += completion.tokens
    return out
