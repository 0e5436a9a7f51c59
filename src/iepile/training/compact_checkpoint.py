"""Checkpoints of a compact training run: whole or not there at all, without pickle."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor


class Checkpoints:
    """Folders `checkpoint-STEP` in the output folder of a run, and its log of losses."""

    def __init__(self, folder: Path, run: Mapping[str, Any], keep: int) -> None:
        self.folder, self.run, self.keep = folder, dict(run), keep

    def _steps(self) -> list[int]:
        names = [p.name.removeprefix("checkpoint-") for p in self.folder.glob("checkpoint-*") if p.is_dir()]
        return sorted(int(n) for n in names if n.isdigit())

    def save(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Write under a temporary name, flush to disk, rename; then drop the oldest."""
        final = self.folder / f"checkpoint-{step}"
        temporary = self.folder / f"checkpoint-{step}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        save_file({k: v.contiguous() for k, v in tensors.items()}, temporary / "state.safetensors")
        size = (temporary / "state.safetensors").stat().st_size
        (temporary / "run.json").write_text(json.dumps({"step": step, "bytes": size, "run": self.run}), "utf-8")
        for file in ("state.safetensors", "run.json"):
            with (temporary / file).open("rb") as handle:
                os.fsync(handle.fileno())
        shutil.rmtree(final, ignore_errors=True)
        temporary.rename(final)
        for old in self._steps()[: -self.keep]:
            shutil.rmtree(self.folder / f"checkpoint-{old}", ignore_errors=True)

    def newest(self) -> tuple[int, dict[str, Tensor]] | None:
        """The newest checkpoint of this very run that is whole; damaged ones and other runs' are skipped."""
        for step in reversed(self._steps()):
            folder = self.folder / f"checkpoint-{step}"
            try:
                about = json.loads((folder / "run.json").read_text("utf-8"))
                if about["run"] != self.run or about["bytes"] != (folder / "state.safetensors").stat().st_size:
                    continue
                return step, load_file(folder / "state.safetensors")
            except (OSError, ValueError, KeyError, TypeError, SafetensorError):
                continue
        return None

    def clear(self) -> None:
        """Remove all checkpoints of the folder, finished and unfinished."""
        for path in sorted(self.folder.glob("checkpoint-*")):
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def loss_log(self, step: int) -> Iterator[IO[str]]:
        """`losses.jsonl`, cut back to the first `step` lines and open for more."""
        path = self.folder / "losses.jsonl"
        lines = path.read_bytes().split(b"\n")[:step] if path.exists() else []
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(b"".join(line + b"\n" for line in lines))
        temporary.replace(path)
        with path.open("a", encoding="utf-8") as handle:
            yield handle
