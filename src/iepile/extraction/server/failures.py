"""What can go wrong between us and a server: vendors' errors as a few kinds, and which are worth another try."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from iepile.errors import IepileError, InputError
from iepile.extraction.server.address import KEYS
from iepile.extraction.server.dialects import words

Kind = Literal["connection", "timeout", "busy", "server", "malformed", "refused", "context", "key", "model", "quota"]
AGAIN: frozenset[Kind] = frozenset({"connection", "timeout", "busy", "server", "malformed"})
"""Kinds that another try may cure."""
LONGEST_MESSAGE = 300
"""Characters of a server's words that are passed on."""


class Failed(Exception):
    """One call failed."""

    def __init__(self, kind: Kind, message: str, status: int | None = None, after: float | None = None) -> None:
        """
        Args:
            status: HTTP status, where there was an answer.
            after: seconds that the server wants us to wait.
        """
        self.kind, self.message, self.status, self.after = kind, message, status, after
        super().__init__(message)

    @property
    def again(self) -> bool:
        """Whether another try may help."""
        return self.kind in AGAIN


def of_status(status: int, body: bytes, headers: Mapping[str, str], key: str) -> Failed:
    """The failure that an HTTP error stands for.

    Args:
        key: our key; a server that quotes it back must not bring it into our messages.
    """
    said = hidden(_said(body), key)
    low = said.lower()
    message = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status in (401, 403):
        return Failed("key", message, status)
    if status == 404:
        return Failed("model", message, status)
    if status == 429:
        if any(w in low for w in words().quota):
            return Failed("quota", message, status)
        return Failed("busy", message, status, _after(headers))
    if any(w in low for w in words().context) and status < 600:
        return Failed("context", message, status)
    if status >= 500 or status in (408, 409, 425):
        return Failed("server", message, status, _after(headers))
    return Failed("refused", message, status)


def of_error(error: BaseException, key: str) -> Failed:
    """The failure that an exception of the client stands for: no connection, or one that broke."""
    import openai

    if isinstance(error, Failed):
        return error
    # The client wraps the cause, which tells more.
    cause = error.__cause__ or error.__context__ or error
    said = hidden(f"{type(cause).__name__}: {cause}".rstrip(": "), key)[:LONGEST_MESSAGE]
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Failed("timeout", said)
    return Failed("connection", said)


def stops_the_run(failed: Failed, base: str) -> IepileError | None:
    """The error to stop with when every further call would fail the same way; None for others."""
    if failed.kind == "key":
        return InputError(f"{base} refuses the key ({failed.message})", field=KEYS[0],
                          fix=f"set {KEYS[0]} (or {KEYS[1]}) to a valid key and run again; answers so far are kept")
    if failed.kind == "model":
        return InputError(f"{base} knows no such model or call ({failed.message})", field="model, model_name",
                          fix="check the address (it mostly ends in /v1) and the option model_name, and run again; "
                              "answers so far are kept")
    if failed.kind == "quota":
        return IepileError(f"{base}: the quota is used up ({failed.message})\n"
                           "  do:       raise it with the provider and run again; answers so far are kept")
    return None


def gone(failed: Failed, base: str, tries: int) -> IepileError:
    """The error to stop with when the server is no longer there."""
    return IepileError(f"{base} does not answer, in {tries} tries ({failed.message})\n"
                       "  do:       see that the server runs, and run again; answers so far are kept")


def hidden(text: str, key: str) -> str:
    """A text without our key."""
    return text.replace(key, "***") if key else text


def _said(body: bytes) -> str:
    text = body[: 1 << 16].decode("utf-8", "replace")
    found: Any = text
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        for name in ("error", "message", "detail", "msg"):
            if isinstance(found, dict) and name in found:
                code = found.get("code") if isinstance(found.get("code"), str) else ""
                found = f"{code} {found[name]}".strip() if isinstance(found[name], str) else found[name]
    return " ".join(str(found).split())[:LONGEST_MESSAGE]


def _after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds, or a date)."""
    with suppress(ValueError, KeyError):
        return _seconds(float(headers["retry-after-ms"]) / 1000)
    with suppress(ValueError, KeyError):
        return _seconds(float(headers["retry-after"]))
    with suppress(ValueError, KeyError, TypeError, OverflowError):
        return _seconds((parsedate_to_datetime(headers["retry-after"]) - datetime.now(UTC)).total_seconds())
    return None


def _seconds(value: float) -> float | None:
    return max(value, 0.0) if math.isfinite(value) else None
