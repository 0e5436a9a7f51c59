"""Scaling of the loss, so that small gradients are not lost in float16.

The scale grows while all goes well and is halved when a gradient overflows; that step is left out.
"""

from __future__ import annotations

import math
from typing import Any

FIRST = 65536.0
PATIENCE = 2000
"""Steps without overflow after which the scale is doubled."""


class LossScale:
    """The scale of a run; always 1 where `enabled` is false."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.value = FIRST if enabled else 1.0
        self._good = 0

    def accept(self, norm: float) -> bool:
        """Note the norm of a step's gradients; whether the step may be taken."""
        if not self.enabled:
            return True
        if not math.isfinite(norm):
            self.value, self._good = max(self.value / 2, 1.0), 0
            return False
        self._good += 1
        if self._good == PATIENCE:
            self.value, self._good = self.value * 2, 0
        return True

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""
        return {"value": self.value, "good": self._good} if self.enabled else {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        if self.enabled and state:
            self.value, self._good = float(state["value"]), int(state["good"])
