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
    from iepile.evaluation.compare import CompareConfig, compare
    from iepile.evaluation.score import EvaluateConfig, evaluate
    from iepile.extraction.calibrate import CalibrateConfig, calibrate
    from iepile.extraction.dev_score import tune_scored as tune
    from iepile.extraction.extractor import Extractor, load
    from iepile.extraction.predict import PredictConfig, predict
    from iepile.records import Argument, Document, Entity, Event, Facts, Relation, Span
    from iepile.schema import Schema
    from iepile.training.config import TrainConfig
    from iepile.training.export.config import ExportConfig
    from iepile.training.export.export import export

__all__ = [
    "Argument", "CalibrateConfig", "CompareConfig", "ConvertConfig", "Document", "Entity", "EvaluateConfig", "Event",
    "ExportConfig", "Extractor", "Facts", "IepileError", "InputError", "PredictConfig", "Relation", "Schema", "Span",
    "TrainConfig", "calibrate", "compare", "convert", "evaluate", "export", "load", "predict", "tune",
]

# Looked up on first use, so that `import iepile` and `iepile --help` load next to nothing.
_HOME = {
    "iepile.corpus.convert": ("ConvertConfig", "convert"),
    "iepile.errors": ("IepileError", "InputError"),
    "iepile.evaluation.compare": ("CompareConfig", "compare"),
    "iepile.evaluation.score": ("EvaluateConfig", "evaluate"),
    "iepile.extraction.calibrate": ("CalibrateConfig", "calibrate"),
    "iepile.extraction.dev_score": ("tune_scored as tune",),
    "iepile.extraction.extractor": ("Extractor", "load"),
    "iepile.extraction.predict": ("PredictConfig", "predict"),
    "iepile.records": ("Argument", "Document", "Entity", "Event", "Facts", "Relation", "Span"),
    "iepile.schema": ("Schema",),
    "iepile.training.config": ("TrainConfig",),
    "iepile.training.export.config": ("ExportConfig",),
    "iepile.training.export.export": ("export",),
}
_MODULE_OF = {name.split()[-1]: (module, name.split()[0]) for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        module, attribute = _MODULE_OF[name]
        value = globals()[name] = getattr(import_module(module), attribute)
        return value
    raise AttributeError(f"module 'iepile' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
