"""The models a service holds, by name."""

from __future__ import annotations

from collections.abc import Iterator

from iepile.errors import InputError
from iepile.extraction.engines.engine import open_engine
from iepile.service.batching import SharedEngine
from iepile.service.config import ServeConfig

DEFAULT = "default"
"""Name of the model that `model` names; requests that name none get it."""
WINDOW = 256
"""Requests that the compact model looks at together here, where others wait for their turn."""


class Models:
    """Loaded models. All are loaded when the service starts: a request never waits for one."""

    def __init__(self, config: ServeConfig) -> None:
        """
        Raises:
            InputError: no model is named, or one cannot be loaded.
        """
        named = ({DEFAULT: config.model} if config.model or config.model_name_or_path else {}) | config.models
        if not named:
            raise InputError("no model", field="model", fix="give the folder, hub name or address of a model")
        self._engines: dict[str, SharedEngine] = {}
        self.places: dict[str, str] = {}
        """Folder, hub name or address of each."""
        try:
            self._open(config, named)
        except BaseException:
            self.close()
            raise

    def _open(self, config: ServeConfig, named: dict[str, str]) -> None:
        for name, model in named.items():
            model, engine = config.chosen(model, config.engine) if name == DEFAULT else config.chosen(model, "auto")
            self.places[name] = model
            options = {**config.options(engine), **config.engine_options} if name == DEFAULT else {}
            if engine == "compact":
                options = {"window": WINDOW} | options
            self._engines[name] = SharedEngine(open_engine(engine, model, options), config.batch,
                                               config.batch_wait / 1000)

    def __iter__(self) -> Iterator[str]:
        return iter(self._engines)

    def __getitem__(self, name: str) -> SharedEngine:
        """The engine of a model; an empty name is the first one.

        Raises:
            InputError: no such model.
        """
        if name and name not in self._engines:
            raise InputError(f"no model {name[:100]!r}", field="model", expected=", ".join(self._engines))
        return self._engines[name or next(iter(self._engines))]

    def close(self) -> None:
        """Close all engines."""
        for engine in self._engines.values():
            engine.close()
