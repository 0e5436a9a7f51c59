"""Checks that the groups of settings share: bounds and lists of allowed values, told by the name of the setting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from iepile.errors import InputError


def at_least(settings: Any, least: float, names: Iterable[str]) -> None:
    """Refuse numbers below `least`, infinite ones and NaN."""
    for name in names:
        value = getattr(settings, name)
        if not value >= least or math.isinf(value):
            raise InputError(f"is {value}", field=name, expected=f"{least:g} or more")


def share(settings: Any, names: Iterable[str]) -> None:
    """Refuse numbers outside [0, 1)."""
    at_least(settings, 0, names)
    for name in names:
        if getattr(settings, name) >= 1:
            raise InputError(f"is {getattr(settings, name)}", field=name, expected="below 1")


def one_of(settings: Any, name: str, allowed: Sequence[object]) -> None:
    """Refuse values that are not in a list."""
    if (value := getattr(settings, name)) not in allowed:
        raise InputError(f"is {value!r}", field=name, expected=" or ".join(str(a) for a in allowed))
