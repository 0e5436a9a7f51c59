"""Prediction with the flags of the guides, and extraction from plain texts: the jobs behind two verbs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import msgspec

from iepile.errors import InputError
from iepile.extraction.answered import PredictSummary
from iepile.extraction.engines.engine import open_engine
from iepile.extraction.extractor import SETTINGS, Extractor
from iepile.extraction.polls import read_examples, tasks_named
from iepile.extraction.predict import PredictConfig, SchemaConfig, guess_engine, predict, schema_of
from iepile.jsonl import read_rows
from iepile.models.card import model_folder
from iepile.records import Facts

ANSWERS = "ft_pt_answer.json"
"""Where answers go, in the adapter's folder, when no file is named: as `inference_pt.py` of the 2023 guide does."""

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class ModelFlags:
    """Which model, and how it is run: the flags of the guides."""

    model_name_or_path: str = ""
    """Same as model."""
    checkpoint_dir: str = ""
    """Adapter to put on the model: a folder or hub name."""
    model_name: str = ""
    """Family of the model, as the guides name it; empty: read from the model's own configuration, which always wins.
    Of a server: the name it serves the model under."""
    template: str = ""
    """Chat template; default: the one the model was trained with."""
    max_new_tokens: int = 0
    """Most tokens of an answer; 0: the engine's own limit."""
    batch_size: int = 0
    """Prompts answered together; 0: the engine's choice."""
    cutoff_len: int = 0
    """Most tokens of a prompt with its answer; longer texts go in windows, never cut. 0: what the model takes."""
    bf16: bool = False
    """Run in bfloat16."""
    fp16: bool = False
    """Run in half precision."""
    bits: Literal[16, 8, 4] = 16
    """Bits of the weights: 8 or 4 quantise them."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, or the number of a GPU; `auto`: the first GPU if there is one."""
    free: bool = False
    """Without grammar: let the model write what it likes, and repair it afterwards."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model."""

    def options(self, engine: str) -> dict[str, Any]:
        """The flags as options of an engine.

        Raises:
            InputError: flags that contradict each other, or that the engine does not know.
        """
        if self.bf16 and self.fp16:
            raise InputError("two precisions", field="bf16", fix="give --bf16 or --fp16")
        given = {
            "adapter": self.checkpoint_dir,
            "template": self.template,
            "max_new_tokens": self.max_new_tokens,
            "batch_size": self.batch_size,
            "context": self.cutoff_len,
            "dtype": "bf16" if self.bf16 else "fp16" if self.fp16 else "",
            "trust_remote_code": self.trust_remote_code,
            "model_name": self.model_name if engine in ("transformers", "openai") else "",
            "bits": self.bits if self.bits != 16 else 0,
            "device": "" if self.device == "auto" else _device(self.device),
        }
        options = {name: value for name, value in given.items() if value}
        if self.free:
            options |= {"constraint": "none"} if engine == "openai" else {"grammar": False}
        if options and engine == "compact":
            raise InputError(f"the compact model has no {', '.join(options)}", field="engine_options",
                             fix="drop the flags")
        return options

    def chosen(self, model: str, engine: str) -> tuple[str, str]:
        """Model and engine.

        Raises:
            InputError: two different models.
        """
        if model and self.model_name_or_path and model != self.model_name_or_path:
            raise InputError("two different models", field="model_name_or_path",
                             fix="give model or model_name_or_path")
        model = model or self.model_name_or_path
        return model, engine if engine != "auto" or not model else guess_engine(model)


@dataclass(kw_only=True)
class PredictJob(ModelFlags, PredictConfig):
    """Answer instruction rows, or texts by a schema, with a model. A stopped run goes on where it was."""


def predict_job(job: PredictJob, progress: Callable[[int, int], None] | None = None) -> PredictSummary:
    """Run `predict` with the flags put where they belong.

    Raises:
        InputError: flags that contradict each other, or that the engine does not know; see `predict`.
    """
    model, engine = job.chosen(job.model, job.engine)
    base = {f.name: getattr(job, f.name) for f in fields(PredictConfig)}
    if not job.output_file and job.checkpoint_dir and model_folder(job.checkpoint_dir):
        base["output_file"] = str(Path(job.checkpoint_dir) / ANSWERS)
    options = {**job.options(engine), **job.engine_options}
    base |= {"model": model, "engine": engine, "engine_options": options}
    return predict(PredictConfig(**base), progress=progress)


def _device(name: str) -> str:
    """A device as torch names it; a bare number is a GPU, where there is one."""
    if not name.isdecimal():
        return name
    from iepile.models.device import pick_device

    if pick_device("auto") == "cuda":
        return f"cuda:{name}"
    logger.warning("device %s: there is no GPU here, the processor is used", name)
    return "cpu"


@dataclass(kw_only=True)
class ExtractConfig(ModelFlags, SchemaConfig):
    """Extract facts from one text, or from files of texts."""

    text: str = ""
    """The text; or give input_file, or pipe a text in."""
    model: str = ""
    """Model folder, hub name or server address."""
    input_file: str = ""
    """Texts in files, as `iepile predict` takes them."""
    output_file: str = ""
    """Documents with their facts, in the unified format (with input_file)."""
    show: Literal["spans", "json", "table"] = "spans"
    """How the facts of one text are printed: the text with its facts marked, JSON, or a table."""
    text_field: str = "text"
    """Key or column that holds the text."""
    each_line: bool = False
    """Every line of a text file is a text of its own."""
    skip_unreadable: bool = False
    """Go on without the files of a folder that cannot be read; they are named and counted."""
    engine: str = "auto"
    """What runs the model; `auto` looks at the model."""
    engine_options: dict[str, Any] = field(default_factory=dict)
    """Options of the engine, by name."""


class ExtractSummary(msgspec.Struct):
    """What was extracted from one text."""

    text: str
    facts: Facts
    entities: int = 0
    relations: int = 0
    events: int = 0


def extract_job(
    config: ExtractConfig, progress: Callable[[int, int], None] | None = None
) -> ExtractSummary | PredictSummary:
    """Extract; see `ExtractConfig`. Files are answered as `predict` answers them, with a journal.

    Raises:
        InputError: neither or both of text and input_file, no schema, or what reading and loading raise.
    """
    if bool(config.text) == bool(config.input_file):
        raise InputError("give one of them", field="text, input_file", expected="--text TEXT, or --input_file FILE")
    model, engine = config.chosen(config.model, config.engine)
    if not model:
        raise InputError("no model", field="model", fix="give the folder, hub name or address of a model")
    options = {**config.options(engine), **config.engine_options}
    schema = schema_of(config)
    if schema is None:
        raise InputError("no schema", field="schema", fix='give --schema "person, place", or --schema_path FILE')
    if config.input_file:
        shared = {f.name: getattr(config, f.name) for f in fields(SchemaConfig)}
        return predict(PredictConfig(config.input_file, config.output_file, model, engine, options, config.text_field,
                                     config.each_line, config.skip_unreadable, **shared), progress=progress)
    own = {name: getattr(config, name) for name in SETTINGS if name != "examples"}
    examples = read_examples(read_rows(config.examples), config.examples) if config.examples else ()
    config.check()
    with Extractor(open_engine(engine, model, options), examples, **own) as extractor:
        facts = extractor.extract(config.text, schema, tasks_named(config.task))
    return ExtractSummary(config.text, facts, len(facts.entities), len(facts.relations), len(facts.events))
