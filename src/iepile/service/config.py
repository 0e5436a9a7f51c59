"""Settings of the service: which models it holds, where it listens, what it lets through."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from iepile.errors import InputError
from iepile.extraction.job import ModelFlags

_ORIGIN = re.compile(r"https?://[\w.:\[\]-]+|\*")


@dataclass(kw_only=True)
class ServeConfig(ModelFlags):
    """Serve models over HTTP: extraction, documents, graphs, an OpenAI-compatible interface, and a page."""

    model: str = ""
    """Model folder, hub name or server address."""
    models: dict[str, str] = field(default_factory=dict)
    """Further models: name to folder, hub name or address. A request names the one it wants."""
    engine: str = "auto"
    """What runs the model; `auto` looks at the model."""
    engine_options: dict[str, Any] = field(default_factory=dict)
    """Options of the engine, by name."""
    host: str = "127.0.0.1"
    """Address to listen at. Only this machine can reach the default; `0.0.0.0` opens it to the network."""
    port: int = 8000
    """Port to listen at; 0: a free one, which is printed."""
    data_dir: str = "runs/serve"
    """Folder for what is kept: jobs, their results, corrections."""
    schemas: str = ""
    """Folder of schema files that requests may name."""
    token_file: str = ""
    """File with the tokens that requests must bear, one a line. Also the variable IEPILE_TOKEN. None: open to all that
    reach the address."""
    open: bool = False
    """Listen at an address that others can reach without asking for a token."""
    hosts: tuple[str, ...] = ()
    """Names that requests may call the service by (their Host header). Default: where only this machine is listened to
    and no token is asked for, its own names; else any."""
    cors: tuple[str, ...] = ()
    """Origins whose pages may call the service from a browser; none by default."""
    page: bool = True
    """Serve the page at `/`."""
    max_body: int = 32
    """Largest request, in MiB."""
    max_upload: int = 256
    """Largest upload of documents, in MiB, all files of it together."""
    max_file: int = 64
    """Largest file of an upload, in MiB."""
    max_files: int = 1000
    """Most files of an upload."""
    keep_days: float = 0
    """Days after which a job that has ended is removed with its result; 0: never."""
    max_characters: int = 200_000
    """Most characters of the texts of a request that is answered at once, all together; more goes in as documents."""
    max_texts: int = 64
    """Most texts of a request that is answered at once."""
    max_questions: int = 4096
    """Most questions that the texts of such a request may come to: windows, batches of labels, orders and passes."""
    timeout: float = 120.0
    """Seconds a request may take; it is given up then."""
    slow: float = 30.0
    """Seconds in which a request must have come in whole; uploads of documents have limits of their own."""
    rate: int = 0
    """Requests a minute that one token, or one address, may make; 0: any number."""
    queue: int = 128
    """Requests that may wait or be in work at once; further ones are told to come again."""
    batch: int = 0
    """Most questions answered together; 0: as the engine batches."""
    batch_wait: float = 5.0
    """Milliseconds that a question waits for others that are on their way, while the model is idle."""
    log_requests: bool = False
    """Print a line for each request: who, what, its status and how long it took."""

    def check(self) -> None:
        """Raises `InputError`: a setting that means nothing."""
        for name in ("max_body", "max_upload", "max_file", "max_files", "max_characters", "max_texts", "queue"):
            if getattr(self, name) < 1:
                raise InputError("must be 1 or more", field=name)
        if not 0 <= self.port < 65_536:
            raise InputError(f"port {self.port}", field="port", expected="0 to 65535")
        for name in ("timeout", "slow"):
            if not 0 < getattr(self, name) < 1e6:
                raise InputError("must be above 0", field=name, expected="seconds")
        for origin in self.cors:
            if not _ORIGIN.fullmatch(origin):
                raise InputError(f"{origin!r} is no origin", field="cors", expected="https://example.org, or *")
        for name in ("rate", "batch", "batch_wait", "keep_days"):
            if not getattr(self, name) >= 0:
                raise InputError("must be 0 or more", field=name)
