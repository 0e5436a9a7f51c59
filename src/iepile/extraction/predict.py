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
from iepile.extraction.answered import PredictSummary, answered_row
from iepile.extraction.engines.engine import Completion, Engine, Request, engine_names, open_engine
from iepile.extraction.journal import Journal, fingerprint, journal_path
from iepile.extraction.questions import PLAIN, Question, read_questions
from iepile.instruction import EXPECTED
from iepile.jsonl import BROKEN_JSON, check_target, write_rows
from iepile.version import __version__


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
    total = plain = 0
    for question in _questions(config):
        total += 1
        plain += question.task == PLAIN
    if plain and name == "compact":
        raise InputError(f"{plain} of {total} rows ask in plain words, which the compact model does not read",
                         file=config.input_file, field="instruction", expected=EXPECTED,
                         fix="ask a language model, or convert documents with `iepile convert --split test`")
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
        Request(str(n), q.task, q.instruction, q.input)
        for n, q in enumerate(_questions(config)) if n not in journal
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
    for n, question in enumerate(_questions(config)):
        yield answered_row(question, journal.read(n), config.fuzzy, summary)


def _questions(config: PredictConfig) -> Iterator[Question]:
    return read_questions(config.input_file, config.limit, config.task)
