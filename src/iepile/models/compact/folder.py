"""The model folder: `config.json`, `labels.json`, `calibration.json`, and the network's own files.

Nothing in a folder is executed. `weights` in config.json says what runs the network: torch (`model.safetensors`) or
ONNX Runtime (`*.onnx`).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from iepile.errors import InputError
from iepile.models.compact.calibration import Calibration
from iepile.models.compact.config import FORMAT, CompactConfig
from iepile.models.compact.example import Label

TORCH, ONNX = "torch", "onnx"


@dataclass(frozen=True)
class Description:
    """What a model folder says besides its weights."""

    config: CompactConfig
    labels: tuple[Label, ...]
    calibration: Calibration
    weights: str = TORCH
    """`torch` or `onnx`."""

    def save(self, folder: Path) -> None:
        """Write the three JSON files."""
        settings = {"format": FORMAT, "kind": "compact", "weights": self.weights, **asdict(self.config)}
        write_json(folder / "config.json", settings)
        write_json(folder / "labels.json", [[x.kind, x.text, x.of] for x in self.labels])
        self.calibration.save(folder / "calibration.json")


def read_description(folder: Path | str, weights: str | None = None) -> Description:
    """Read what `Description.save` wrote.

    Args:
        weights: what must run the network; None: either.

    Raises:
        InputError: not a compact model folder, or one of another format, a damaged one, or one of other weights.
    """
    folder = Path(folder)
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        labels = [Label(kind, text, of) for kind, text, of in json.loads((folder / "labels.json").read_text("utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(folder, error) from error
    if not isinstance(settings, dict) or settings.get("kind") != "compact" or settings.get("format") != FORMAT:
        raise InputError(
            "not a compact model of a format this version reads",
            file=folder / "config.json",
            expected=f'"kind": "compact", "format": {FORMAT}',
            fix="train again with this version",
        )
    have = settings.get("weights", TORCH)
    if have not in (TORCH, ONNX) or (weights is not None and have != weights):
        raise InputError(
            f"a compact model for {have}",
            file=folder / "config.json",
            field="weights",
            expected=weights or f"{TORCH} or {ONNX}",
            fix="give the model folder that training wrote" if weights == TORCH else "export the model again",
        )
    known = {f.name for f in fields(CompactConfig)}
    config = CompactConfig(**{k: v for k, v in settings.items() if k in known})
    return Description(config, tuple(labels), Calibration.load(folder / "calibration.json"), have)


def unreadable(folder: Path, error: Exception) -> InputError:
    """The error for a folder that is no model's."""
    return InputError(
        f"not a readable compact model: {error}",
        file=folder,
        expected="a folder with config.json, labels.json and model.safetensors (or the ONNX files of an export)",
        fix="give the model folder that training wrote, or train again",
    )


def new_folder(folder: Path) -> Path:
    """An empty folder beside `folder`, to be filled and put in its place by `replace_folder`."""
    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    return temporary


def replace_folder(temporary: Path, folder: Path) -> None:
    """Put a finished folder in its place; a reader sees the old or the new one."""
    for file in sorted(temporary.rglob("*")):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    if folder.exists():
        old = folder.with_name(folder.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old)
    else:
        temporary.rename(folder)


def write_json(path: Path, value: object) -> None:
    """Write one JSON value, readable."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
