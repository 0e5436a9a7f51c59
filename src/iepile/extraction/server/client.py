"""Calls to one server: the `openai` client with its own retries off, and every failure as a `Failed`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec

from iepile.errors import MissingDependency
from iepile.extraction.server.address import Address
from iepile.extraction.server.failures import Failed, of_error, of_status
from iepile.extraction.server.reply import Reply, read_reply
from iepile.jsonl import BROKEN_JSON

Endpoint = Literal["chat", "completions"]
MOST_BYTES = 32 << 20
"""A longer reply is no answer: a server that never stops sending would fill the memory."""
SHORT = 15.0
"""Seconds for calls that need no model."""


class Client:
    """A connection to a server. Belongs to one event loop; close it there."""

    def __init__(self, address: Address, key: str, timeout: float) -> None:
        """
        Args:
            key: empty for none.
            timeout: seconds for an answer, from the call to its last byte.

        Raises:
            MissingDependency: the library openai is not installed.
        """
        try:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient
        except ImportError:
            raise MissingDependency("openai", "servers", f"asking {address.base}") from None
        self.address, self._key, self._timeout = address, key, timeout
        # A proxy that the environment names cannot reach a server on this very machine.
        self._http: Any = DefaultAsyncHttpxClient(timeout=timeout, trust_env=not address.local)
        self._openai = AsyncOpenAI(base_url=address.base, api_key=key or "none", max_retries=0, timeout=timeout,
                                   http_client=self._http)

    async def ask(self, endpoint: Endpoint, body: dict[str, Any]) -> Reply:
        """One question.

        Args:
            body: fields of the request; `model` and `messages` or `prompt` among them.

        Raises:
            Failed: no answer, for whatever reason.
        """
        fields = dict(body)
        chat = endpoint == "chat"
        calls: Any = self._openai.chat.completions if chat else self._openai.completions
        said = "messages" if chat else "prompt"
        # What is no parameter of the client's (grammars above all) goes into the body as it is.
        given = {k: fields.pop(k) for k in ("model", said)}
        call = calls.with_streaming_response.create(**given, extra_body=fields)
        return read_reply(await self._read(call, self._timeout))

    async def _read(self, call: Any, seconds: float) -> bytes:
        import openai

        try:
            async with asyncio.timeout(seconds), call as reply:
                return await _whole(reply.iter_bytes())
        except openai.APIStatusError as e:
            raise of_status(e.status_code, e.response.content, e.response.headers, self._key) from None
        except Failed:
            raise
        except Exception as e:  # whatever the client's layers raise when a connection breaks
            raise of_error(e, self._key) from None

    async def fetch(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """JSON of a call beside OpenAI's protocol: GET, or POST with a body.

        Args:
            path: below the server's root, `/props`.

        Raises:
            Failed: no such call, or no JSON.
        """
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        seconds = min(SHORT, self._timeout)
        try:
            async with asyncio.timeout(seconds), self._http.stream(
                "GET" if body is None else "POST", self.address.root + path, json=body, headers=headers
            ) as reply:
                data = await _whole(reply.aiter_bytes())
        except Failed:
            raise
        except Exception as e:
            raise of_error(e, self._key) from None
        if reply.status_code >= 300:
            raise of_status(reply.status_code, data, reply.headers, self._key)
        try:
            return msgspec.json.decode(data)
        except BROKEN_JSON as e:
            raise Failed("malformed", f"{path}: no JSON ({e})") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._openai.close()


async def _whole(blocks: AsyncIterator[bytes]) -> bytes:
    data = bytearray()
    async for block in blocks:
        data += block
        if len(data) > MOST_BYTES:
            raise Failed("malformed", f"the reply goes on after {MOST_BYTES >> 20} MiB")
    return bytes(data)
