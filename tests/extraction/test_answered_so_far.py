"""What a run has finished can be read while it goes on, and is what the output will hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.toy_engines import NamesEngine

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.predict import PredictConfig, answered_so_far, predict
from iepile.jsonl import read_rows, write_rows


class Looking(NamesEngine):
    """Calls `look` after every answer, and breaks off after `most`."""

    def __init__(self, look: Any, most: int = 1000) -> None:
        super().__init__()
        self.look, self.most = look, most

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for n, completion in enumerate(islice(super().generate(requests), self.most + 1)):
            if n == self.most:
                raise IepileError("the engine broke off")
            yield completion
            self.look()


def config(folder: Path) -> PredictConfig:
    texts = [{"id": str(n), "text": "" if n == 3 else f"Ada met Bob {n}. Then Cleo came. " * (1 + n % 3)}
             for n in range(9)]
    write_rows(folder / "in.jsonl", texts)
    return PredictConfig(str(folder / "in.jsonl"), str(folder / "out.jsonl"), schema="person, place",
                         window=8, orders=2)


def test_rows_come_in_order_as_they_are_finished(tmp_path: Path) -> None:
    asked = config(tmp_path)
    seen: list[list[dict[str, Any]]] = []
    predict(asked, Looking(lambda: seen.append(list(answered_so_far(asked, NamesEngine())))))
    final = [row for _, row in read_rows(asked.output_file)]
    assert all(rows == final[: len(rows)] for rows in seen)
    lengths = [len(rows) for rows in seen]
    assert lengths == sorted(lengths) and set(lengths) == set(range(10)) - {3}  # an empty text waits for nothing
    assert not list(answered_so_far(asked, NamesEngine())), "the journal is gone with the run"


def test_a_run_that_broke_off_or_was_torn_is_read_too(tmp_path: Path) -> None:
    asked = config(tmp_path)
    with pytest.raises(IepileError, match="broke off"):
        predict(asked, Looking(lambda: None, most=11))
    journal = tmp_path / "out.jsonl.journal"
    before = journal.read_bytes()
    whole = list(answered_so_far(asked, NamesEngine()))
    assert whole
    journal.write_bytes(before + b'{"row": 11, "compl')
    assert list(answered_so_far(asked, NamesEngine())) == whole
    assert journal.read_bytes().endswith(b"compl"), "reading changes nothing"
    asked.window = 9
    assert not list(answered_so_far(asked, NamesEngine())), "the journal is of another run"
    asked.schema = ""
    with pytest.raises(InputError, match="no schema"):
        list(answered_so_far(asked, NamesEngine()))
