"""Facts that people accepted, rejected or corrected, kept as training data."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
