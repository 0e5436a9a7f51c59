"""The page: its files, served as they are."""

from __future__ import annotations

from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Serve the page at `/`."""
