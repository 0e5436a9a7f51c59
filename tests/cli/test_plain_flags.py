"""Flags read without the parser mean what they mean to the parser."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import iepile.cli.command as command
from iepile.cli.plain_flags import plain_settings


@dataclass
class Config:
    """A config."""

    a_b: str = ""
    """Text."""
    NAN: str = "x"
    """Text."""
    n: int = 1
    """A number."""
    on: bool = False
    """A switch."""


TOKEN = st.sampled_from([
    "--a-b", "--a_b", "--A-B", "--nan", "--n", "--on", "--a-b=v", "--n=7", "--zz", "-1", "12", "007", "v", "a,b", "a=b",
    "", "true", "-", "--help", "人", "--a-b=", "x y", "--nan=--n", "1e3", "1_0",
])


@settings(max_examples=300, deadline=None)
@given(st.lists(TOKEN, max_size=4))
def test_the_same_as_the_parser(argv: list[str]) -> None:
    plain = plain_settings([command._dashed(a) for a in argv], Config)
    if plain is not None:
        assert parsed(argv) == asdict(Config(**plain))


def parsed(argv: list[str]) -> dict[str, Any] | None:
    """What the parser makes of `argv`."""
    got: list[Config] = []
    plain = command.plain_settings
    command.plain_settings = lambda argv, config_type: None
    try:
        command.run_command("x", Config, got.append, argv)
    finally:
        command.plain_settings = plain
    return asdict(got[0]) if got else None


def test_what_is_plain() -> None:
    assert plain_settings(["--a-b", "v", "--n=7"], Config) == {"a_b": "v", "n": 7}
    assert plain_settings([], Config) == {}
    for other in (["--help"], ["--on"], ["--a-b"], ["--a-b", "-x"], ["--n", "x"], ["--a-b", "1", "--a-b", "2"], ["v"]):
        assert plain_settings(other, Config) is None
