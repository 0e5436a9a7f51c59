"""Whether the service is well, and its figures."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
