"""The page of measurements in both languages, made of benchmarks/results/*.json and performance.toml.

    python docs/performance.py [--write]

Without `--write` it says which page is stale, and ends with 1 if one is. Every figure stands beside what it was
compared with, with the command that measured it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER.parent / "benchmarks/results"
YES_NO = {"en": ("yes", "no"), "zh": ("是", "否")}


def page(language: str) -> str:
    """The whole page in `en` or `zh`. A path of performance.toml that a result lacks is a `KeyError`."""
    plan = tomllib.loads((FOLDER / "performance.toml").read_text("utf-8"))
    lines = [plan["opening"][language].rstrip()]
    for area in plan["area"]:
        lines += ["", f"## {area[language]}"]
        for benchmark in area["benchmark"]:
            lines += ["", *_benchmark(benchmark, plan["head"][language], language)]
    return "\n".join(lines) + "\n"


def _benchmark(benchmark: dict[str, Any], head: list[str], language: str) -> Iterator[str]:
    found = json.loads((RESULTS / f"{benchmark['result']}.json").read_text("utf-8"))
    about = found if isinstance(found, dict) else {}
    yield f"### {benchmark['result']}"
    yield ""
    yield benchmark[language]
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|---|---:|---:|---:|"
    for row in benchmark["rows"]:
        ours, beside = (_value(found, row[key], language) for key in ("ours", "beside"))
        shown = (row[language], _shown(ours, language), _shown(beside, language))
        yield "| " + " | ".join([*shown, _ratio(ours, beside, row.get("ratio", ""))]) + " |"
    yield ""
    command = about.get("command") or benchmark["command"]
    torch = about.get("versions", {}).get("torch")
    when = about.get("date") or benchmark["date"]
    yield f"`{command}` · {when}" + (f" · torch {torch}" if torch else "")


def _value(found: Any, place: Any, language: str) -> Any:
    """What a cell shows: the value at a path of keys, or what performance.toml says itself."""
    if isinstance(place, dict):
        return place[language]
    if not isinstance(place, list):
        return place
    for key in place:
        found = found[key]
    return found


def _shown(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return YES_NO[language][not value]
    if isinstance(value, float) and value == int(value) and abs(value) >= 100:
        value = int(value)
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _ratio(ours: Any, beside: Any, way: str) -> str:
    if not way:
        return "-"
    if way == "share":
        return f"{100 * ours / beside:.2f} %"
    over, under = (ours, beside) if way == "ours/beside" else (beside, ours)
    if not under:
        return "-"
    return f"{over / under:.2f}" if over < 10 * under else f"{over / under:,.0f}"


def main() -> int:
    """Write the pages, or tell which is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the pages")
    write = parser.parse_args().write
    stale = []
    for language in YES_NO:
        path = FOLDER / language / "performance.md"
        made = page(language)
        if not path.exists() or path.read_text("utf-8") != made:
            stale.append(path)
            if write:
                path.write_text(made, "utf-8")
    for path in stale:
        print(f"{'written' if write else 'stale'}: {path.relative_to(FOLDER.parent)}")
    return 1 if stale and not write else 0


if __name__ == "__main__":
    sys.exit(main())
