"""Prints the figures of a benchmark as JSON, and records them in benchmarks/results with command, date and versions."""

from __future__ import annotations

import json
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"


def record(name: str, write: bool, figures: dict[str, Any]) -> None:
    """Print figures, and write them to `results/NAME.json`."""
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    about = {
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *arguments]),
        "date": date.today().isoformat(),
        "versions": {p: version(p) for p in ("torch", "transformers", "peft")} | {"python": platform.python_version()},
    }
    text = json.dumps(about | figures, indent=1, ensure_ascii=False) + "\n"
    print(text, end="")
    if write:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json").write_text(text, "utf-8")
