"""Run the service until it is stopped."""

from __future__ import annotations

import uvicorn

from iepile.service.app import create_app
from iepile.service.config import ServeConfig


def run(config: ServeConfig) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        InputError: settings that mean nothing, or a model that cannot be loaded.
    """
    uvicorn.run(create_app(config), host=config.host, port=config.port, log_level="warning", access_log=False)
