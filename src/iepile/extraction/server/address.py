"""Where a server is and how we say who we are: the address, and the key, which comes from the environment only."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

import msgspec

from iepile.errors import InputError

KEYS = ("IEPILE_API_KEY", "OPENAI_API_KEY")
"""Environment variables that may hold the key; the first that is set wins."""
_CALLS = re.compile(r"/(chat/completions|completions|models)$")
_FIX = f"set the environment variable {KEYS[0]}; there it stays out of files, logs and process lists"


class Address(msgspec.Struct, frozen=True):
    """A server's address."""

    base: str
    """Where the calls lie: `http://host:8000/v1`."""
    root: str
    """The server itself: `http://host:8000`."""
    local: bool
    """It is this machine, which no proxy can reach."""


def read_address(text: str) -> Address:
    """The address of a server, as people write it: with or without `/v1`, even with the name of a call.

    Raises:
        InputError: no http address, or one that holds a key or password.
    """
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname, url.port
    except ValueError as e:
        raise InputError(f"not an address: {e}", field="model", expected="http://host:8000/v1") from None
    if url.scheme not in ("http", "https") or not host:
        raise InputError("not the address of a server", field="model", expected="http://host:8000/v1")
    if url.username is not None or url.password is not None:
        raise InputError(f"the address of {host} holds a user name or password", field="model", fix=_FIX)
    if url.query or url.fragment:
        raise InputError(f"the address of {host} goes on after ? or #", field="model", expected="http://host:8000/v1",
                         fix=f"leave that out; for a key, {_FIX}")
    at = f"[{host}]" if ":" in host else host
    place = at if port is None else f"{at}:{port}"
    path = _CALLS.sub("", url.path.rstrip("/")) or "/v1"
    return Address(urlunsplit((url.scheme, place, path, "", "")),
                   urlunsplit((url.scheme, place, path.removesuffix("/v1"), "", "")), _is_local(host))


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_key() -> str:
    """The key from the environment; empty where none is set.

    Raises:
        InputError: it holds something that no header can.
    """
    for name in KEYS:
        key = os.environ.get(name, "").strip()
        if not key:
            continue
        if not re.fullmatch(r"[!-~]+", key):
            raise InputError("holds blanks or signs that no key has", field=name, fix="set it to the key alone")
        return key
    return ""
