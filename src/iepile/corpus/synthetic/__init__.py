"""Annotated documents made by rule, as many as wanted; see `generator.py`."""

from iepile.corpus.synthetic.generator import LANGUAGES, SPLITS, generate

__all__ = ["LANGUAGES", "SPLITS", "generate"]
