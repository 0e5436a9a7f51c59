"""Names in IRIs: any text becomes the end of an IRI and comes back from it; equal names give equal IRIs in every graph.

    >>> local("人物", "Ada Lovelace")
    '人物:Ada_Lovelace'
    >>> names("人物:Ada_Lovelace")
    ['人物', 'Ada Lovelace']

Long names are cut and end in "=" and a digest; they do not come back and are told by literals.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from iepile.errors import InputError

_END = re.compile(r"[/#:]([a-z]+/)([^/]*)\Z")
_PLACES = re.compile("(?:%[0-9A-F]{0,2})+\\Z")
_NO_IRI = re.compile("[\x00-\x20<>\"{}|^`\\\\\ud800-\udfff]")


@cache
def facts() -> dict[str, Any]:
    """What terms.toml holds."""
    return tomllib.loads(Path(__file__).with_name("terms.toml").read_text("utf-8"))


@cache
def _unsafe() -> re.Pattern[str]:
    # A dot at either end would make "." and "..", which readers of IRIs resolve.
    return re.compile(rf"^\.|\.\Z|[^A-Za-z0-9 .\-{facts()['letters']}]")


def local(*names: str) -> str:
    """The end of an IRI that stands for a name, or for several of which the first say of what kind the last is."""
    unsafe = _unsafe()
    text = ":".join([unsafe.sub(_percent, name).replace(" ", "_") for name in names])
    if len(text) <= facts()["longest"]:
        return text
    return f"{_PLACES.sub('', text[:facts()['shortened']])}={sha256(text.encode()).hexdigest()[:32]}"


def names(end: str) -> list[str] | None:
    """The names that `local` was given; None where they were too long.

    Raises:
        InputError: `local` made no such text.
    """
    if "=" in end:
        return None
    parts = end.replace("_", " ").split(":")
    try:
        return [unquote(part, errors="surrogatepass") for part in parts] if "%" in end else parts
    except UnicodeDecodeError:
        raise InputError(f"no name in the IRI that ends in {end!r}", expected="percent-encoded UTF-8") from None


def ends(iri: str) -> tuple[str, str]:
    """The section of a graph that an IRI belongs to, `entity/`, and its end; empty strings if it is none of ours."""
    found = _END.search(iri)
    return (found[1], found[2]) if found else ("", "")


def check_base(base: str) -> str:
    """The IRI that those of a graph begin with.

    Raises:
        InputError: nothing can be hung on it.
    """
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", base) or base[-1] not in "/#:" or _NO_IRI.search(base):
        raise InputError(f"{base!r} is no IRI that names can be hung on", field="base_iri",
                         expected="such as https://example.org/graph/, with / # or : at its end")
    return base


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))
