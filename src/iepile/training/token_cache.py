"""Token ids kept in a folder, so that the next run on the same data starts at once.

An entry is found by a key made of all that decides it: the bytes of the data files, the tokenizer, the template, how
rows are read. Whatever changes, another entry is made. Entries are plain arrays (`.npy`) mapped into memory, never
pickles; one appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from iepile.errors import InputError
from iepile.jsonl import check_folder, dumps
from iepile.models.chat import Chat
from iepile.training.lengths import DataReport, read_report
from iepile.training.token_table import COLUMNS, TokenTable
from iepile.training.tokenisation import Reading
from iepile.version import __version__

FORMAT = 2
"""Grows when the same rows would give other arrays."""
META = "meta.json"
STALE = 24 * 3600.0
"""Seconds after which what a killed run left is removed."""
_PROBE = '{"instruction": "问 <s>", "schema": ["a"], "input": "b"}'

logger = logging.getLogger(__name__)


def content_key(files: Sequence[Path], chat: Chat, reading: Reading) -> str:
    """Hex SHA-256 of all that decides the token ids of some files.

    Raises:
        InputError: a file cannot be read.
    """
    told = {
        "format": [FORMAT, __version__],
        "files": [[path.name, file_digest(path)] for path in files],
        "tokenizer": hashlib.sha256(_tokenizer_content(chat.tokenizer).encode("utf-8", "surrogatepass")).hexdigest(),
        # What the template makes of a question says more than its name.
        "template": [chat.name, chat.system, chat.prompt_ids(_PROBE), chat.answer_ids("{}")],
        "reading": msgspec.to_builtins(reading),
    }
    return hashlib.sha256(dumps(told).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Hex SHA-256 of the bytes of a file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()
    except OSError as e:
        raise InputError(f"cannot be read: {e.strerror}", file=path) from None


def _tokenizer_content(tokenizer: Any) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        content = str(backend.to_str())
    else:
        content = dumps([type(tokenizer).__name__, sorted(tokenizer.get_vocab().items())])
    special = {k: str(v) for k, v in sorted(tokenizer.special_tokens_map.items())}
    return content + dumps([special, tokenizer.eos_token_id, tokenizer.bos_token_id])


def load(folder: str | Path, key: str) -> tuple[TokenTable, DataReport] | None:
    """The entry of that key; None where there is none, or a damaged one (which is removed)."""
    entry = Path(folder) / key
    if not entry.is_dir():
        return None
    try:
        meta = json.loads((entry / META).read_text("utf-8"))
        arrays = {name: np.load(entry / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in COLUMNS}
        wrong = [name for name, kind in COLUMNS.items()
                 if arrays[name].dtype != kind or arrays[name].shape != (meta["sizes"][name],)]
        if wrong or meta["key"] != key:
            raise ValueError(f"not what was written: {', '.join(wrong)}")
        table = TokenTable(sources=tuple(meta["sources"]), tasks=tuple(meta["tasks"]), **arrays)
        return table, read_report(meta["report"])
    except (OSError, ValueError, KeyError, TypeError, EOFError) as e:
        logger.warning("%s: the cached token ids are damaged and are made again (%s)", entry, e)
        shutil.rmtree(entry, ignore_errors=True)
        return None


def save(folder: str | Path, key: str, table: TokenTable, report: DataReport) -> None:
    """Write an entry.

    Raises:
        InputError: the folder cannot be written.
    """
    base = check_folder(folder)
    _remove_stale(base)
    partial = base / f".{key}.partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        for name in COLUMNS:
            with (partial / f"{name}.npy").open("wb") as f:
                np.save(f, getattr(table, name), allow_pickle=False)
                _flush(f)
        meta = {"key": key, "sizes": {name: len(getattr(table, name)) for name in COLUMNS},
                "sources": list(table.sources), "tasks": list(table.tasks), "report": report.to_json()}
        with (partial / META).open("w", encoding="utf-8") as f:
            f.write(dumps(meta))
            _flush(f)
        with suppress(OSError):  # another process may have been first, with the same content
            partial.rename(base / key)
    except OSError as e:
        raise InputError(f"cannot be written: {e.strerror}", file=base, field="cache_path",
                         fix="make room, choose another folder, or leave cache_path out") from e
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _remove_stale(base: Path) -> None:
    for left in base.glob(".*.partial-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left, ignore_errors=True)
