"""A toy corpus for the compact model: entities, relations, events with and without a trigger, zh and en."""

from __future__ import annotations

from typing import Any

from iepile.models.compact.example import NOWHERE, Example, Label

PERSON, FIRM = Label("entity", "person"), Label("entity", "firm")
WORKS = Label("relation", "works for")
BUY, RAIN = Label("trigger", "收购"), Label("trigger", "降雨")
BUYER, BOUGHT = Label("argument", "收购方", of="收购"), Label("argument", "被收购方", of="收购")
WHERE = Label("argument", "地点", of="降雨")

PEOPLE = ("Ada", "Bob Lee", "Cora", "Dan")
FIRMS = ("Acme Inc.", "Bolt", "U.S. Steel")
ZH_FIRMS = ("甲公司", "乙集团", "丙厂")
PLACES = ("北京", "上海市")


def toy() -> list[Example]:
    """All the texts."""
    out = []
    for person in PEOPLE:
        for firm in FIRMS:
            text = f"{person} works for {firm} now."
            a, b = (0, len(person)), (text.index(firm), text.index(firm) + len(firm))
            spans = {PERSON: [a], FIRM: [b]}
            out.append(Example(text, spans, {WORKS: [(a, b)]}, (PERSON, FIRM), (WORKS,)))
            text = f"{firm} fired {person}."
            b, a = (0, len(firm)), (len(firm) + 7, len(text) - 1)
            out.append(Example(text, {PERSON: [a], FIRM: [b]}, {}, (FIRM, PERSON), (WORKS,)))
    for x in ZH_FIRMS:
        for y in ZH_FIRMS:
            if x != y:
                text = f"{x}收购{y}。"
                at = (len(x), len(x) + 2)
                pairs = {BUYER: [(at, (0, len(x)))], BOUGHT: [(at, (at[1], at[1] + len(y)))]}
                out.append(Example(text, {BUY: [at]}, pairs, (BUY, RAIN), (BUYER, BOUGHT, WHERE)))
    for place in PLACES:
        text = f"昨天{place}路滑。"
        span = (2, 2 + len(place))
        out.append(
            Example(text, {RAIN: [NOWHERE]}, {WHERE: [(NOWHERE, span)]}, (RAIN, BUY), (BUYER, BOUGHT, WHERE))
        )
    return out


def small(**settings: Any) -> Any:
    """Training settings for a model of a few thousand weights."""
    from iepile.models.compact.config import CompactConfig
    from iepile.training.compact_config import CompactTrainConfig

    model = CompactConfig(
        buckets=2048, label_buckets=512, embedding_size=24, hidden_size=24, query_size=16, span_size=24, dropout=0.1
    )
    plain: dict[str, Any] = {
        "model": model, "threads": 1, "precision": "fp32", "rare_features": 0.2, "tokens_per_batch": 128,
        "learning_rate": 1e-2, "warmup_steps": 10, "max_steps": 20, "checkpoint_steps": 5,
    }
    return CompactTrainConfig(**{**plain, **settings})
