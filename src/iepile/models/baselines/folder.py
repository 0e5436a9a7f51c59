"""The folder of a baseline: `config.json`, which says what it is, and one file with what was learned.

Nothing in it is executed. The digest of the file is in `config.json`: a damaged one is told before it is opened.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON

FORMAT = 1
KINDS = ("crf", "dictionary")
CONFIG = "config.json"


class FolderConfig(msgspec.Struct, frozen=True):
    """What `config.json` holds."""

    kind: str
    """`crf` or `dictionary`."""
    file: str
    """Name of the file with what was learned."""
    digest: str
    """SHA-256 of that file."""
    labels: tuple[str, ...] = ()
    """`crf`: entity types, by their numbers in the tags."""
    settings: dict[str, float] = {}
    """What it was trained with."""
    format: int = FORMAT


def write_config(folder: Path, config: FolderConfig) -> None:
    """Write `config.json`."""
    (folder / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=1) + b"\n")


def read_config(folder: str | Path, kind: str = "") -> FolderConfig:
    """Read what `write_config` wrote, and check the file it names.

    Args:
        kind: what it must be; empty: either.

    Raises:
        InputError: no folder of a baseline, or one of another kind or format, or a damaged one.
    """
    path = Path(folder) / CONFIG
    expected = f'"kind": "{kind}"' if kind else " or ".join(f'"kind": "{k}"' for k in KINDS)
    try:
        config = msgspec.json.decode(path.read_bytes(), type=FolderConfig)
    except (OSError, *BROKEN_JSON) as e:
        raise InputError(f"not the folder of a baseline: {e}", file=folder, field="model", expected=expected,
                         fix="give the folder `model` that training wrote") from None
    if config.kind not in ((kind,) if kind else KINDS) or config.format != FORMAT:
        raise InputError(f"a {config.kind!r} of format {config.format}", file=path, field="kind",
                         expected=f'{expected}, "format": {FORMAT}', fix="train again with this version")
    if Path(config.file).name != config.file:
        raise InputError(f"{config.file!r} is not the name of a file in the folder", file=path, field="file")
    learned = Path(folder) / config.file
    try:
        digest = digest_of(learned)
    except OSError as e:
        raise InputError(f"cannot be read: {e.strerror}", file=learned, fix="train again") from None
    if digest != config.digest:
        raise InputError("is not the file that training wrote: another digest", file=learned, field="digest",
                         expected=config.digest, fix="copy the folder again, or train again")
    return config


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    digest = sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
