"""What goes in comes out, in any order."""

from __future__ import annotations

import pytest

from iepile.corpus import spool as module
from iepile.corpus.spool import Spool
from iepile.records import Argument, Document, Entity, Event, Relation, Span

SPAN = Span("Ada", 0, 3)
FULL = Document("Ada 去", "1", "zh", "s", (Entity("p", SPAN, 0.5),), (Relation("r", SPAN, Span("x"), None, "t"),),
                (Event("e", None, (Argument("a", SPAN),)),), ("entity",), {"k": [1, {"n": None}]})


@pytest.mark.parametrize("block", [1, 100, 1 << 20])
def test_any_order(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    with Spool() as spool:
        for n in range(50):
            assert spool.add(Document(str(n))) == n
            assert spool.get(n // 2).text == str(n // 2)
        number = spool.add(FULL)
        assert spool.get(number) == FULL
        assert [doc.text for doc in spool] == [*map(str, range(50)), FULL.text]
        assert len(spool) == 51
