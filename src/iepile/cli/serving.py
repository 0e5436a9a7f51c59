"""`iepile serve`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import run_command
from iepile.errors import MissingDependency


def serve(argv: Sequence[str]) -> int:
    """Serve models over HTTP."""
    from iepile.service.config import ServeConfig

    def go(config: ServeConfig) -> None:
        config.check()
        try:
            import fastapi  # noqa: F401
            import uvicorn  # noqa: F401
        except ImportError as e:
            raise MissingDependency(e.name or "FastAPI", "serve", "the service") from None
        from iepile.service.server import run

        run(config)

    return run_command("serve", ServeConfig, go, argv, positional=("model",))
