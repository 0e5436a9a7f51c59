"""The index proposes what is similar, the same in every process."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("rensa")

from iepile.corpus.near import BANDS, RECALL, NearIndex, rows_of_a_band
from iepile.errors import MissingDependency

TEXTS = [" ".join(f"w{(i * 7 + k) % 90}" for k in range(40)) for i in range(30)] + [
    "林晚舟在临溪镇创立了青麦食品，后来去了北京工作。" * 2
]


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.8, 0.85, 0.95, 1.0])
def test_rows(threshold: float) -> None:
    rows = rows_of_a_band(threshold)
    assert rows == 1 or 1 - (1 - threshold**rows) ** BANDS >= RECALL
    assert rows == 32 or 1 - (1 - threshold ** (rows + 1)) ** BANDS < RECALL


def test_short_texts_have_no_signature() -> None:
    index = NearIndex(0.8, 5)
    found = index.signatures(
        ["one two three four", "one two three four five", "一二三四五六七八九", "一二三四五六七八九十", "..."]
    )
    assert [signature is not None for signature in found] == [False, True, False, True, False]


def test_parts_are_separate() -> None:
    index = NearIndex(0.8, 5)
    (first,) = index.signatures(TEXTS[:1])
    assert first is not None
    index.add("a", first, 7)
    assert index.candidates("a", first) == [7] and index.candidates("b", first) == []


def proposals() -> str:
    index, out = NearIndex(0.6, 5), []
    for n, signature in enumerate(index.signatures(TEXTS)):
        assert signature is not None
        out.append((signature.hex(), index.candidates("", signature)))
        index.add("", signature, n)
    return repr(out)


def test_every_process_proposes_the_same() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_near; print(test_near.proposals())"
    for seed in ("0", "7"):
        out = subprocess.run(
            [sys.executable, "-c", code, __file__.rpartition("/")[0]],
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": seed or "1"},
        )
        assert out.stdout.strip() == proposals(), out.stderr


def test_rensa_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)
    with pytest.raises(MissingDependency, match=r"rensa.*\n.*iepile\[corpus\]"):
        NearIndex(0.8, 5)
