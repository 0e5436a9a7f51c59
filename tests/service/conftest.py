"""What the tests of the service share: models with random weights that answer at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from browser import Browser
from iepile.extraction.engines.engine import Engine
from iepile.service.app import create_app
from iepile.service.batching import SharedEngine
from iepile.service.config import ServeConfig
from page_driver import served
from served_models import talkative, tiny_language_model


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def compact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compact model that finds something in every text."""
    return talkative(tmp_path_factory.mktemp("served") / "compact")


@pytest.fixture(scope="session")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny language model."""
    return tiny_language_model(tmp_path_factory.mktemp("served") / "lm")


@pytest.fixture
def serve(compact: Path, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Start a service in this process: `serve(max_texts=2)` is a client of one with these settings."""
    with ExitStack() as open_:

        def start(**settings: Any) -> TestClient:
            folder = tmp_path / f"data{next(number)}"
            config = ServeConfig(**{"model": str(compact), "data_dir": str(folder), **settings})
            return open_.enter_context(TestClient(create_app(config), raise_server_exceptions=False))

        number = count()
        yield start


@pytest.fixture
def shared() -> Iterator[Callable[..., SharedEngine]]:
    made: list[SharedEngine] = []

    def make(engine: Engine, **settings: float) -> SharedEngine:
        made.append(SharedEngine(engine, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        hold = getattr(one.engine, "hold", None)
        if hold is not None:
            hold.set()
        one.close()


@pytest.fixture(scope="module")
def url(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a service of its own, with the page."""
    with served(compact, tmp_path_factory.mktemp("page")) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found
