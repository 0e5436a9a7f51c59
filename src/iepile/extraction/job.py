"""Prediction with the flags of the guides, and extraction from plain texts: the jobs behind two verbs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import msgspec

from iepile.errors import InputError
from iepile.extraction.answered import PredictSummary
from iepile.extraction.extractor import load
from iepile.extraction.predict import PredictConfig, guess_engine, predict
from iepile.jsonl import check_target, read_rows, write_rows
from iepile.models.card import model_folder
from iepile.records import Document, Facts
from iepile.schema import Schema
from iepile.unified import document_to_row

ANSWERS = "ft_pt_answer.json"
"""Where answers go, in the adapter's folder, when no file is named: as `inference_pt.py` of the 2023 guide does."""

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class PredictJob(PredictConfig):
    """Answer instruction rows with a model. A stopped run goes on where it was."""

    model_name_or_path: str = ""
    """Same as model."""
    checkpoint_dir: str = ""
    """Adapter to put on the model: a folder or hub name."""
    model_name: str = ""
    """Family of the model, as the guides name it; empty: read from the model's own configuration, which always wins."""
    template: str = ""
    """Chat template; default: the one the model was trained with."""
    max_new_tokens: int = 0
    """Most tokens of an answer; 0: the engine's own limit."""
    batch_size: int = 0
    """Prompts answered together; 0: the engine's choice."""
    cutoff_len: int = 0
    """Most tokens of a prompt with its answer; longer ones are an error, never cut. 0: what the model takes."""
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


def predict_job(job: PredictJob, progress: Callable[[int, int], None] | None = None) -> PredictSummary:
    """Run `predict` with the flags put where they belong.

    Raises:
        InputError: flags that contradict each other, or that the engine does not know; see `predict`.
    """
    if job.model and job.model_name_or_path and job.model != job.model_name_or_path:
        raise InputError("two different models", field="model_name_or_path", fix="give model or model_name_or_path")
    if job.bf16 and job.fp16:
        raise InputError("two precisions", field="bf16", fix="give --bf16 or --fp16")
    model = job.model or job.model_name_or_path
    engine = job.engine if job.engine != "auto" or not model else guess_engine(model)
    given = {
        "adapter": job.checkpoint_dir,
        "template": job.template,
        "max_new_tokens": job.max_new_tokens,
        "batch_size": job.batch_size,
        "context": job.cutoff_len,
        "dtype": "bf16" if job.bf16 else "fp16" if job.fp16 else "",
        "trust_remote_code": job.trust_remote_code,
        "model_name": job.model_name if engine == "transformers" else "",
        "bits": job.bits if job.bits != 16 else 0,
        "device": "" if job.device == "auto" else _device(job.device),
    }
    options = {name: value for name, value in given.items() if value}
    if job.free:
        options["grammar"] = False
    if options and engine == "compact":
        raise InputError(f"the compact model has no {', '.join(options)}", field="engine_options", fix="drop the flags")
    base = {f.name: getattr(job, f.name) for f in fields(PredictConfig)}
    if not job.output_file and job.checkpoint_dir and model_folder(job.checkpoint_dir):
        base["output_file"] = str(Path(job.checkpoint_dir) / ANSWERS)
    base |= {"model": model, "engine": engine, "engine_options": {**options, **job.engine_options}}
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
class ExtractConfig:
    """Extract facts from one text, or from a file of texts."""

    model: str
    """Model folder, hub name or server address."""
    schema_path: str
    """Labels to look for."""
    text: str = ""
    """The text; or give input_file."""
    input_file: str = ""
    """JSON lines with `text`, and `id` if there is one."""
    output_file: str = ""
    """Documents with their facts, in the unified format (with input_file)."""
    task: str = ""
    """NER, RE, EE, or several with commas; default: all that the schema has labels for."""
    engine: str = "auto"
    """What runs the model."""


class ExtractSummary(msgspec.Struct):
    """What was extracted; `facts` of a single text only."""

    texts: int
    facts: Facts | None = None
    output_file: str = ""
    entities: int = 0
    relations: int = 0
    events: int = 0


def extract_job(config: ExtractConfig, progress: Callable[[int, int], None] | None = None) -> ExtractSummary:
    """Extract; see `ExtractConfig`.

    Raises:
        InputError: neither or both of text and input_file, or what reading and loading raise.
    """
    if bool(config.text) == bool(config.input_file):
        raise InputError("give one of them", field="text, input_file", expected="--text TEXT, or --input_file FILE")
    schema = Schema.read(config.schema_path, config.task or None)
    tasks = [t.strip() for t in config.task.split(",")] if config.task else None
    if config.input_file:
        if not config.output_file:
            raise InputError("not given", field="output_file", fix="give --output_file")
        check_target(config.output_file)
    with load(config.model, engine=config.engine) as model:
        if config.text:
            facts = model.extract(config.text, schema, tasks)
            return ExtractSummary(1, facts, "", len(facts.entities), len(facts.relations), len(facts.events))
        summary = ExtractSummary(0, None, config.output_file)
        docs = [_document(row, n, config.input_file) for n, row in read_rows(config.input_file)]

        def found() -> Iterator[dict[str, object]]:
            answers = model.extract_many((d.text for d in docs), schema, tasks)
            for doc, facts in zip(docs, answers, strict=True):
                summary.texts += 1
                summary.entities += len(facts.entities)
                summary.relations += len(facts.relations)
                summary.events += len(facts.events)
                if progress:
                    progress(summary.texts, len(docs))
                yield document_to_row(msgspec.structs.replace(
                    doc, entities=facts.entities, relations=facts.relations, events=facts.events))

        write_rows(config.output_file, found())
    return summary


def _document(row: dict[str, object], line: int, file: str) -> Document:
    text, key = row.get("text"), row.get("id")
    if not isinstance(text, str):
        raise InputError("the record has no text", file=file, line=line, field="text", expected='"text": "..."')
    return Document(text, None if key is None else str(key))
