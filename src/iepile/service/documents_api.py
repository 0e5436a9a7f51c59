"""Documents handed in, and the jobs that answer them."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
