"""Tokens: read from a file and the environment, known by their digests, refused where they could be guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.service.tokens import Tokens, read_tokens

TOKEN = "0123456789abcdef"


def test_tokens_of_a_file_and_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read_tokens("")
    path = tmp_path / "tokens"
    path.write_text(f"# those of the team\n\n  {TOKEN}  \r\nfedcba9876543210=\n")
    path.chmod(0o600)
    monkeypatch.setenv("IEPILE_TOKEN", "of-the-environment")
    tokens = read_tokens(str(path))
    who = [tokens.known(f"Bearer {t}") for t in (TOKEN, "fedcba9876543210=", "of-the-environment")]
    assert all(len(w) == 8 for w in who) and len(set(who)) == 3
    assert TOKEN not in "".join(who)
    for header in ("", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
                   "Bearer # those of the team", "Bearer \udcff"):
        assert tokens.known(header) == "", header


@pytest.mark.parametrize("text", ["", "# only a comment\n", "short\n", "has a blank in it, truly\n", "ümlaut" * 4])
def test_files_without_good_tokens_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(text, "utf-8")
    (tmp_path / "tokens").chmod(0o600)
    with pytest.raises(InputError) as raised:
        read_tokens(str(tmp_path / "tokens"))
    assert raised.value.field == "token_file"
    assert "short" not in str(raised.value).replace("a token a line", "")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_tokens(str(tmp_path / "none"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_tokens(str(tmp_path / "bytes"))


def test_a_file_that_everybody_reads_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tokens").write_text(TOKEN)
    (tmp_path / "tokens").chmod(0o644)
    read_tokens(str(tmp_path / "tokens"))
    assert "chmod 600" in caplog.text and TOKEN not in caplog.text


def test_no_token_is_kept() -> None:
    assert TOKEN not in str(vars(Tokens([TOKEN])))
