"""What may fill a field of an answer: a piece of the text unless the schema says otherwise.

>>> Values("enum", options=("low", "high")).verbatim
False
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Values(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a field may hold."""

    kind: Literal["verbatim", "free", "number", "date", "pattern", "enum"] = "verbatim"
    """`verbatim`: a piece of the text; `free`: any text; `number`: 12, -3.5; `date`: 2024-05-01, 2024-05 or 2024;
    `pattern`: what a regular expression matches; `enum`: one of some values."""
    pattern: str = ""
    """The regular expression of `pattern`."""
    options: tuple[str, ...] = ()
    """The values of `enum`."""

    @property
    def verbatim(self) -> bool:
        """Whether the value must stand in the text."""
        return self.kind == "verbatim"
