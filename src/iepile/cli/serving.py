"""`iepile serve`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.errors import MissingDependency


def serve(argv: Sequence[str]) -> int:
    """Serve models over HTTP."""
    from iepile.service.config import ServeConfig

    def go(config: ServeConfig) -> None:
        config.check()
        try:
            import fastapi  # noqa: F401
            import prometheus_client  # noqa: F401
            import python_multipart  # noqa: F401
            import uvicorn  # noqa: F401
        except ImportError as e:
            raise MissingDependency(e.name or "FastAPI", "serve", "the service") from None
        from iepile.service.server import run

        run(config, _listening)

    return run_command("serve", ServeConfig, go, argv, positional=("model",))


def _listening(address: str, models: list[str]) -> None:
    if show.as_json:
        print(json.dumps({"address": address, "models": models}), flush=True)
        return
    print(f"serving {', '.join(models)} at {address}\n"
          f"  page {address}/   interface {address}/docs   Ctrl-C stops it", flush=True)
