"""The ordered map: order, errors that come home whole, processes that die, and memory that does not grow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pytest

from iepile.corpus.parallel import LOOK_AHEAD, Blob, ordered_map
from iepile.errors import IepileError, InputError, MissingDependency
from toy_jobs import Made, blobs, dying, maker, refusing, unbuildable


def checked(result: Made) -> tuple[int, int]:
    n, process, first, second = result
    assert (bytes(first.data), bytes(second.data)) == blobs(n)
    return n, process


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_jobs(tmp_path: Path, workers: int) -> None:
    made = [checked(r) for r in ordered_map(partial(maker, str(tmp_path), 0.01), range(20), workers)]
    assert [n for n, _ in made] == list(range(20))
    processes = {p for _, p in made}
    assert len(processes) == workers if workers < 3 else len(processes) > 1
    assert (os.getpid() in processes) == (workers == 1)
    assert len(list(tmp_path.iterdir())) == len(processes)  # each built its function once
    assert not active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_to_do(workers: int) -> None:
    assert list(ordered_map(maker, [], workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_error_comes_home_whole(workers: int) -> None:
    def jobs() -> Iterator[int]:
        yield from range(6)
        raise InputError("not JSON", line=7)

    results = ordered_map(partial(refusing, 4), jobs(), workers)
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(InputError) as e:
        next(results)
    assert (e.value.file, e.value.line, e.value.field) == ("a.json", 4, "text")
    assert (e.value.expected, e.value.fix) == ("words", "write some")
    done = []
    with pytest.raises(InputError, match="not JSON"):
        done.extend(ordered_map(partial(refusing, -1), jobs(), workers))
    results = ordered_map(partial(refusing, -1), jobs(), workers)
    assert [next(results) for _ in range(6)] == list(range(6))  # all that was read before the fault
    with pytest.raises(InputError, match="not JSON"):
        next(results)
    assert not active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_cannot_be_built(workers: int) -> None:
    with pytest.raises(InputError, match=r"schema.json: no such schema"):
        list(ordered_map(unbuildable, range(3), workers))


def test_a_killed_worker() -> None:
    results = ordered_map(partial(dying, 5), range(50), 2)
    with pytest.raises(IepileError, match=r"worker process died.*\n.*fewer --workers"):
        list(results)
    assert not active_children()


def test_workers_is_a_count() -> None:
    with pytest.raises(InputError, match="workers is 0"):
        ordered_map(maker, range(3), 0)


def test_stopping_early_frees_the_processes() -> None:
    results = ordered_map(maker, iter(range(10**9)), 2)
    checked(next(results))
    assert len(active_children()) == 2
    results.close()  # type: ignore[attr-defined]
    assert not active_children()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_jobs_are_read_only_as_far_as_needed(workers: int) -> None:
    """What keeps memory flat: a billion jobs, of which few are under way."""
    read = 0

    def jobs() -> Iterator[int]:
        nonlocal read
        for read in range(1, 10**9):
            yield read % 100

    results = ordered_map(maker, jobs(), workers)
    for n in range(1, 30):
        checked(next(results))
        assert n <= read <= n + LOOK_AHEAD * workers
    results.close()  # type: ignore[attr-defined]


def test_a_blob_ends_when_the_next_result_is_asked_for() -> None:
    results = ordered_map(maker, range(1, 9), 2)
    *_, first, _ = next(results)
    part = first.data[:10]
    next(results)
    with pytest.raises(ValueError, match="released"):
        bytes(first.data)
    rest = [bytes(r[2].data) for r in results]
    assert rest == [blobs(n)[0] for n in range(3, 9)]
    assert len(part) == 10  # a view of a view still has its map, if no longer its content


def test_part_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    results = ordered_map(maker, range(9), 2)
    next(results)
    assert list(tmp_path.iterdir())
    list(results)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere:
        def __enter__(self) -> str:
            return str(tmp_path / "gone")

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("tempfile.TemporaryDirectory", lambda **_: Nowhere())
    with pytest.raises(IepileError, match=r"No such file.*\n.*TMPDIR"):
        list(ordered_map(maker, range(3), 2))


def test_workers_follow_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "from functools import partial\nfrom toy_jobs import maker\nfrom iepile.corpus.parallel import ordered_map\n"
        "if __name__ == '__main__':\n"
        "    for n, process, *_ in ordered_map(partial(maker, None, 0.05), iter(range(10**9)), 2):\n"
        "        print(process, flush=True)\n"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    env = os.environ | {"PYTHONPATH": path}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=env)
    assert parent.stdout is not None
    workers = {int(parent.stdout.readline()) for _ in range(6)}
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 10
    while alive := [w for w in workers if Path(f"/proc/{w}").exists()]:
        assert time.monotonic() < end, alive
        time.sleep(0.05)


def test_ray_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"iepile\[ray\]"):
        list(ordered_map(maker, range(3), ray="local"))


def test_a_blob_is_bytes() -> None:
    assert bytes(Blob(b"abc").data) == b"abc"
