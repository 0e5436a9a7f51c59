"""Models for the tests of the service: random weights, made in a second, that answer much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from compact_toy import small, toy
from tiny_models import byte_level_tokenizer, make_model

SCHEMA = {
    "entities": ["person", "firm"],
    "relations": {"works for": {"domain": ["person"], "range": ["firm"]}},
    "events": {"收购": {"roles": ["收购方", "被收购方"]}},
}
"""What the compact model was asked when its texts were written."""
TEXTS = [x.text for x in toy()]


def talkative(folder: Path, **sizes: Any) -> Path:
    """A compact model that finds something in every text; `sizes` are fields of `CompactConfig`."""
    import torch

    from iepile.models.compact.calibration import Calibration, Line
    from iepile.models.compact.model import CompactModel, build
    from iepile.training.compact_tuning import questions

    with torch.random.fork_rng():
        torch.manual_seed(0)
        thresholds = dict.fromkeys(("entity", "trigger", "relation", "argument"), -2.6)
        config = replace(small().model, thresholds=thresholds, anchor_floor=-2.6, search_floor=-4.0, **sizes)
        labels = {x for q in questions(toy()) for x in (*q.spans, *q.pairs)}
        CompactModel(build(config), labels, Calibration({"entity": Line(0.5, 1.0)})).save(folder)
    return folder


def tiny_language_model(folder: Path) -> Path:
    """A Llama with random weights."""
    return make_model(folder, byte_level_tokenizer(TEXTS), context=2048)
