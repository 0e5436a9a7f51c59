"""The application: models, routes and limits put together.

    uvicorn.run(create_app(ServeConfig(model="runs/demo/train/model")))
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from iepile.errors import InputError
from iepile.service import (
    chat_api,
    corrections_api,
    documents_api,
    extract_api,
    graph_api,
    health_api,
    page_files,
    schemas_api,
)
from iepile.service.config import ServeConfig
from iepile.service.jobs import Jobs
from iepile.service.models import Models
from iepile.service.schemas import Schemas
from iepile.version import __version__


@dataclass
class Service:
    """What the routes work with: `request.app.state.service`."""

    config: ServeConfig
    models: Models
    schemas: Schemas
    jobs: Jobs
    folder: Path
    """Where what is kept lies; no name of a request is ever part of a path in it."""


def create_app(config: ServeConfig) -> FastAPI:
    """The service as an ASGI application. Models are loaded when it starts, jobs that were cut off go on then.

    Raises:
        InputError: settings that mean nothing.
    """
    config.check()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        folder = Path(config.data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        models = Models(config)
        jobs = Jobs(folder, models, config.keep_days)
        app.state.service = Service(config, models, Schemas(config.schemas), jobs, folder)
        jobs.start()
        try:
            yield
        finally:
            jobs.close()
            models.close()

    app = FastAPI(title="iepile", version=__version__, summary="Text and a schema in, grounded facts and a graph out.",
                  lifespan=lifespan)
    for part in (extract_api, documents_api, graph_api, schemas_api, chat_api, corrections_api, health_api):
        app.include_router(part.router)
    if config.page:
        page_files.mount(app)

    @app.exception_handler(InputError)
    async def bad_input(request: Request, error: InputError) -> JSONResponse:
        return JSONResponse({"error": {"problem": error.problem, "field": error.field, "expected": error.expected,
                                       "fix": error.fix}}, getattr(error, "status", 422))

    return app
