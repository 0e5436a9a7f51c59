"""The generator as a job: documents to a file.

iepile generate --n 1000 --language zh --split train --tgt_path zh.train.jsonl
iepile generate --n 1000 --patterns orders.toml --tgt_path orders.train.jsonl
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import msgspec
import yaml

from iepile.corpus.synthetic.generator import generate
from iepile.corpus.synthetic.pattern_file import read_patterns
from iepile.jsonl import check_targets, write_rows
from iepile.schema import Schema
from iepile.unified import document_to_row


@dataclass(kw_only=True)
class GenerateConfig:
    """Make annotated example documents by rule; names of the test split never occur in training."""

    tgt_path: str
    """File to write: documents in the unified format, JSON lines."""
    n: int = 1000
    """Documents to make."""
    language: str = "zh"
    """zh or en; with `patterns`, theirs counts."""
    patterns: str | None = None
    """Names and sentences of your own domain (TOML), instead of those that ship."""
    split: str = "train"
    """train, dev or test; they share no names."""
    seed: int = 0
    """Another seed, other documents."""
    start: int = 0
    """Number of the first document: ranges can be made in parallel."""
    schema_path: str | None = None
    """Also write the schema of the documents (JSON, which is YAML too)."""


class GenerateSummary(msgspec.Struct):
    """What was written."""

    tgt_path: str
    documents: int


def write_documents(config: GenerateConfig) -> GenerateSummary:
    """Run the generator; see `GenerateConfig`.

    Raises:
        InputError: unknown language or split, patterns that cannot be read, or an unwritable target.
    """
    patterns = read_patterns(config.patterns) if config.patterns else None
    documents = generate(config.n, config.language, config.seed, config.split, config.start, patterns)
    check_targets([config.tgt_path, config.schema_path], [config.patterns])
    n = write_rows(config.tgt_path, map(document_to_row, documents))
    if config.schema_path:
        (patterns.schema() if patterns else schema(config.language)).write(config.schema_path)
    return GenerateSummary(config.tgt_path, n)


def schema(language: str) -> Schema:
    """The schema of the generated documents in that language."""
    text = files("iepile.corpus.synthetic").joinpath(f"schema_{language}.yaml").read_text("utf-8")
    return Schema.from_dict(yaml.safe_load(text))
