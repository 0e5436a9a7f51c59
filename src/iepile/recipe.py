"""A recipe: verbs in a row, from raw data to scores and a graph. Finished stages are not run again.

    output: runs/resume                       # {out}
    variables: {data: path/to/resume_ner}     # {data}; --set data=... on the command line
    stages:
      import:                                 # any name; `verb` says what it runs if it is another
        for: {part: [train, dev, test]}       # once for each; {part}
        with: {src_path: "{data}/{part}.char.bmes", tgt_path: "{out}/{part}.jsonl"}
      convert: ...

A job is finished when its stamp in `{out}/.stages` holds the hash of the verb, its settings and the content
of the files it reads, and the files it wrote are as it left them. `{here}` is the folder of the recipe.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import check_folder
from iepile.stamps import Stamps

Event = Callable[["Job", str], Callable[..., None] | None]
"""Called with a job and `start`, `done` or `kept`; on `start` may return a progress callback."""


class Verb(msgspec.Struct, frozen=True):
    """How a recipe runs a verb."""

    config: str
    """`module:dataclass` of its settings."""
    run: str
    """`module:function`."""
    reads: tuple[str, ...]
    """Settings that name files or folders it reads; one may hold a list."""
    writes: tuple[str, ...]
    """Settings that name what it writes."""
    progress: str = ""
    """Parameter of `run` that takes a progress callback."""


VERBS = {
    "generate": Verb("iepile.corpus.synthetic.write:GenerateConfig", "iepile.corpus.synthetic.write:write_documents",
                     ("patterns",), ("tgt_path", "schema_path")),
    "validate": Verb("iepile.corpus.validate:ValidateConfig", "iepile.corpus.validate:validated",
                     ("file", "schema_path"), ()),
    "import": Verb("iepile.corpus.importing:ImportConfig", "iepile.corpus.importing:import_documents",
                   ("src_path", "label_names"), ("tgt_path", "schema_path")),
    "clean": Verb("iepile.corpus.clean:CleanConfig", "iepile.corpus.clean:clean",
                  ("src_path",), ("tgt_path", "rejects", "report")),
    "leaks": Verb("iepile.corpus.leaks:LeaksConfig", "iepile.corpus.leaks:leaks",
                  ("train", "evaluation"), ("tgt_path", "rejects", "report")),
    "completion": Verb("iepile.corpus.completion:CompletionConfig", "iepile.corpus.completion:completion",
                       ("src_path",), ("tgt_path",)),
    "convert": Verb("iepile.corpus.convert:ConvertConfig", "iepile.corpus.convert:convert",
                    ("src_path", "schema_path", "hard_negative_path", "wording"), ("tgt_path",)),
    "negatives": Verb("iepile.corpus.negatives:NegativesConfig", "iepile.corpus.negatives:negatives",
                      ("schema_path", "src_path", "predictions", "dictionary", "embedding_model"),
                      ("tgt_path", "scores")),
    "train": Verb("iepile.training.compact_rows:CompactJob", "iepile.training.compact_rows:train_compact",
                  ("train_file", "valid_file"), ("output_dir",), "on_step"),
    "crf": Verb("iepile.training.baselines:CrfJob", "iepile.training.baselines:train_baseline",
                ("train_file",), ("output_dir",), "on_step"),
    "dictionary": Verb("iepile.training.baselines:DictionaryJob", "iepile.training.baselines:train_baseline",
                       ("train_file",), ("output_dir",), "on_step"),
    "tune": Verb("iepile.training.config:TrainConfig", "iepile.extraction.dev_score:tune_scored",
                 ("train_file", "valid_file", "dev_file"), ("output_dir",), "on_progress"),
    "export": Verb("iepile.training.export.config:ExportConfig", "iepile.training.export.export:export",
                   ("model_name_or_path", "checkpoint_dir", "scores"), ("export_dir",)),
    "predict": Verb("iepile.extraction.predict:PredictConfig", "iepile.extraction.predict:predict",
                    ("input_file", "model"), ("output_file",), "progress"),
    "evaluate": Verb("iepile.evaluation.score:EvaluateConfig", "iepile.evaluation.score:evaluate",
                     ("path1", "gold_path", "standard_path", "submit_path"),
                     ("output", "report", "errors", "tables", "bad_rows")),
    "compare": Verb("iepile.evaluation.compare:CompareConfig", "iepile.evaluation.compare:compare",
                    ("paths", "gold_path"), ("output", "changed")),
    "kg": Verb("iepile.graph.build:KgConfig", "iepile.graph.build:build", ("input_file", "schema_path"),
               ("output_file",), "tick"),
    "kg export": Verb("iepile.graph.exporting:ExportConfig", "iepile.graph.exporting:export", ("graph",),
                      ("output_file",)),
    "kg view": Verb("iepile.graph.view:ViewConfig", "iepile.graph.view:view", ("input_file",), ("output_file",)),
}
"""What a stage may run."""


@dataclass(kw_only=True)
class RunConfig:
    """Run a recipe; what is finished is kept, what was stopped goes on."""

    recipe: str
    """The recipe, a YAML file."""
    output: str | None = None
    """Folder for everything; default: the recipe's own `output`."""
    set: list[str] = field(default_factory=list)
    """Variables of the recipe, name=value; may be given several times."""
    until: str | None = None
    """Stop after this stage."""


class Job(msgspec.Struct):
    """One run of a verb."""

    stage: str
    verb: str
    settings: dict[str, Any]
    number: int
    of: int
    result: Any = None
    """The summary of the verb, as plain data."""
    seconds: float = 0.0
    kept: bool = False
    """Finished before; not run again."""

    @property
    def name(self) -> str:
        """`stage`, or `stage 2/6`."""
        return self.stage if self.of == 1 else f"{self.stage} {self.number}/{self.of}"


class RunSummary(msgspec.Struct):
    """What a recipe did."""

    output: str
    jobs: list[Job]

    def results(self, verb: str) -> list[Job]:
        """The jobs of one verb."""
        return [j for j in self.jobs if j.verb == verb]


def run(config: RunConfig, on_event: Event = lambda job, what: None) -> RunSummary:
    """Run the stages in order; see `RunConfig`. All settings are checked before the first stage runs.

    Raises:
        InputError: a recipe that cannot be read, an unknown verb, setting or variable, or what a stage raises.
    """
    recipe = read_recipe(config)
    jobs = list(_jobs(recipe, config))
    parsed = [_settings(job, config.recipe) for job in jobs]
    check_folder(recipe["output"])
    stamps = Stamps(Path(recipe["output"]) / ".stages")
    for job, settings in zip(jobs, parsed, strict=True):
        verb = VERBS[job.verb]

        def work(job: Job = job, settings: Any = settings, verb: Verb = verb) -> Any:
            callback = on_event(job, "start")
            extra = {verb.progress: callback} if verb.progress and callback is not None else {}
            return _load(verb.run)(settings, **extra)

        done = stamps.run(f"{job.stage}-{job.number}", [job.verb, settings], _paths(settings, verb.reads),
                          _paths(settings, verb.writes), work)
        job.result, job.seconds, job.kept = done.result, done.seconds, done.kept
        on_event(job, "kept" if done.kept else "done")
    return RunSummary(recipe["output"], jobs)


def read_recipe(config: RunConfig) -> dict[str, Any]:
    """The recipe as plain data, its variables and output folder settled.

    Raises:
        InputError: not a recipe, or a variable that it does not have.
    """
    import yaml

    path = Path(config.recipe)
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError("no such recipe", file=path, fix="check the path") from None
    except RecursionError:
        raise InputError("too deeply nested", file=path, expected="a YAML recipe") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InputError(f"cannot be read: {e}", file=path, expected="a YAML recipe") from None
    known = {"name", "description", "output", "variables", "stages"}
    if not isinstance(data, dict) or not isinstance(data.get("stages"), dict) or set(data) - known:
        raise InputError("not a recipe", file=path,
                         expected="keys output, stages; optional name, description, variables")
    variables = {k: str(v) for k, v in (data.get("variables") or {}).items()}
    for pair in config.set:
        name, eq, value = pair.partition("=")
        if not eq or name not in variables:
            raise InputError(f"{pair!r} sets no variable of the recipe", file=path, field="set",
                             expected="name=value with name one of: " + ", ".join(variables))
        variables[name] = value
    output = config.output or data.get("output")
    if not output:
        raise InputError("no output folder", file=path, field="output", fix="give --output FOLDER")
    variables |= {"out": str(output), "here": str(path.parent)}
    return {**data, "variables": variables, "output": str(output)}


def _jobs(recipe: dict[str, Any], config: RunConfig) -> Iterator[Job]:
    if config.until is not None and config.until not in recipe["stages"]:
        raise InputError(f"no stage {config.until!r}", file=config.recipe, field="until",
                         expected=", ".join(recipe["stages"]))
    for stage, spec in recipe["stages"].items():
        if not isinstance(spec, dict) or set(spec) - {"verb", "for", "with"}:
            raise InputError(f"stage {stage!r} cannot be read", file=config.recipe, expected="keys verb, for, with")
        verb = spec.get("verb", stage)
        if verb not in VERBS:
            raise InputError(f"stage {stage!r} runs an unknown verb {verb!r}", file=config.recipe, field="verb",
                             expected=", ".join(VERBS))
        loops = spec.get("for") or {}
        rounds = list(itertools.product(*(v if isinstance(v, list) else [v] for v in loops.values())))
        for n, values in enumerate(rounds, 1):
            names = recipe["variables"] | dict(zip(loops, map(str, values), strict=True))
            settings = _fill(spec.get("with") or {}, names, config.recipe)
            yield Job(stage, verb, settings, n, len(rounds))
        if stage == config.until:
            return


def _fill(value: Any, names: dict[str, str], recipe: str) -> Any:
    if isinstance(value, dict):
        return {k: _fill(v, names, recipe) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, names, recipe) for v in value]
    if not isinstance(value, str):
        return value
    for name, text in names.items():
        value = value.replace("{" + name + "}", text)
    return value


def _settings(job: Job, recipe: str) -> Any:
    config_type = _load(VERBS[job.verb].config)
    known = {f.name for f in fields(config_type)}
    for name in job.settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise InputError(f"stage {job.stage!r}: {job.verb} has no setting {name!r}", file=recipe, field=name,
                             fix=f"did you mean {near[0]}?" if near else f"iepile {job.verb} --help")
    try:
        return msgspec.convert(job.settings, config_type, strict=False)
    except msgspec.ValidationError as e:
        raise InputError(f"stage {job.stage!r}: {e}", file=recipe, fix=f"iepile {job.verb} --help") from None


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def _paths(settings: Any, names: tuple[str, ...]) -> list[Path]:
    values = (getattr(settings, n) for n in names)
    flat = (v for value in values for v in (value if isinstance(value, list) else [value]))
    # `tune` takes several files in one setting, separated by commas.
    named = [str(v) for v in flat if v]
    return [Path(part.strip()) for v in named for part in ([v] if Path(v).exists() else v.split(","))]
