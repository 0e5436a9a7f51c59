"""The description of the interface as a page at `/docs`: a small one of our own, which loads nothing from elsewhere.

FastAPI's own page gets its scripts from another host.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import Response

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")
_FILES = {"": ("service_docs.html", "text/html"), "/docs.js": ("service_docs.js", "text/javascript"),
          "/docs.css": ("service_docs.css", "text/css")}


def mount(app: FastAPI) -> None:
    """Serve the page and its two files."""
    for address, (name, kind) in _FILES.items():
        _serve(app, f"/docs{address}", (files("iepile") / "pages" / name).read_bytes(), kind)


def _serve(app: FastAPI, path: str, content: bytes, kind: str) -> None:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}

    @app.get(path, include_in_schema=False)
    async def file() -> Response:
        return Response(content, media_type=f"{kind}; charset=utf-8", headers=headers)
