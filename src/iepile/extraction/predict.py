"""Answer a file of questions with a model: rows in, the same rows with answers and grounded facts out.

    from iepile.extraction.predict import PredictConfig, predict
    predict(PredictConfig(input_file="test.json", output_file="pred.json", model="runs/resume/model"))

Rows hold an instruction each, or a text that is asked by a schema. A killed run goes on where it stopped (see
journal.py), and its output is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.extraction.answered import PredictSummary
from iepile.extraction.calibration import read_calibration
from iepile.extraction.engines.engine import Engine, engine_names, open_engine
from iepile.extraction.gathering import GatheringOptions
from iepile.extraction.journal import Journal, fingerprint, journal_path
from iepile.extraction.plan import AskingConfig, Planner
from iepile.extraction.polls import SchemaPolls, read_examples, tasks_named
from iepile.extraction.questions import DOCUMENT, PLAIN, Question, QuestionReader, questions_of
from iepile.extraction.run import Progress, Run
from iepile.extraction.run_settings import run_settings
from iepile.extraction.sources import STDIN, Skipped, kept_stdin, read_inputs
from iepile.instruction import EXPECTED
from iepile.instructions.wording import read_wordings
from iepile.jsonl import BROKEN_JSON, check_target, read_rows, write_rows
from iepile.schema import Schema
from iepile.schema_text import schema_of_text


@dataclass(kw_only=True)
class SchemaConfig(AskingConfig):
    """How texts are asked, and what counts as found."""

    schema: str = ""
    """Labels to look for in texts: `person, place`, events with roles `wedding(time, place)`; or a schema file."""
    schema_path: str = ""
    """A schema file."""
    task: str = ""
    """Task of rows that name none and whose prompt has a wording of its own. For texts: tasks to ask, with commas;
    default NER, RE and EE, as far as the schema has labels."""
    split_num: int = 0
    """Labels in one question about a text; 0: as each task advises."""
    language: str = ""
    """Language of the prompts about texts, `zh` or `en`; default: that of each text."""
    descriptions: bool = False
    """Write the descriptions of labels into the questions about texts."""
    examples: str = ""
    """Solved examples to show in each question about a text: documents with their facts, JSON lines."""
    wording: str = ""
    """TOML file with prompts of your own, a table a language."""
    fuzzy: bool = True
    """Whether a mention that is not in the text word for word may be placed where the text is alike."""
    calibration: str = ""
    """File that `iepile calibrate` wrote: confidence becomes the chance that a fact is right."""
    precision: float = 0.0
    """Keep only facts sure enough for this precision, 0 to 1, by the calibration; 0: all."""
    min_confidence: float = 0.0
    """Keep only facts of this confidence, 0 to 1; 0: all."""


@dataclass
class PredictConfig(SchemaConfig):
    """What to answer, with which model, and where to write it."""

    input_file: str = ""
    """Rows with `instruction`, or texts: JSON lines; a document (text, Markdown, HTML, Word, PDF, EPUB); a table
    (`.csv`, `.tsv`, `.xlsx`); a folder of documents; `-` for standard input."""
    output_file: str = ""
    """Predictions: each input row with `output`, `facts` and what was odd; of texts, documents with their facts."""
    model: str = ""
    """Model folder, hub name or server address."""
    engine: str = "auto"
    """What runs the model; `auto` looks at the model."""
    engine_options: dict[str, Any] = field(default_factory=dict)
    """Options of the engine, by name."""
    text_field: str = "text"
    """Key or column that holds the text, where rows have no `instruction`."""
    each_line: bool = False
    """Every line of a text file is a text of its own."""
    skip_unreadable: bool = False
    """Go on without the files of a folder that cannot be read; they are named and counted."""
    limit: int = 0
    """Answer only the first rows, this many; 0 answers all."""
    attempts: int = 3
    """Times that a question is asked before it counts as failed."""
    cluster: str = ""
    """Answer on a Ray cluster: `local`, `auto` or HOST:PORT."""
    workers: int = 1
    """Copies of the model, or of the connection to its server, on the cluster."""
    overwrite: bool = False
    """Replace an existing output, and the journal of another run."""


_ENGINES = {"compact": "compact", "crf": "baseline", "dictionary": "baseline"}
"""`kind` in the `config.json` of a model folder of ours -> engine."""


def guess_engine(model: str) -> str:
    """The engine that runs a model: told by its address or its folder.

    Raises:
        InputError: no engine for an address is there.
    """
    if model.startswith(("http://", "https://")):
        if "openai" not in engine_names():
            raise InputError("no engine for a server address", field="engine", expected=", ".join(engine_names()))
        return "openai"
    try:
        settings = msgspec.json.decode((Path(model) / "config.json").read_bytes())
    except (OSError, *BROKEN_JSON):
        return "transformers"
    kind = settings.get("kind") if isinstance(settings, dict) else None
    return _ENGINES.get(kind, "transformers") if isinstance(kind, str) else "transformers"


def schema_of(config: SchemaConfig) -> Schema | None:
    """The schema that the settings name, a list or a file.

    Raises:
        InputError: two schemas, or one that cannot be read.
    """
    if config.schema and config.schema_path:
        raise InputError("two schemas", field="schema", fix="give --schema or --schema_path")
    given = config.schema_path or config.schema
    if not given:
        return None
    tasks = tasks_named(config.task)
    named = tasks[0] if len(tasks) == 1 else None
    a_file = bool(config.schema_path) or given.lower().endswith((".json", ".yaml", ".yml"))
    return Schema.read(given, named) if a_file else schema_of_text(given, named)


def schema_polls(config: SchemaConfig) -> SchemaPolls | None:
    """The questions about a text that the settings name; None without a schema.

    Raises:
        InputError: what `schema_of` raises, or a file of wordings or examples that cannot be read.
    """
    schema = schema_of(config)
    if schema is None:
        return None
    return SchemaPolls(
        schema, tasks_named(config.task), config.split_num or None,
        read_wordings(config.wording) if config.wording else None, config.descriptions,
        read_examples(read_rows(config.examples), config.examples) if config.examples else (),
    )


def gathering_options(config: SchemaConfig, tasks: Iterable[str]) -> GatheringOptions:
    """How the answers to questions of these tasks become facts.

    Raises:
        InputError: a threshold that means nothing, or a precision that the calibration cannot tell or is not reached.
    """
    for name in ("precision", "min_confidence"):
        if not 0 <= getattr(config, name) <= 1:
            raise InputError(f"is {getattr(config, name)}", field=name, expected="0 to 1")
    known = read_calibration(config.calibration) if config.calibration else None
    thresholds = dict.fromkeys(tasks, config.min_confidence)
    if config.precision:
        if known is None:
            raise InputError("a precision can be chosen with a calibration only", field="precision",
                             fix="fit one with `iepile calibrate`, or give --min_confidence")
        thresholds = {task: max(least, known.threshold(config.precision, task)) for task, least in thresholds.items()}
    return GatheringOptions(config.fuzzy, config.min_support, known, thresholds)


def predict(
    config: PredictConfig,
    engine: Engine | None = None,
    progress: Progress | None = None,
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
    name = _checked(config, engine)
    piped = None
    if config.input_file == STDIN:
        piped = kept_stdin(config.output_file + ".stdin")
    source = str(piped or config.input_file)
    polls = schema_polls(config)

    skipped: Skipped = {} if config.skip_unreadable else None

    questions = partial(_questions, config, polls, source, skipped)
    total, tasks = _look(config, questions(), name)
    options = gathering_options(config, tasks)
    print_of_run = fingerprint(source, run_settings(config, name, polls))
    resumable = journal_path(config.output_file).exists()
    check_target(config.output_file, overwrite=config.overwrite or resumable)
    summary = PredictSummary(config.output_file, name, rows=total)
    summary.unreadable = [str(e).replace("\n", ";") for e in (skipped or {}).values()]
    with Journal.open(config.output_file, print_of_run, config.overwrite) as journal:
        own = engine is None
        try:
            if engine is None:
                engine = _opened(config, name)
            try:
                run = Run(questions, Planner(config, engine), journal, summary, progress)
                run.answer(engine, config.attempts)
            finally:
                if own:
                    engine.close()
        except BaseException:
            if not len(journal):
                journal.remove()  # there is nothing to go on with
            raise
        write_rows(config.output_file, run.output(options))
        if not summary.errors:
            # Kept where a question failed: the same command asks it again and nothing else.
            journal.remove()
            if piped:
                piped.unlink(missing_ok=True)
    return summary


def answered_so_far(config: PredictConfig, engine: Engine) -> Iterator[dict[str, Any]]:
    """The rows that a run of `predict` has finished while it still goes on, or before it broke off: those before the
    first that waits for an answer, as the output will have them. Only of texts that are asked by a schema.

    Raises:
        InputError: no schema.
    """
    polls = schema_polls(config)
    if polls is None:
        raise InputError("no schema", field="schema", fix="give --schema")
    journal = Journal.peek(config.output_file, fingerprint(config.input_file, run_settings(config, engine.name, polls)))
    if journal is None:
        return
    with journal:
        skipped: Skipped = {} if config.skip_unreadable else None
        run = Run(partial(_questions, config, polls, config.input_file, skipped), Planner(config, engine), journal,
                  PredictSummary(config.output_file, engine.name))
        yield from run.output(gathering_options(config, polls.tasks), so_far=True)


def _questions(config: PredictConfig, polls: SchemaPolls | None, source: str, skipped: Skipped) -> Iterator[Question]:
    # Rows name their own tasks; several are for texts.
    default = "" if "," in config.task else config.task
    rows = read_inputs(source, config.text_field, config.each_line, skipped)
    return questions_of(rows, source, QuestionReader(default, polls, config.language), config.limit)


def _checked(config: PredictConfig, engine: Engine | None) -> str:
    """The name of the engine, after a look at the settings."""
    for name in ("input_file", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    if engine is None and not config.model:
        raise InputError("no model", field="model", fix="give the folder, hub name or address of a model")
    config.check()
    for name in ("attempts", "workers"):
        if getattr(config, name) < 1:
            raise InputError(f"is {getattr(config, name)}", field=name, expected="1 or more")
    if engine is not None:
        return engine.name
    return guess_engine(config.model) if config.engine == "auto" else config.engine


def _look(config: PredictConfig, questions: Iterator[Question], engine: str) -> tuple[int, list[str]]:
    """Rows in all and the tasks they ask, each row looked at."""
    total = plain = 0
    tasks: dict[str, None] = {}
    for question in questions:
        total += 1
        plain += question.task == PLAIN
        tasks.update(dict.fromkeys([p.task for p in question.polls] if question.task == DOCUMENT else [question.task]))
    if plain and engine in _ENGINES.values():
        name = "the compact model" if engine == "compact" else "a baseline"
        raise InputError(f"{plain} of {total} rows ask in plain words, which {name} does not read",
                         file=config.input_file, field="instruction", expected=EXPECTED,
                         fix="ask a language model, or convert documents with `iepile convert --split test`")
    return total, [t for t in tasks if t != PLAIN]


def _opened(config: PredictConfig, name: str) -> Engine:
    if not config.cluster:
        return open_engine(name, config.model, config.engine_options)
    from iepile.extraction.cluster import open_on_cluster

    return open_on_cluster(name, config.model, config.engine_options, config.cluster, config.workers)
