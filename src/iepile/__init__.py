"""Schema-driven information extraction: text and a schema in, grounded facts and a knowledge graph out.

>>> from iepile import Schema
>>> Schema.of_entities("person").entity_names
('person',)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from iepile.version import __version__ as __version__

if TYPE_CHECKING:
    from iepile.corpus.convert import ConvertConfig, convert
    from iepile.errors import IepileError, InputError
    from iepile.evaluation.score import EvaluateConfig, evaluate
    from iepile.extraction.extractor import Extractor, load
    from iepile.extraction.predict import PredictConfig, predict
    from iepile.records import Argument, Document, Entity, Event, Facts, Relation, Span
    from iepile.schema import Schema

__all__ = [
    "Argument", "ConvertConfig", "Document", "Entity", "EvaluateConfig", "Event", "Extractor", "Facts",
    "IepileError", "InputError", "PredictConfig", "Relation", "Schema", "Span", "convert", "evaluate", "load",
    "predict",
]

# Looked up on first use, so that `import iepile` and `iepile --help` load next to nothing.
_HOME = {
    "iepile.corpus.convert": ("ConvertConfig", "convert"),
    "iepile.errors": ("IepileError", "InputError"),
    "iepile.evaluation.score": ("EvaluateConfig", "evaluate"),
    "iepile.extraction.extractor": ("Extractor", "load"),
    "iepile.extraction.predict": ("PredictConfig", "predict"),
    "iepile.records": ("Argument", "Document", "Entity", "Event", "Facts", "Relation", "Span"),
    "iepile.schema": ("Schema",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
        return value
    raise AttributeError(f"module 'iepile' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
