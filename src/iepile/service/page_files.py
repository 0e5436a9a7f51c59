"""The page at `/`: static files, served as they are, with a strict Content-Security-Policy.

A small front end by hand: plain ES modules in `page/`, no build step. A page built in Python (NiceGUI was the other
candidate) would bring megabytes of scripts, keep the state of every visitor on the server, and write markup that can
hardly be held to this policy or made readable for everyone. The graph is drawn by the Cytoscape that `pages/` carries.

The files are read once, when the service starts, so that no name of a request is ever looked up on the disk. Their
address holds a digest of them all: browsers keep them for good, and a new version has new addresses.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "manifest-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
          "require-trusted-types-for 'script'; trusted-types 'none'")
"""No script or style inside the markup, nothing from another host, and no text can become markup (trusted types)."""
_HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin"}
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
          ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
          ".txt": "text/plain; charset=utf-8"}
_FROM_PAGES = ("cytoscape.min.js", "CYTOSCAPE-LICENSE.txt")
_STYLES = ("base", "layout", "result", "lists", "graph")
_WORTH_PACKING = 1024
_DIGEST, _MODULES = "DIGEST", "MODULES"
"""Stand in index.html where the address of the files holds their digest, and where all modules are announced: else the
browser would learn of them one after another."""
_DAY, _YEAR = 86_400, 31_536_000


@dataclass(frozen=True)
class PageFile:
    """A file of the page, as it goes out."""

    kind: str
    content: bytes
    packed: bytes
    """The same in gzip; empty where that saves nothing."""


def mount(app: FastAPI) -> None:
    """Serve the page at `/` and its files below `/page/`."""
    digest, found = page_files()
    index = found["index.html"]
    tag = f'"{digest}"'

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return _answer(request, index, tag, "no-cache")

    @app.get("/favicon.ico", include_in_schema=False)  # which browsers ask for beside every JSON they show
    async def icon(request: Request) -> Response:
        return _answer(request, found["icon.svg"], tag, f"public, max-age={_DAY}")

    @app.get("/page/settings.json", include_in_schema=False)
    async def settings(request: Request) -> JSONResponse:
        return JSONResponse(page_settings(request), headers={"Cache-Control": "no-store"} | _HEADERS)

    @app.get("/page/{version}/{name:path}", include_in_schema=False)
    async def file(request: Request, version: str, name: str) -> Response:
        wanted = found.get(name) if version == digest else None
        if wanted is None:
            problem = {"problem": "no such file of the page", "field": None, "expected": None, "fix": "load / again"}
            return JSONResponse({"error": problem}, 404, headers=_HEADERS)
        return _answer(request, wanted, tag, f"public, max-age={_YEAR}, immutable")


def page_settings(request: Request) -> dict[str, Any]:
    """What the page must know of the service before it asks for anything: no secret, so no token is needed."""
    from iepile.reading import reader

    config = request.app.state.service.config
    return {"max_characters": config.max_characters, "max_texts": config.max_texts, "max_file": config.max_file << 20,
            "max_upload": config.max_upload << 20, "max_files": config.max_files, "endings": sorted(reader.ENDINGS)}


@cache
def page_files() -> tuple[str, dict[str, PageFile]]:
    """(digest, file of the page by its name below `page/`)."""
    raw = dict(sorted(_read(files("iepile.service") / "page", "")))
    vendor = files("iepile") / "pages" / "vendor"
    raw |= {f"vendor/{name}": (vendor / name).read_bytes() for name in _FROM_PAGES}
    # One file, since nothing is painted before all styles are there.
    raw["page.css"] = b"".join(raw.pop(f"css/{name}.css") for name in _STYLES)
    summary = hashlib.sha256()
    for name, content in raw.items():
        summary.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    digest = summary.hexdigest()[:16]
    modules = (f'<link rel="modulepreload" href="page/{digest}/{name}">' for name in raw if name.startswith("js/"))
    page = raw["index.html"].decode().replace(_MODULES, "\n".join(modules)).replace(_DIGEST, digest)
    raw["index.html"] = page.encode()
    return digest, {name: _page_file(name, content) for name, content in raw.items()}


def _read(folder: Traversable, below: str) -> list[tuple[str, bytes]]:
    out = []
    for entry in folder.iterdir():
        if entry.is_dir():
            out += _read(entry, f"{below}{entry.name}/")
        elif PurePosixPath(entry.name).suffix in _TYPES:
            out.append((below + entry.name, entry.read_bytes()))
    return out


def _page_file(name: str, content: bytes) -> PageFile:
    packed = gzip.compress(content, 6, mtime=0) if len(content) >= _WORTH_PACKING else b""
    return PageFile(_TYPES[PurePosixPath(name).suffix], content, packed if len(packed) < len(content) else b"")


def _answer(request: Request, file: PageFile, tag: str, keep: str) -> Response:
    headers = {"ETag": tag, "Cache-Control": keep, "Vary": "Accept-Encoding"} | _HEADERS
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    content = file.content
    if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
        content = file.packed
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=file.kind, headers=headers)
