"""Steps of a run: every example, the same from any place, in memory and streamed."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections import Counter
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.models.chat import Chat
from iepile.training import streaming
from iepile.training.config import TrainConfig
from iepile.training.data import Examples
from iepile.training.layouts.batch import plan_batches
from iepile.training.loader import Loader, Place, Step, TrainingData, open_training_data, skip_steps
from iepile.training.tokenisation import Tokeniser
from tiny_models import byte_level_tokenizer
from training_rows import ner_row, row, write, write_parquet

CHAT = Chat(byte_level_tokenizer(), "alpaca")
ROWS = [ner_row(n, "ab"[n % 2], words=n % 7) for n in range(95)]


def plan(examples: Examples, draw: int) -> list[list[int]]:
    return plan_batches(examples.lengths, 4, 0, 7, draw)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK", 20)
    monkeypatch.setattr(streaming, "BLOCK", 3)


@pytest.fixture(params=["memory", "lines", "parquet"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "parquet":
        return {"train_file": str(write_parquet(tmp_path / "t.parquet", ROWS, 30)), "streaming": True}
    one, two = write(tmp_path / "a.json", *ROWS[:40]), write(tmp_path / "b.json", *ROWS[40:])
    with one.open("a") as f:
        f.write("\n\n")  # blank lines are no rows
    return {"train_file": f"{one},{two}", "streaming": request.param == "lines"}


def load(**settings: Any) -> TrainingData:
    if settings.get("streaming"):
        settings.setdefault("max_steps", 5)
    return open_training_data(TrainConfig("model", output_dir="out", **settings), CHAT, None, plan)


def epoch_of(loader: Loader, epoch: int, group: int = 3) -> list[Step]:
    return list(takewhile(lambda s: s.epoch == epoch, loader.steps(group, Place(epoch))))


def seen(steps: list[Step]) -> Counter[bytes]:
    return Counter(e.ids.tobytes() for s in steps for b in s.batches for e in b)


def test_an_epoch_has_every_row_once_in_an_order_of_its_own(files: dict[str, Any], tmp_path: Path) -> None:
    data = load(**files)
    plain = load(train_file=str(write(tmp_path / "all.json", *ROWS)))
    every = seen(epoch_of(plain.train, 0))
    assert sum(every.values()) == 95
    one, two = epoch_of(data.train, 0), epoch_of(data.train, 1)
    assert seen(one) == seen(two) == every
    assert [s.batches for s in one] != [s.batches for s in two]
    assert [s.batches for s in one] == [s.batches for s in epoch_of(load(**files).train, 0)]
    assert [s.batches for s in one] != [s.batches for s in epoch_of(load(**files, seed=1).train, 0)] or \
        not files["streaming"]  # in memory, the plan alone knows the seed
    assert all(len(s.batches) == 3 for s in one[:-1]) and 1 <= len(one[-1].batches) <= 3
    shares = [s.share for s in one]
    assert shares == sorted(shares) and shares[-1] == 1.0 and all(0 < s < 1 for s in shares[:-1])
    assert one[-1].after == Place(1) and data.train.tasks == ("NER",)


def test_a_run_goes_on_from_any_place(files: dict[str, Any]) -> None:
    whole = list(islice(load(**files).train.steps(3), 25))
    assert {s.epoch for s in whole} >= {0, 1, 2}
    for n in range(1, 25):
        saved = json.loads(json.dumps({"epoch": whole[n - 1].after.epoch, "chunk": whole[n - 1].after.chunk,
                                       "batch": whole[n - 1].after.batch}))
        again = list(islice(load(**files).train.steps(3, Place(**saved)), 3))
        assert again[: 25 - n] == whole[n : n + 3]
    assert skip_steps(load(**files).train, 3, 9) == whole[8].after


def test_a_resumed_stream_reads_only_what_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = load(train_file=str(write(tmp_path / "t.json", *ROWS)), streaming=True).train
    whole = list(islice(loader.steps(1), 22))
    read: list[int] = []
    encode = Tokeniser._encode

    def counted(self: Tokeniser, row: Any) -> Any:
        read.append(row.line)
        return encode(self, row)

    monkeypatch.setattr(Tokeniser, "_encode", counted)
    assert next(loader.steps(1, whole[20].after)) == whole[21]
    assert whole[20].after.chunk == 4 and len(read) <= 20


@pytest.mark.parametrize("group", [1, 2, 5])
def test_steps_are_counted_as_they_come(tmp_path: Path, group: int) -> None:
    path = str(write(tmp_path / "t.json", *ROWS))
    loader = load(train_file=path, mixture="a=0.5").train
    for epochs in (1, 2, 3):
        assert loader.step_count(epochs, group) == sum(len(epoch_of(loader, e, group)) for e in range(epochs))
    assert loader.step_count(0.5, group) == -(-loader.step_count(1, group) // 2)
    with pytest.raises(InputError, match="not known beforehand") as e:
        load(train_file=path, streaming=True).train.step_count(1, group)
    assert e.value.field == "max_steps"


def test_mixture_and_negatives_hold_in_memory_and_streamed_alike(tmp_path: Path) -> None:
    path = str(write(tmp_path / "t.json", *ROWS))
    settings: dict[str, Any] = {"train_file": path, "mixture": "a=0.5,b=2", "negative_ratio": 0.2}
    for epoch in (0, 1):
        one, two = (seen(epoch_of(load(**settings, streaming=s).train, epoch)) for s in (False, True))
        assert one == two and 60 < sum(one.values()) < 110
        assert set(one.values()) == {1, 2}
    for streamed in (False, True):
        with pytest.raises(InputError, match="no rows have the source 'MSRA'"):
            load(train_file=path, mixture="MSRA=2", streaming=streamed)


def test_an_epoch_without_rows_is_an_error_not_a_loop(tmp_path: Path) -> None:
    path = str(write(tmp_path / "t.json", *ROWS[:3]))
    for streamed in (False, True):
        loader = load(train_file=path, mixture="*=0.00001", streaming=streamed).train
        with pytest.raises(InputError, match="no row is left in epoch 1"):
            next(loader.steps(1))


def test_validation_rows(tmp_path: Path) -> None:
    path, other = write(tmp_path / "t.json", *ROWS), write(tmp_path / "v.json", *ROWS[:5])
    data = load(train_file=str(path), val_set_size=10)
    assert data.valid is not None and (len(data.valid), data.train.rows) == (10, 85)
    assert not seen(epoch_of(data.train, 0)).keys() & {e.ids.tobytes() for e in data.valid}
    for streamed in (False, True):
        with_file = load(train_file=str(path), valid_file=str(other), streaming=streamed)
        assert with_file.valid is not None and (len(with_file.valid), with_file.train.rows) == (5, 95)
    with pytest.raises(InputError, match="no such file") as e:
        load(train_file=str(path), valid_file="nowhere.json")
    assert e.value.field == "valid_file"
    with pytest.raises(InputError, match="cannot be set aside") as e:
        load(train_file=str(path), val_set_size=10, streaming=True)
    assert "val_set_size" in (e.value.field or "")


def test_what_cannot_be_streamed_says_so(tmp_path: Path) -> None:
    array = tmp_path / "a.json"
    array.write_text(json.dumps(ROWS))
    with pytest.raises(InputError, match="JSON array cannot be streamed"):
        load(train_file=str(array), streaming=True)
    with pytest.raises(InputError, match="compressed file cannot be streamed"):
        (tmp_path / "a.json.gz").write_bytes(b"")
        load(train_file=str(tmp_path / "a.json.gz"), streaming=True)
    empty = write(tmp_path / "e.json")
    with pytest.raises(InputError, match="the file is empty"):
        load(train_file=str(empty), streaming=True)


def test_a_bad_row_far_down_is_found_before_the_run(tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", *ROWS, row("Q", ""))
    with pytest.raises(InputError, match="the answer is empty") as e:
        load(train_file=str(path), streaming=True)
    assert e.value.line == 96


def test_a_stream_reports_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(write(tmp_path / "t.json", *ROWS))
    whole = load(train_file=path, streaming=True).report
    assert whole == load(train_file=path).report and not whole.sampled
    monkeypatch.setattr(streaming, "SAMPLE", 30)
    part = load(train_file=path, streaming=True).report
    assert part.sampled and part.rows == 30
    with pytest.raises(InputError, match="no row fits"):
        load(train_file=str(write(tmp_path / "u.json", row("plain words", "A"))), streaming=True, cutoff_len=5)


def test_what_a_stream_leaves_out_is_told_after_each_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                           caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(streaming, "SAMPLE", 30)
    rows = [*ROWS, *(ner_row(n, words=300) | {"task": ""} for n in range(95, 99))]
    path = str(write(tmp_path / "t.json", *rows))
    loader = load(train_file=path, streaming=True, cutoff_len=400).train
    caplog.clear()
    for epoch in (0, 1):
        epoch_of(loader, epoch)
        said = f"4 rows of epoch {epoch + 1} were left out: too long, and the row names no task we know"
        assert caplog.text.count(said) == 1
    whole = load(train_file=str(write(tmp_path / "u.json", *rows[-29:])), streaming=True, cutoff_len=400)
    assert whole.report.too_long == 4 and "4 are left out" in caplog.text


def test_long_rows_of_a_stream_are_split_too(tmp_path: Path) -> None:
    rows = [ner_row(n, words=300) for n in range(6)]
    path = str(write(tmp_path / "t.json", *rows))
    one, two = (seen(epoch_of(load(train_file=path, cutoff_len=300, streaming=s).train, 0)) for s in (False, True))
    assert one == two and sum(one.values()) > 6


def peak(loader: Loader, steps: int) -> int:
    """Bytes that going through some steps takes at most."""
    gc.collect()
    tracemalloc.start()
    try:
        for _ in islice(loader.steps(1), steps):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["lines", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times the rows, all gone through: the same peak, and far less than the rows take in memory."""
    monkeypatch.setattr(streaming, "CHUNK", 40)
    monkeypatch.setattr(streaming, "SAMPLE", 10)
    peaks: list[int] = []
    for size in (200, 1600):
        rows = (ner_row(n, words=30) for n in range(size))
        path = (write(tmp_path / f"{size}.json", *rows) if kind == "lines"
                else write_parquet(tmp_path / f"{size}.parquet", rows, 50))
        loader = load(train_file=str(path), streaming=True).train
        peaks.append(peak(loader, size // 4 - 2))
    assert peaks[1] < 1.3 * peaks[0], peaks
    tracemalloc.start()
    kept = list(epoch_of(load(train_file=str(path)).train, 0, 1000))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept and peaks[1] < held / 3, (peaks, held)
