"""Bearer tokens (RFC 6750): who may ask.

Only digests are kept. Every digest is compared, each in constant time, so that the time of a refusal tells nothing.
"""

from __future__ import annotations

import logging
import os
import re
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from iepile.errors import InputError

VARIABLE = "IEPILE_TOKEN"
LEAST = 16
"""Fewest characters of a token: shorter ones can be guessed."""
_FORM = re.compile(r"[A-Za-z0-9._~+/=-]+")

logger = logging.getLogger(__name__)


class Tokens:
    """The tokens of a service; none: everybody may ask."""

    def __init__(self, tokens: list[str]) -> None:
        """
        Raises:
            InputError: a token that is short, or that no header can hold.
        """
        for n, token in enumerate(tokens, 1):
            if len(token) < LEAST or not _FORM.fullmatch(token):
                raise InputError(f"token {n} is no token", field="token_file", line=n,
                                 expected=f"{LEAST} or more of the characters A-Z a-z 0-9 . _ ~ + / = -",
                                 fix="make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'")
        self._digests = [sha256(token.encode()).digest() for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def known(self, header: str) -> str:
        """Who bears the token of an `Authorization` header, told by the first digits of its digest; empty: nobody."""
        scheme, _, token = header.partition(" ")
        given = sha256(token.strip().encode("utf-8", "replace")).digest()
        found = ""
        for digest in self._digests:
            if compare_digest(digest, given):
                found = digest.hex()[:8]
        return found if scheme.lower() == "bearer" else ""


def read_tokens(path: str) -> Tokens:
    """Tokens of a file, one a line (`#` begins a comment), and that of the environment.

    Raises:
        InputError: no such file, none in it, or one that is no token.
    """
    lines: list[str] = []
    if path:
        try:
            raw = Path(path).read_text("utf-8")
            open_to_all = Path(path).stat().st_mode & 0o004
        except (OSError, UnicodeDecodeError) as e:
            raise InputError(f"cannot be read: {e.strerror if isinstance(e, OSError) else 'not UTF-8'}", file=path,
                             field="token_file", expected="a file with a token a line") from None
        lines = [line.strip() for line in raw.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not lines:
            raise InputError("has no token", file=path, field="token_file", expected="a token a line")
        if open_to_all:
            logger.warning("%s can be read by every user of this machine; chmod 600 it", path)
    if own := os.environ.get(VARIABLE, "").strip():
        try:
            Tokens([own])
        except InputError as e:
            raise InputError("is no token", field=VARIABLE, expected=e.expected, fix=e.fix) from None
        lines.append(own)
    return Tokens(lines)
