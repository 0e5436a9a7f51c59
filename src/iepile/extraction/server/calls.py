"""Calls with patience: tries again what is worth it, keeps to the pace, counts, and knows when a server is gone."""

from __future__ import annotations

import asyncio
from typing import Any

from iepile.errors import IepileError
from iepile.extraction.server.client import Client, Endpoint
from iepile.extraction.server.failures import AGAIN, Failed, Kind, gone, stops_the_run
from iepile.extraction.server.pace import LONGEST_ORDERED, Pace, wait_before
from iepile.extraction.server.reply import Reply
from iepile.extraction.server.usage import Usage

LOST_IN_A_ROW = 20
"""Requests that got no answer in all tries, with none answered in between, after which a run stops."""


class Calls:
    """One engine's calls to its server."""

    def __init__(self, client: Client, pace: Pace, usage: Usage, retries: int, seed: int) -> None:
        """
        Args:
            retries: further tries for a request.
            seed: of the jitter.
        """
        self.client, self.pace, self.usage = client, pace, usage
        self.retries, self.seed = retries, seed
        self._answered = self._lost = 0

    async def ask(self, endpoint: Endpoint, body: dict[str, Any], prompt_tokens: int,
                  again: frozenset[Kind] = AGAIN) -> Reply:
        """One answer.

        Args:
            prompt_tokens: about how many, for the pace.
            again: kinds of failures that are tried again.

        Raises:
            Failed: this request got no answer.
            IepileError: no request will get one: the server is gone, or refuses key or model.
        """
        answered = -1
        taken = prompt_tokens + (body.get("max_tokens") or body.get("max_completion_tokens") or 0)
        what = str(body.get("messages") or body.get("prompt"))
        for attempt in range(1, self.retries + 2):
            await self.pace.wait(taken)
            self.usage.requests += 1
            try:
                reply = await self.client.ask(endpoint, body)
            except Failed as e:
                failed = e
            else:
                self.pace.settle(taken, reply.prompt_tokens + reply.tokens if reply.prompt_tokens else taken)
                self._answered += 1
                self._lost = 0
                return reply
            self.pace.settle(taken, 0)
            answered = self._answered if answered < 0 else answered
            if (stop := stops_the_run(failed, self.client.address.base)) is not None:
                raise stop
            if failed.kind not in again:
                raise failed
            if (failed.after or 0) > LONGEST_ORDERED:
                raise IepileError(f"{self.client.address.base} wants us to wait {failed.after:.0f} seconds "
                                  f"({failed.message})\n  do:       run again then; answers so far are kept")
            if attempt <= self.retries:
                self.usage.retries += 1
                if failed.after:
                    # What one is told holds for all: the others would be turned away as well.
                    self.pace.pause(failed.after)
                await asyncio.sleep(wait_before(attempt, what, self.seed))
        self.usage.failures += 1
        self._lost += 1
        if failed.kind == "connection" and self._answered == answered:
            raise gone(failed, self.client.address.base, self.retries + 1)
        if self._lost >= LOST_IN_A_ROW:
            raise IepileError(f"{self.client.address.base}: {self._lost} requests in a row got no answer; the last: "
                              f"{failed.message}\n  do:       look at the server's log and run again; answers so far "
                              "are kept")
        raise failed
