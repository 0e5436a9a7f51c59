"""Addresses as people write them; keys that come from the environment and are seen nowhere else."""

from __future__ import annotations

import pytest

from iepile.errors import InputError
from iepile.extraction.server.address import Address, read_address, read_key

HERE = Address("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000", True)


@pytest.mark.parametrize("text", [
    "http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1", " http://127.0.0.1:8000/v1/\n",
    "http://127.0.0.1:8000/v1/chat/completions", "http://127.0.0.1:8000/v1/models",
])
def test_every_way_to_write_an_address(text: str) -> None:
    assert read_address(text) == HERE


def test_other_places() -> None:
    assert read_address("https://api.example.com/openai/v1") == Address(
        "https://api.example.com/openai/v1", "https://api.example.com/openai", False)
    assert read_address("http://[::1]:80/v1").local and read_address("http://localhost:1").local
    assert read_address("https://host/api/v3") == Address("https://host/api/v3", "https://host/api/v3", False)


@pytest.mark.parametrize(("text", "problem"), [
    ("ftp://host/v1", "not the address"), ("http://", "not the address"), ("http://host:port/v1", "not an address"),
    ("http://me:secret@host/v1", "user name or password"), ("https://host/v1?api_key=secret", "goes on after"),
])
def test_bad_addresses_and_no_secret_in_the_message(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as told:
        read_address(text)
    assert "secret" not in str(told.value)


def test_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IEPILE_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert read_key() == ""
    monkeypatch.setenv("OPENAI_API_KEY", "theirs\n")
    assert read_key() == "theirs"
    monkeypatch.setenv("IEPILE_API_KEY", "ours")
    assert read_key() == "ours"
    monkeypatch.setenv("IEPILE_API_KEY", "two words")
    with pytest.raises(InputError) as told:
        read_key()
    assert "two words" not in str(told.value)
