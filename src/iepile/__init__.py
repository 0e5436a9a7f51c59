"""Schema-driven information extraction: text and a schema in, grounded facts and a knowledge graph out.

>>> from iepile import Schema
>>> Schema.of_entities("person").entity_names
('person',)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from iepile.errors import IepileError, InputError
from iepile.records import Argument, Document, Entity, Event, Facts, Relation, Span
from iepile.schema import Schema

if TYPE_CHECKING:
    from iepile.corpus.convert import convert
    from iepile.evaluation.score import evaluate
    from iepile.extraction.extractor import load
    from iepile.extraction.predict import predict

__version__ = "0.1.0"

__all__ = [
    "Argument", "Document", "Entity", "Event", "Facts", "IepileError", "InputError", "Relation", "Schema",
    "Span", "convert", "evaluate", "load", "predict",
]

# The verbs are looked up on first use: `import iepile` loads nothing heavy.
_LAZY = {
    "convert": "iepile.corpus.convert",
    "evaluate": "iepile.evaluation.score",
    "load": "iepile.extraction.extractor",
    "predict": "iepile.extraction.predict",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'iepile' has no attribute {name!r}")
