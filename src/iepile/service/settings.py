"""What a request may say about how its texts are asked. Nothing here names a file or asks for endless work."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from iepile.errors import InputError

LEAST_WINDOW = 32


class Settings(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How texts are asked, and what counts as found."""

    language: Literal["", "zh", "en"] = ""
    """Language of the questions; default: that of each text."""
    split_num: Annotated[int, Meta(ge=0, le=1000)] = 0
    """Labels in one question; 0: as each task advises."""
    descriptions: bool = False
    """Write the descriptions of labels into the questions."""
    window: Annotated[int, Meta(ge=0, le=1 << 20)] = 0
    """Most tokens of text in one question, 32 or more; longer texts are cut into windows. 0: 1,024, or what the model
    holds."""
    overlap: Annotated[int, Meta(ge=0, le=16)] = 1
    """Sentences that a window shares with the one before."""
    orders: Annotated[int, Meta(ge=1, le=32)] = 1
    """Label orders that each question is asked in; what they agree on is kept."""
    min_support: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Share of the orders that must state a fact."""
    passes: Annotated[int, Meta(ge=1, le=32)] = 1
    """Times that a question is answered; what further answers add is kept."""
    seed: Annotated[int, Meta(ge=0, lt=1 << 31)] = 0
    """Seed of label orders and drawn answers."""
    fuzzy: bool = True
    """Whether a mention that is not in the text word for word may be placed where the text is alike."""
    min_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Keep only facts of this confidence."""


NAMES = Settings.__struct_fields__


def read_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Settings of a request, as an extractor takes them.

    Raises:
        InputError: no such setting, or a value that means nothing.
    """
    for name in given:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, 1)
            raise InputError(f"no setting {name[:40]!r}", field="settings", expected=", ".join(NAMES),
                             fix=f"did you mean {near[0]}?" if near else None)
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `$")
        expected = "zh, en; leave it out for that of each text" if where.startswith(".language") else None
        raise InputError(problem, field="settings" + where.rstrip("`"), expected=expected) from None
    if 0 < settings.window < LEAST_WINDOW:
        raise InputError(f"is {settings.window}", field="settings.window", expected=f"0, or {LEAST_WINDOW} or more")
    return {name: getattr(settings, name) for name in NAMES}
