"""Extraction of one text or several, answered at once."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
