"""What is remembered of mentions and names that somebody makes up is bounded, however long they are."""

from __future__ import annotations

import tracemalloc

from iepile.graph.property_graph import document_key, node_key
from iepile.tasks.matching import head_of, normal_form


def test_long_mentions_and_names_are_worked_out_anew() -> None:
    def ask(n: int) -> None:
        name = f"Firm {n} " + "Ä" * 20_000
        assert normal_form(name) == normal_form(name) == name.casefold()
        assert head_of(name) == "ä" * 20_000
        assert node_key(name, "firm", None) == node_key(name, "firm", None) != node_key(name, "place", None)
        assert document_key(name, None) == document_key(name, None) != document_key(name, "news")

    ask(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(1, 40):
            ask(n)
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 500_000, f"{kept:,} bytes of names that will not return"
