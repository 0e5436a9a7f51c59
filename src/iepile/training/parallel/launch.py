"""How this process was started: alone, or as one of several by torchrun, accelerate or deepspeed.

All three set the same variables: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT. Nothing here loads torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from iepile.errors import InputError

NEEDED = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
HOW = "start with: torchrun --nproc_per_node 2 -m iepile train ..."


@dataclass(frozen=True)
class Launch:
    """Place of this process among those of the run."""

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    """Number of processes on all machines."""
    local_rank: int = 0
    """Number of this process on its machine; also that of its GPU."""


def read_launch(environment: Mapping[str, str] | None = None) -> Launch:
    """Read what the launcher set; one process where it set nothing.

    Raises:
        InputError: only part of it is set, or it contradicts itself.
    """
    found = os.environ if environment is None else environment
    size = _number(found, "WORLD_SIZE", 1)
    if size == 1:
        return Launch()
    missing = [name for name in NEEDED if not found.get(name)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise InputError(f"WORLD_SIZE is {size}, but {', '.join(missing)} {verb} not set",
                         fix=f"unset WORLD_SIZE, or {HOW}")
    rank, local = _number(found, "RANK", 0), _number(found, "LOCAL_RANK", 0)
    _number(found, "MASTER_PORT", 0)
    if rank >= size or local > rank:
        raise InputError(f"RANK {rank}, LOCAL_RANK {local} and WORLD_SIZE {size} do not go together", fix=HOW)
    return Launch(rank, size, local)


def is_main() -> bool:
    """Whether this process prints and writes what is printed and written once."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def _number(found: Mapping[str, str], name: str, least: int) -> int:
    text = found.get(name, "").strip() or str(least)
    if not text.isdecimal() or int(text) < least:
        raise InputError(f"{name} is {text!r}", expected=f"a whole number, {least} or more", fix=HOW)
    return int(text)
