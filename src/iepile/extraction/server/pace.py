"""How fast we ask: requests and tokens a minute, waits between tries, and a pause when the server says so."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable

FIRST_WAIT = 0.5
"""Seconds before the second try; doubled each time."""
LONGEST_WAIT = 60.0
"""Seconds, where the server names none."""
LONGEST_ORDERED = 600.0
"""Seconds; a server that wants more has run out of quota for the day."""


class Pace:
    """Turns to ask, spread evenly over a minute. Lives in one event loop."""

    def __init__(self, requests: int = 0, tokens: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            requests: most requests a minute; 0: any number.
            tokens: most tokens a minute, prompts and answers; 0: any number.
        """
        self._request = 60 / requests if requests else 0.0
        self._token = 60 / tokens if tokens else 0.0
        self._clock = clock
        self._pause = float("-inf")
        self._next_request = self._next_tokens = float("-inf")

    def turn(self, tokens: int) -> float:
        """Take the next turn, for a request of about so many tokens.

        Returns:
            Seconds to wait before it.
        """
        now = self._clock()
        at = max(now, self._pause, self._next_request, self._next_tokens)
        if self._request:
            self._next_request = at + self._request
        if self._token:
            self._next_tokens = at + tokens * self._token
        return at - now

    def settle(self, taken: int, used: int) -> None:
        """Give back tokens that a request took a turn for and did not use, or owe more."""
        self._next_tokens += (used - taken) * self._token

    def pause(self, seconds: float) -> None:
        """Let nobody ask for a while."""
        self._pause = max(self._pause, self._clock() + seconds)

    async def wait(self, tokens: int) -> None:
        """Wait for the next turn."""
        while (seconds := self.turn(tokens)) > 0:
            await asyncio.sleep(seconds)
            if self._clock() >= self._pause:
                return
            # Someone was told to slow down meanwhile: queue again, and leave the turn to nobody.


def wait_before(attempt: int, what: str, seed: int) -> float:
    """Seconds to wait before a further try: doubling, with a jitter that is the same in every run.

    Args:
        attempt: 1 before the second try.
        what: the request, so that requests which failed together do not come back together.
    """
    digest = hashlib.sha256(f"{seed}:{attempt}:{what}".encode("utf-8", "surrogatepass")).digest()
    jitter = random.Random(digest).uniform(0.5, 1.0)
    return float(min(FIRST_WAIT * 2.0 ** (attempt - 1), LONGEST_WAIT) * jitter)
