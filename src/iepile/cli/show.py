"""Results on the terminal: short tables for people, JSON for machines (`--json`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from iepile.cli.plain_table import plain_table

WIDTH = 110
"""Columns of tables that are not shown on a terminal."""
as_json = False
"""Set by `--json` for the whole run."""


def summary(result: Any, title: str = "") -> None:
    """Print a summary struct: one line a field, empty ones left out; or JSON."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    if title:
        print(title)
    data = msgspec.to_builtins(result)
    width = max((len(k) for k in data), default=0)
    for key, value in data.items():
        if value not in (None, "", [], {}, 0):
            # Sentences stand one below the other.
            lines = value if isinstance(value, list) and all(isinstance(v, str) for v in value) else [_value(value)]
            for n, line in enumerate(lines):
                print(f"  {'' if n else key.replace('_', ' '):<{width}}  {line}")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_value(v)}" for k, v in value.items())
    return str(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table; columns of figures are right-aligned."""
    cells = [list(row) for row in rows]
    figures = [all(row[n][:1].isdigit() or row[n] in ("", "-") for row in cells) for n in range(len(columns))]
    if not sys.stdout.isatty() and (plain := plain_table(columns, cells, figures, title, WIDTH)) is not None:
        sys.stdout.write(plain)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*(), title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for n, name in enumerate(columns):
        shown.add_column(name, justify="right" if figures[n] else "left", no_wrap=n == 0)
    for row in cells:
        shown.add_row(*map(Text, row))  # as it is: brackets are no markup here
    Console(width=None if sys.stdout.isatty() else WIDTH).print(shown)
