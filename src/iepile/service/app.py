"""The application: models, routes and limits put together.

    uvicorn.run(create_app(ServeConfig(model="runs/demo/train/model")))
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from iepile.jsonl import check_folder
from iepile.service import (
    chat_api,
    corrections_api,
    docs_page,
    documents_api,
    extract_api,
    graph_api,
    health_api,
    page_files,
    schemas_api,
)
from iepile.service.config import ServeConfig
from iepile.service.errors import add_handlers
from iepile.service.jobs import Jobs
from iepile.service.limits import Gate
from iepile.service.metrics import Metrics
from iepile.service.models import Models
from iepile.service.openapi import describe
from iepile.service.parameters import check_parameters
from iepile.service.schemas import Schemas
from iepile.service.tokens import read_tokens
from iepile.version import __version__

PARTS = (extract_api, documents_api, graph_api, schemas_api, chat_api, corrections_api, health_api)
ABOUT = """Texts and a schema go in; entities, relations and events come out, each mention with its place in the text.

Every error is `{"error": {"problem", "field", "expected", "fix"}}`; the chat interface has OpenAI's form."""


@dataclass
class Service:
    """What the routes work with: `request.app.state.service`."""

    config: ServeConfig
    models: Models
    schemas: Schemas
    jobs: Jobs
    folder: Path
    """Where what is kept lies; no name of a request is ever part of a path in it."""
    threads: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)
    """Where requests wait for their answers: one thread for each that may be in work."""
    closing: bool = False
    """It is shutting down, and takes nothing more in."""

    @classmethod
    def open(cls, config: ServeConfig) -> Service:
        """Load what a service needs.

        Raises:
            InputError: a model or schema that cannot be read, a folder that cannot be written or is in use.
        """
        config.check()
        schemas, folder = Schemas(config.schemas), check_folder(config.data_dir)
        models = Models(config)
        try:
            jobs = Jobs(folder, models, config.keep_days)
        except BaseException:
            models.close()
            raise
        return cls(config, models, schemas, jobs, folder, ThreadPoolExecutor(config.queue, "request"))

    def stop(self) -> None:
        """Take nothing more in, and let jobs rest; what is in work goes on. From any thread, once or more."""
        if not self.closing:
            self.closing = True
            self.jobs.close()

    def close(self) -> None:
        """Stop, and free everything."""
        self.stop()
        self.models.close()
        self.threads.shutdown(wait=False, cancel_futures=True)


def create_app(config: ServeConfig, service: Service | None = None) -> FastAPI:
    """The service as an ASGI application; jobs that were cut off go on when it starts.

    Args:
        service: what was opened already; else that is done when the application starts.

    Raises:
        InputError: settings that mean nothing, or tokens that cannot be read.
    """
    config.check()
    tokens, metrics = read_tokens(config.token_file), Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = service or Service.open(config)
        app.state.service = opened
        metrics.watch(opened)
        opened.jobs.start()
        try:
            yield
        finally:
            opened.close()

    def closing() -> bool:
        opened: Service | None = getattr(app.state, "service", None)
        return opened is None or opened.closing

    app = FastAPI(title="iepile", version=__version__, description=ABOUT,
                  summary="Text and a schema in, grounded facts and a graph out.",
                  lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.metrics = metrics
    for part in PARTS:
        # Clients of OpenAI add parameters of their own, and so do probes of health.
        strict = part not in (chat_api, health_api)
        app.include_router(part.router, dependencies=[Depends(check_parameters)] if strict else [])
    docs_page.mount(app)
    if config.page:
        page_files.mount(app)
    add_handlers(app)
    describe(app, bool(tokens))
    app.add_middleware(Gate, config=config, tokens=tokens, metrics=metrics, closing=closing)
    if config.cors:
        app.add_middleware(CORSMiddleware, allow_origins=list(config.cors), max_age=600,
                           allow_methods=["GET", "POST", "DELETE"], allow_headers=["authorization", "content-type"],
                           expose_headers=["retry-after"])
    return app
