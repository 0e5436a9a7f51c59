"""How often one caller may ask: a token bucket for each (Turner, "New directions in communications", 1986).

>>> rates = Rates(60)
>>> sum(rates.wait("ada", now=0.0) for _ in range(60)), rates.wait("ada", now=0.0), rates.wait("bob", now=0.0)
(0.0, 1.0, 0.0)
"""

from __future__ import annotations

from collections import OrderedDict

MOST = 10_000
"""Callers that are remembered; whoever was not seen for longest is forgotten."""
_ALMOST = 1 - 1e-9
"""What is left after waiting is a digit short of one."""


class Rates:
    """Buckets that hold a minute's requests and fill up evenly."""

    def __init__(self, a_minute: int) -> None:
        """`a_minute`: requests of one caller; 0: any number."""
        self.a_minute = a_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Caller -> (requests left, when that was so)."""

    def wait(self, caller: str, now: float) -> float:
        """Count a request of a caller at a time in seconds; how long it must wait, 0 where it may go on."""
        if not self.a_minute:
            return 0.0
        left, then = self._buckets.pop(caller, (float(self.a_minute), now))
        left = min(float(self.a_minute), left + max(0.0, now - then) * self.a_minute / 60)
        may = left >= _ALMOST
        self._buckets[caller] = (max(0.0, left - 1) if may else left, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return 0.0 if may else (1 - left) * 60 / self.a_minute
