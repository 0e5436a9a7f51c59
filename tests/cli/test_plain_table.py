"""Tables drawn without the terminal library are those that it draws."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iepile.cli.plain_table import plain_table

CELL = st.text(st.sampled_from("ab 1.人物[]-—é\u0301\u200b\t\n"), max_size=12)


def as_rich_draws(header: list[str], rows: list[list[str]], right: list[bool], title: str) -> str:
    shown = Table(*(), title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for n, name in enumerate(header):
        shown.add_column(name, justify="right" if right[n] else "left", no_wrap=n == 0)
    for row in rows:
        shown.add_row(*map(Text, row))
    out = io.StringIO()
    Console(file=out, width=60).print(shown)
    return out.getvalue()


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(0, 3), st.text(st.sampled_from("ab/-1人"), max_size=20))
def test_the_same_text_as_the_library(data: st.DataObject, columns: int, count: int, title: str) -> None:
    header = data.draw(st.lists(st.text(st.sampled_from("abF1"), min_size=1, max_size=8),
                                min_size=columns, max_size=columns))
    rows = data.draw(st.lists(st.lists(CELL, min_size=columns, max_size=columns), min_size=count, max_size=count))
    right = data.draw(st.lists(st.booleans(), min_size=columns, max_size=columns))
    plain = plain_table(header, rows, right, title, 60)
    if plain is not None:
        assert plain == as_rich_draws(header, rows, right, title)


def test_usual_tables_are_plain() -> None:
    rows = [["NER", "entity", "71.58"], ["NER", "人物", "9.00"]]
    plain = plain_table(["task", "facts", "P"], rows, [False, False, True], "micro-string-normal/1", 110)
    assert plain is not None and "人物      9.00" in plain
    assert plain_table(["task"], [["a\tb"]], [False], "", 110) is None
    assert plain_table(["task"], [["a" * 200]], [False], "", 110) is None
