"""Engines that ask a server double: opened without long waits, closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server_double import Double


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Opens engines by their server and options."""
    from iepile.extraction.engines.engine import Measuring, open_engine
    from iepile.extraction.engines.openai import OpenAIEngine
    from iepile.extraction.predict import guess_engine
    from iepile.extraction.server import pace

    monkeypatch.setattr(pace, "FIRST_WAIT", 0.01)
    for name in ("IEPILE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    engines: list[OpenAIEngine] = []

    def start(double: Double | str, **options: Any) -> OpenAIEngine:
        url = double if isinstance(double, str) else double.url
        engine = open_engine(guess_engine(url), url, {"max_new_tokens": 200, **options})
        assert isinstance(engine, OpenAIEngine) and isinstance(engine, Measuring)
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.close()
        engine.close()
